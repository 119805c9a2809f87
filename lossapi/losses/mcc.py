"""One minus the Matthews correlation coefficient of a soft prediction and a target."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Score, Sums, Weight
from lossapi.functions import namespace, sigmoid, softmax
from lossapi.maps.overlap import SetAverage, add_up, as_class, by_class, kept, over_classes
from lossapi.parameters import NonNegative


def set_confusion(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """The four cells of one set, per row."""
    p = sigmoid(prediction) if from_logits else prediction
    return as_class(_cells(p, target, tuple(range(1, p.ndim)), weight))


def class_confusion(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """The four cells of each class against the rest, per row."""
    p = softmax(prediction, axis=1) if from_logits else prediction
    t, each = by_class(p, target, weight)
    return _cells(p, t, tuple(range(2, p.ndim)), each)


def _cells(p: Array, t: Array, axes: tuple[int, ...], weight: Array | None) -> dict[str, Array]:
    cells = {"tp": p * t, "fp": p * (1.0 - t), "fn": (1.0 - p) * t, "tn": (1.0 - p) * (1.0 - t)}
    return {name: add_up(cell, axes, weight) for name, cell in cells.items()}


@loss(family="segmentation", of=(set_confusion, class_confusion))
def mcc(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    smooth_numerator: NonNegative = 0.0,
    smooth_denominator: NonNegative = 1e-8,
    average: SetAverage | None = None,
    include_background: bool = True,
) -> Array:
    """How little a predicted mask and the true one correlate, the background counting as much as the foreground.

    Formula:
        1 - (TP TN - FP FN + a) / √((TP + FP)(TP + FN)(TN + FP)(TN + FN) + b), the four cells summed on probabilities;
        0 where nothing is wrong
    Shapes:
        one set: prediction, target (batch, *axes), pooled over everything, or one value per row with per_sample;
        classes: prediction (batch, classes, *axes) with labels (batch, *axes), or with a target like prediction if
        average says macro, micro or none; class_weight (classes)
    Convention:
        From 0 to 2. A perfect prediction of nothing costs 0, as in MONAI (a = 0, b = 1e-5, image by image: per_sample).
        segmentation-models-pytorch adds 1e-5 to each of the four cells instead, and takes one set alone.
    Source:
        K. Abhishek, G. Hamarneh, Matthews Correlation Coefficient Loss for Deep Convolutional Networks, 2021,
        doi:10.1109/ISBI48211.2021.9433782
    Example:
        {"prediction": [0.9, 0.2, 0.6, 0.1], "target": [1, 0, 1, 0]} → 0.3969773110348208
    """
    cells = kept(sums, average, include_background)
    tp, fp, fn, tn = cells["tp"], cells["fp"], cells["fn"], cells["tn"]
    xp = namespace(tp)
    root = xp.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) + smooth_denominator)
    losses = 1.0 - (tp * tn - fp * fn + smooth_numerator) / root
    return over_classes(xp.where((fp == 0.0) & (fn == 0.0), xp.zeros_like(losses), losses), class_weight, average)
