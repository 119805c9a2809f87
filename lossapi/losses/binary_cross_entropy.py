"""Cross-entropy of yes/no targets."""

from lossapi.definition import loss
from lossapi.domains import Array, Probability, Real, Rows, Score
from lossapi.functions import floored_surprise, log1p, logit_surprise, namespace
from lossapi.libraries.conventions import (
    Arguments,
    broadcast,
    floating,
    positive_smoothing,
    same_dtype,
    same_shape,
    steps,
    stretched,
    without_nan,
)
from lossapi.libraries.layouts import keras_axes
from lossapi.libraries.presets import keras, optax, tf1, torch
from lossapi.maps.surprise import yes_no_terms
from lossapi.parameters import Fraction, LogFloor, NonNegative

PAIR = ("prediction", "target")
UNCHECKED = frozenset({*PAIR, "label_smoothing"})
LOGITS = {"from_logits": True}


def _clipped(arguments: Arguments) -> Arguments:
    """Keras clips probabilities, and its PyTorch backend holds targets to [0, 1] then; logits it takes as they are."""
    if arguments["from_logits"]:
        return arguments
    kept = {"log_floor": 1e-7, "unchecked": UNCHECKED - {"target"}}
    return without_nan(*PAIR)(arguments | kept)


def _targets(arguments: Arguments) -> Arguments:
    """TensorFlow 1.15 calls the labels `labels`, and before that `targets`."""
    old = arguments.pop("targets")
    return arguments if old is None else arguments | {"target": old}


@loss(
    family="binary",
    like=[
        torch(
            "binary_cross_entropy(input, target, weight=None, reduction='mean')",
            fixed={"log_floor": -100.0},
            prepare=steps(
                floating("prediction"), same_shape(*PAIR), same_dtype(*PAIR), without_nan(*PAIR), stretched("weight")
            ),
            differs="no log is less than -100, so that nothing costs more than 100; NaN is refused",
        ),
        torch(
            "binary_cross_entropy_with_logits(input, target, weight=None, reduction='mean', pos_weight=None)",
            fixed=LOGITS,
            prepare=steps(
                floating(*PAIR), same_shape(*PAIR), stretched("weight"), stretched("pos_weight", trailing=True)
            ),
            unchecked=UNCHECKED,
            differs="targets may be any number",
        ),
        *keras(
            "binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1)",
            "BinaryCrossentropy",
            metric="BinaryCrossentropy",
            prepare=steps(keras_axes, _clipped),
            mean_axes=1,
            unchecked=UNCHECKED,
            differs="probabilities are held within 1e-7 of 0 and 1; averaged over `axis` first",
        ),
        tf1(
            "losses.sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, "
            "reduction='weighted_sum_by_nonzero_weights')",
            {"multi_class_labels": "target"},
            fixed=LOGITS,
            prepare=positive_smoothing,
            unchecked=UNCHECKED,
        ),
        tf1(
            "losses.log_loss(labels, predictions, weights=1.0, epsilon=1e-07, "
            "reduction='weighted_sum_by_nonzero_weights')",
            {"epsilon": "log_offset"},
            unchecked=UNCHECKED | {"log_offset"},
            differs="epsilon is added inside both logs",
        ),
        tf1("nn.sigmoid_cross_entropy_with_logits(labels=None, logits=None)", fixed=LOGITS, unchecked=UNCHECKED),
        tf1(
            "nn.weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, targets=None)",
            fixed=LOGITS,
            prepare=steps(_targets, stretched("pos_weight", trailing=True)),
            unchecked=UNCHECKED,
        ),
        optax(
            "sigmoid_binary_cross_entropy(logits, labels)",
            fixed=LOGITS,
            prepare=steps(floating("prediction"), broadcast(*PAIR)),
            unchecked=UNCHECKED,
        ),
    ],
)
def binary_cross_entropy(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    pos_weight: Real[Array, ""] | Real[Array, "*axes"] | Real[Array, "batch *axes"] | None = None,
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
        prediction, target: (batch, *axes); pos_weight, alpha: a number or (*axes), pos_weight also one per element;
        one value per element
    Units:
        nats
    Convention:
        Exact: a probability of 0 for what happened costs infinity. `log_floor` -100 is PyTorch's least log,
        1e-7 Keras' clip of the probabilities; `log_offset` 1e-7 is added inside the logs by TensorFlow 1. Under a
        least log the gradient is PyTorch's too: (p - y)/max(p(1 - p), 1e-12).
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
    positive, negative = 1.0 if pos_weight is None else pos_weight, 1.0
    if alpha is not None:
        positive, negative = positive * alpha, 1.0 - alpha
    if not from_logits:
        if log_floor is not None and log_floor <= 0 and not log_offset and pos_weight is None and alpha is None:
            return floored_surprise(prediction, y, floor=log_floor)
        yes, no = yes_no_terms(prediction, y, log_floor, log_offset)
        return -positive * yes - negative * no
    if pos_weight is None and alpha is None:
        return logit_surprise(prediction, y)
    xp = namespace(prediction)
    below, rest = xp.maximum(-prediction, xp.zeros_like(prediction)), log1p(xp.exp(-xp.abs(prediction)))
    return positive * y * (below + rest) + negative * (1.0 - y) * ((prediction + below) + rest)
