"""Cross-entropy over classes that spends itself on the hard rows."""

from lossapi import class_axes
from lossapi.class_axes import UNCHECKED
from lossapi.conventions import Arguments, steps
from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows, Score
from lossapi.errors import ParameterError
from lossapi.functions import clip, count, log_softmax, namespace, one_hot, pick, product, softmax
from lossapi.parameters import Fraction, LogFloor, NonNegative
from lossapi.presets import keras


def _along_last(arguments: Arguments) -> Arguments:
    """Keras lays alpha along the last axis, whatever `axis` is."""
    if getattr(arguments["alpha"], "ndim", 0) and arguments["axis"] not in (-1, arguments["prediction"].ndim - 1):
        raise ParameterError("one alpha, or classes along the last axis", str(arguments["axis"]), ("axis",))
    return arguments | {"normalize": True, "log_floor": 1e-7}


@loss(
    family="multiclass",
    like=keras(
        "categorical_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, "
        "label_smoothing=0.0, axis=-1)",
        "CategoricalFocalCrossentropy",
        prepare=steps(_along_last, class_axes.keras_dense),
        unchecked=UNCHECKED | {"label_smoothing", "gamma"},
        differs="classes last; alpha 0.25; probabilities, of logits too, are divided by their sum and held within "
        "1e-7 of 0 and 1",
    ),
)
def focal(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    alpha: Real[Array, ""] | Real[Array, "classes"] | None = None,
    *,
    gamma: NonNegative = 2.0,
    from_logits: bool = False,
    label_smoothing: Fraction = 0.0,
    normalize: bool = False,
    log_floor: LogFloor | None = None,
) -> Rows[Array, "batch *axes"]:
    """Cross-entropy over classes that turns away from rows already classified well.

    Targets are class indices, or one-hot rows or probabilities with a class axis more. With `from_logits` the
    softmax is inside. `gamma` γ says how fast an easy row fades; at 0 it is the α-weighted cross-entropy.

    Formula:
        -Σ_c α_c y_c (1 - p_c)^γ log p_c, with p = softmax(prediction) under from_logits; y ← y(1 - a) + a/C
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes) or like prediction;
        alpha: a number or (classes); one value per (batch, *axes)
    Units:
        nats
    Convention:
        A number α multiplies every class (Keras); MONAI and kornia give class 0 weight 1 - α and the others α, and
        average over rows times classes. α enters the sum alone: `weighted_mean` does not divide by it.
    Errata:
        The paper's loss is binary, a sigmoid for each class; the softmax form came later. α = 0.25 and γ = 2 were
        tuned for the binary one: here one α for all classes only rescales the loss.
    Raises:
        domain: a label not below the number of classes, a probability outside [0, 1]
    Source:
        T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, Focal Loss for Dense Object Detection, 2017,
        https://arxiv.org/abs/1708.02002
    Example:
        {"prediction": [[0.9, 0.1], [0.5, 0.5]], "target": [0, 1], "alpha": [0.25, 0.75]} → 0.06511424882206715
    """
    xp = namespace(prediction)
    if from_logits and log_floor is None:
        logs = log_softmax(prediction, axis=1)
        p = xp.exp(logs)
    else:
        p = _held(softmax(prediction, axis=1) if from_logits else prediction, normalize, log_floor)
        logs = _logs(p, log_floor)
    if target.ndim == prediction.ndim or label_smoothing:
        y = target if target.ndim == prediction.ndim else one_hot(target, prediction, axis=1)
        y = y * (1.0 - label_smoothing) + label_smoothing / count(y, axis=1) if label_smoothing else y
        by_class = None if alpha is None else xp.reshape(alpha, (-1, *(1,) * (prediction.ndim - 2)))
        terms = product(y, logs) * (1.0 - p) ** gamma
        return -xp.sum(terms if by_class is None else terms * by_class, axis=1)
    value = -pick(logs, target, axis=1) * (1.0 - pick(p, target, axis=1)) ** gamma
    if alpha is None or alpha.ndim == 0:
        return value if alpha is None else alpha * value
    return value * xp.reshape(xp.take(alpha, xp.reshape(target, (-1,)), axis=0), target.shape)


def _held(p: Array, normalize: bool, floor: float | None) -> Array:
    """Probabilities divided by their sum, if they shall be, and held within a positive floor."""
    p = p / namespace(p).sum(p, axis=1, keepdims=True) if normalize else p
    return clip(p, low=floor, high=1.0 - floor) if floor is not None and floor > 0 else p


def _logs(p: Array, floor: float | None) -> Array:
    """Their logs, no less than a floor that is not positive."""
    logs = namespace(p).log(p)
    return clip(logs, low=floor) if floor is not None and floor <= 0 else logs
