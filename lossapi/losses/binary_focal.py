"""Cross-entropy of yes/no targets that spends itself on the hard ones."""

from lossapi.definition import loss
from lossapi.domains import Array, Probability, Real, Rows, Score
from lossapi.functions import clip, log1m, log1p, namespace, product, sigmoid
from lossapi.libraries.conventions import Arguments, broadcast, floating, steps, stretched, without_nan
from lossapi.libraries.layouts import keras_axes
from lossapi.libraries.presets import keras, optax
from lossapi.parameters import Fraction, LogFloor, NonNegative

PAIR = ("prediction", "target")
UNCHECKED = frozenset({*PAIR, "label_smoothing", "gamma"})


def _balanced_or_not(arguments: Arguments) -> Arguments:
    """optax balances where it is given an alpha."""
    return arguments | {"balanced": arguments["alpha"] is not None}


@loss(
    family="binary",
    like=[
        *keras(
            "binary_focal_crossentropy(y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, "
            "from_logits=False, label_smoothing=0.0, axis=-1)",
            "BinaryFocalCrossentropy",
            {"apply_class_balancing": "balanced"},
            fixed={"log_floor": 1e-7},
            prepare=steps(keras_axes, without_nan(*PAIR)),
            mean_axes=1,
            unchecked=UNCHECKED - {"target"},
            differs="alpha only with apply_class_balancing; the log is of probabilities within 1e-7 of 0 and 1, of "
            "logits too; averaged over `axis` first",
        ),
        optax(
            "sigmoid_focal_loss(logits, labels, *, alpha=None, gamma=2.0)",
            fixed={"from_logits": True},
            prepare=steps(
                floating("prediction"), broadcast(*PAIR), stretched("alpha", trailing=True), _balanced_or_not
            ),
            unchecked=UNCHECKED,
            differs="no alpha unless it is given",
        ),
    ],
)
def binary_focal(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    alpha: Real[Array, ""] | Real[Array, "*axes"] | Real[Array, "batch *axes"] = 0.25,
    *,
    gamma: NonNegative = 2.0,
    balanced: bool = True,
    from_logits: bool = False,
    label_smoothing: Fraction = 0.0,
    log_floor: LogFloor | None = None,
) -> Rows[Array, "batch *axes"]:
    """Binary cross-entropy that turns away from what is already classified well, for rare positives.

    `gamma` γ says how fast; at 0 it is the α-balanced binary cross-entropy. `balanced` false leaves α out.

    Formula:
        -α_t (1 - p_t)^γ log p_t; p_t = p and α_t = α where y = 1, else p_t = 1 - p and α_t = 1 - α;
        y ← y(1 - a) + a/2 under label smoothing a
    Shapes:
        prediction, target: (batch, *axes); alpha: a number, (*axes), or one per element; one value per element
    Units:
        nats
    Convention:
        α = 0.25 weighs the positives, as in the paper and torchvision. Between 0 and 1 a target mixes both sides:
        α_t and p_t linearly, the logs as cross-entropy does (Keras, optax). `log_floor` 1e-7 is Keras' clip.
    Errata:
        The negative branch is often printed with α where 1 - α belongs. α below ½ does not raise the rare class: it
        is the best value together with γ = 2, which already silences the many easy negatives.
    Raises:
        domain: a probability outside [0, 1]
    Source:
        T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, Focal Loss for Dense Object Detection, 2017,
        https://arxiv.org/abs/1708.02002
    Example:
        {"prediction": [0.9, 0.1], "target": [1, 1], "reduction": "sum"} → 0.4665368826204388
    """
    y = target * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    if from_logits and log_floor is None:
        surprise, miss = _of_logits(prediction, y)
    else:
        p = sigmoid(prediction) if from_logits else prediction
        surprise, miss = _of_probabilities(p, y, log_floor), y * (1.0 - p) + (1.0 - y) * p
    value = miss**gamma * surprise
    return (alpha * y + (1.0 - alpha) * (1.0 - y)) * value if balanced else value


def _of_logits(x: Array, y: Array) -> tuple[Array, Array]:
    """Cross-entropy and 1 - p_t, with p = exp(-softplus(-x)) and 1 - p = exp(-softplus(x))."""
    xp = namespace(x)
    below, rest = xp.maximum(-x, xp.zeros_like(x)), log1p(xp.exp(-xp.abs(x)))
    yes, no = below + rest, (x + below) + rest
    return ((1.0 - y) * x + below) + rest, y * xp.exp(-no) + (1.0 - y) * xp.exp(-yes)


def _of_probabilities(p: Array, y: Array, floor: float | None) -> Array:
    """Cross-entropy of probabilities held within the floor."""
    held = p if floor is None else clip(p, low=floor, high=1.0 - floor)
    logs = namespace(p).log(held), log1m(held)
    return -product(y, logs[0]) - product(1.0 - y, logs[1])
