"""Cross-entropy over classes that spends itself on the hard rows."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows, Score
from lossapi.errors import ParameterError
from lossapi.functions import clip, count, log_softmax, namespace, one_hot, pick, product, softmax, surprisal
from lossapi.libraries import class_axes
from lossapi.libraries.class_axes import UNCHECKED
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import keras
from lossapi.parameters import Fraction, LogFloor, NonNegative


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
    exact = from_logits and log_floor is None
    if from_logits and not exact:
        prediction = softmax(prediction, axis=1)
    if target.ndim == prediction.ndim or label_smoothing:
        y = target if target.ndim == prediction.ndim else one_hot(target, prediction, axis=1)
        y = y * (1.0 - label_smoothing) + label_smoothing / count(y, axis=1) if label_smoothing else y
        logs, miss = _of_all(prediction, exact, normalize, log_floor)
        by_class = 1.0 if alpha is None else xp.reshape(alpha, (-1, *(1,) * (prediction.ndim - 2)))
        return -xp.sum(product(y, logs) * miss**gamma * by_class, axis=1)
    surprise, miss = _of_one(prediction, target, exact, normalize, log_floor)
    value = surprise * miss**gamma
    if alpha is None or alpha.ndim == 0:
        return value if alpha is None else alpha * value
    return value * xp.reshape(xp.take(alpha, xp.reshape(target, (-1,)), axis=0), target.shape)


def _of_all(x: Array, exact: bool, normalize: bool, floor: float | None) -> tuple[Array, Array]:
    """log p and 1 - p of every class: of logits where they are exact, else of probabilities."""
    xp = namespace(x)
    if exact:
        logs = log_softmax(x, axis=1)
        return logs, 1.0 - xp.exp(logs)
    return _logs(x / xp.sum(x, axis=1, keepdims=True) if normalize else x, floor)


def _of_one(x: Array, target: Array, exact: bool, normalize: bool, floor: float | None) -> tuple[Array, Array]:
    """-log p and 1 - p of the class that came."""
    xp = namespace(x)
    if exact:
        surprise = surprisal(x, target, axis=1)
        return surprise, -xp.expm1(-surprise)
    p = pick(x, target, axis=1)
    logs, miss = _logs(p / xp.sum(x, axis=1) if normalize else p, floor)
    return -logs, miss


def _logs(p: Array, floor: float | None) -> tuple[Array, Array]:
    """log p and 1 - p of probabilities held within a positive floor, or whose log is."""
    p = clip(p, low=floor, high=1.0 - floor) if floor is not None and floor > 0 else p
    logs = namespace(p).log(p)
    return clip(logs, low=floor) if floor is not None and floor <= 0 else logs, 1.0 - p
