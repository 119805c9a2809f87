"""Cross-entropy of yes/no targets."""

from lossapi.definition import loss
from lossapi.domains import Array, Probability, Real, Rows, Score
from lossapi.functions import clip, floored_log, softplus, xlogy
from lossapi.parameters import Fraction, LogFloor, NonNegative
from lossapi.presets import optax


@loss(
    family="binary",
    like=[
        optax(
            "sigmoid_binary_cross_entropy(logits, labels)",
            fixed={"from_logits": True},
            unchecked=frozenset({"target"}),
        ),
    ],
)
def binary_cross_entropy(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    pos_weight: Real[Array, ""] | Real[Array, "*axes"] | None = None,
    alpha: Real[Array, ""] | Real[Array, "*axes"] | None = None,
    *,
    from_logits: bool = False,
    label_smoothing: Fraction = 0.0,
    log_floor: LogFloor | None = None,
    log_offset: NonNegative = 0.0,
) -> Rows[Array, "batch *axes"]:
    """How surprised a forecast of yes/no outcomes was: minus the log of the probability it gave to what happened.

    With `from_logits` the sigmoid is inside, in a form that neither overflows nor loses digits.
    `pos_weight` q multiplies the positive term alone; `alpha` α balances: α for positives, 1 - α for negatives.

    Formula:
        -(q α y log p + (1 - α)(1 - y) log(1 - p)); y ← y(1 - a) + a/2 under label smoothing a
    Shapes:
        prediction, target: (batch, *axes); pos_weight, alpha: a number or (*axes); one value per element
    Units:
        nats
    Convention:
        Exact: a probability of 0 for what happened costs infinity. `log_floor` -100 is PyTorch's least log,
        1e-7 Keras' clip of the probabilities; `log_offset` 1e-7 is added inside the logs by TensorFlow 1.
    Errata:
        Often printed with the factor -1/N but no sum over the samples, or with a factor -½; the mean has neither.
    Raises:
        domain: a probability outside [0, 1]
    Source:
        I. J. Good, Rational Decisions, 1952, https://www.jstor.org/stable/2984087
    Example:
        {"prediction": [0.45, 0.7], "target": [1, 0], "reduction": "sum"} → 2.002480500543684
    """
    y = target * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    positive = 1.0 if pos_weight is None else pos_weight
    negative = 1.0
    if alpha is not None:
        positive, negative = positive * alpha, 1.0 - alpha
    if not from_logits:
        p = clip(prediction, low=log_floor, high=1.0 - log_floor) if log_floor and log_floor > 0 else prediction
        floor = log_floor if log_floor is not None and log_floor <= 0 else None
        return -positive * _term(y, p + log_offset, floor) - negative * _term(1.0 - y, 1.0 - p + log_offset, floor)
    if pos_weight is None and alpha is None:
        return softplus(prediction) - prediction * y
    surprise = softplus(-prediction)
    return positive * y * surprise + negative * (1.0 - y) * (prediction + surprise)


def _term(y: Array, p: Array, floor: float | None) -> Array:
    """y log p, 0 where y is 0."""
    return xlogy(y, p) if floor is None else y * floored_log(p, floor=floor)
