"""The mean over classes of the overlap of masks over their union: of all pixels pooled, or of each image."""

from typing import Literal

from lossapi.definition import metric, row_mode
from lossapi.domains import Array, Label, Real, Weight
from lossapi.errors import ParameterError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import keras_metric, tf1, torchmetrics
from lossapi.maps.averages import divided, one_vs_rest
from lossapi.maps.confusion import confusion, predicted_labels
from lossapi.maps.keras_labels import elements, indices
from lossapi.maps.row_means import mean, weighed
from lossapi.parameters import Count
from lossapi.states import Counts

MEAN = "sample_weight=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1"
WHOLE = "weights are cut off to whole numbers, since its dtype is int"


def pixels(
    prediction: Label[Array, "batch *axes"] | Real[Array, "batch *axes"] | Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    threshold: float = 0.5,
    num_classes: Count | None = None,
) -> Counts:
    """One table of all pixels: rows true, columns predicted."""
    return confusion(prediction, target, weight, task="multiclass", threshold=threshold, num_classes=num_classes)


def images(
    prediction: Label[Array, "batch *labels"] | Real[Array, "batch *labels"] | Real[Array, "batch classes *labels"],
    target: Label[Array, "batch *labels"],
    weight: Weight[Array, "batch *labels"] | None = None,
    *,
    threshold: float = 0.5,
    num_classes: Count | None = None,
) -> Counts:
    """The mean of each image over the classes that it or its prediction has; summed over the images."""
    xp, rows = namespace(target), target.shape[0]
    labels = predicted_labels(prediction, target, threshold)
    classes = max([int(xp.max(each)) + 1 for each in (labels, target) if each.size], default=1)
    if num_classes is not None and classes > num_classes:
        raise ParameterError(f"labels below {num_classes}", str(classes - 1), ("num_classes",))
    image = xp.broadcast_to(xp.reshape(xp.arange(rows), (-1,) + (1,) * (target.ndim - 1)), target.shape)
    each = xp.ones(target.shape) if weight is None else weight
    shape = (max(rows, 1), classes)
    hits = Counts.of_pairs(image, target, shape, each * (labels == target), {}).table
    both = sum(Counts.of_pairs(image, some, shape, each, {}).table for some in (labels, target))
    union = both - hits
    score = divided(xp.sum(divided(hits, union, 0.0), axis=1), xp.sum(union > 0, axis=1), 0.0)[:rows]
    row = xp.max(xp.reshape(each, (rows, max(each.size // max(rows, 1), 1))), axis=1) if rows else score
    return weighed(score, row, target.size)


def pooled(arguments: Arguments) -> Arguments:
    """Keras' pixels: labels, or the classes along an axis."""
    given = dict(arguments)
    axis = given.pop("axis")
    sparse = {"target": given.pop("sparse_y_true"), "prediction": given.pop("sparse_y_pred")}
    labels = {name: given[name] if kept else indices(given[name], axis) for name, kept in sparse.items()}
    ignored = given.pop("ignore_class")
    return within(elements({**given, **labels, "ignore_index": ignored}))


def within(arguments: Arguments) -> Arguments:
    """Keras' sums of whole weights, of labels that are classes; others do not enter."""
    classes, weight = arguments["num_classes"], arguments["weight"]
    pair = {name: arguments[name] for name in ("target", "prediction")}
    xp = namespace(pair["target"])
    known = xp.ones(pair["target"].shape, dtype=xp.bool)
    for each in pair.values():
        known = known & (each >= 0) & (each < classes)
    whole = xp.ones(known.shape) if weight is None else xp.trunc(1.0 * weight)
    kept = {name: xp.where(known, each, 0) for name, each in pair.items()}
    return {**arguments, **kept, "weight": whole * known} if weight is not None or not xp.all(known) else arguments


def hot(arguments: Arguments) -> Arguments:
    """Keras' pixels whose classes have an axis."""
    kept = arguments.pop("sparse_y_pred", False)
    return pooled({**arguments, "sparse_y_true": False, "sparse_y_pred": kept})


@metric(
    family="segmentation",
    of=pixels,
    rows=row_mode("per_sample", True, images),
    like=[
        keras_metric(f"metrics.MeanIoU(y_true, y_pred, num_classes, {MEAN})", prepare=pooled, differs=WHOLE),
        keras_metric(
            "metrics.OneHotMeanIoU(y_true, y_pred, num_classes, sample_weight=None, ignore_class=None, "
            "sparse_y_pred=False, axis=-1)",
            prepare=hot,
            differs=WHOLE,
        ),
        tf1("metrics.mean_iou(labels, predictions, num_classes, weights=None)", prepare=elements),
        torchmetrics(
            "mean_iou(preds, target, num_classes=None, include_background=True, per_class=False, "
            "input_format='one-hot')",
            refused="it gives one value for each image, of which this metric with per_sample is the mean",
        ),
    ],
)
def mean_iou(counts: Counts, *, include_background: bool = True, average: Literal["macro", "none"] = "macro") -> Array:
    """The mean over classes of the pixels called a class and being it, over those called it or being it.

    Formula:
        mean over classes c that occur of tp_c / (tp_c + fp_c + fn_c); with per_sample the mean of that of each image
    Shapes:
        target: labels (batch, *axes); prediction: labels of that shape, or scores with a class axis more
    Convention:
        Pooled over all pixels, as Keras and TensorFlow: classes that neither tensor has are left out. torchmetrics
        takes it image by image: `per_sample`. Without `include_background` class 0 is left out (pooled only).
    Source:
        M. Everingham et al., The PASCAL Visual Object Classes Challenge, 2010, doi:10.1007/s11263-009-0275-4
    Example:
        {"prediction": [0, 0, 1, 1, 2], "target": [0, 1, 1, 1, 2]} → 0.7222222222222222
    """
    if counts.table.ndim == 1:
        return mean(counts)
    tp, fp, fn, _ = (cell if include_background else cell[1:] for cell in one_vs_rest(counts))
    xp, union = namespace(tp), tp + fp + fn
    each = divided(1.0 * tp, union, xp.nan if average == "none" else 0.0)
    return each if average == "none" else divided(xp.sum(each), 1.0 * xp.sum(union > 0), xp.nan)
