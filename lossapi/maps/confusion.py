"""Who was taken for whom: the table of counts that accuracy, precision, recall, F and their kin are read from."""

from typing import Literal

from lossapi.definition import row_mode
from lossapi.domains import Array, Label, Real, Sums, Weight, YesNo
from lossapi.errors import DomainError, ShapeError, TooLarge
from lossapi.functions import namespace, tally
from lossapi.parameters import Count
from lossapi.states import Counts

Task = Literal["binary", "multiclass", "multilabel"]
MOST_CLASSES = 4096


def confusion(
    prediction: Label[Array, "batch *axes"] | Real[Array, "batch *axes"] | Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    task: Task | None = None,
    threshold: float = 0.5,
    num_classes: Count | None = None,
) -> Counts:
    """The confusion table: rows true, columns predicted; for several labels a row one 2 × 2 table per label.

    Integers of the target's shape are labels; floats of its shape are scores, positive above `threshold`; with a
    class axis more the highest score wins. Two tensors of rank 2 are several labels a row, unless `task` says else.
    """
    labels = predicted_labels(prediction, target, threshold)
    if is_multilabel(prediction, target, task):
        return _multilabel(labels, target, weight)
    xp = namespace(target)
    least = 2 if task == "binary" or prediction.ndim == target.ndim else prediction.shape[1]
    most = num_classes or MOST_CLASSES
    size = max(num_classes or least, _largest(labels, "prediction", most), _largest(target, "target", most))
    return Counts.of_pairs(target, labels, (size, size), None if weight is None else xp.asarray(weight), {})


def predicted_labels(prediction: Array, target: Array, threshold: float) -> Array:
    """The predicted label of each element."""
    xp = namespace(prediction)
    if prediction.ndim > target.ndim:
        return xp.argmax(prediction, axis=1)
    if xp.isdtype(prediction.dtype, "real floating"):
        return xp.astype(prediction > threshold, target.dtype)
    return prediction


def is_multilabel(prediction: Array, target: Array, task: Task | None) -> bool:
    """Whether each row holds several yes/no labels: rank 2 of one shape, as in scikit-learn, or the task says so."""
    if task == "multilabel" and (target.ndim != 2 or prediction.ndim != 2):
        raise ShapeError("prediction and target of shape (batch, labels)", f"shape {tuple(target.shape)}", ("target",))
    return task == "multilabel" or (task is None and target.ndim == 2 and prediction.ndim == 2)


def require_yes_no(labels: Array, name: str, hint: str) -> None:
    """Refuse labels above 1, and say where the first of them stands."""
    xp = namespace(labels)
    if labels.size and xp.max(labels) > 1:
        place = tuple(int(each[0]) for each in xp.nonzero(labels > 1))
        raise DomainError(f"0 or 1 ({hint})", str(int(labels[place])), (name, *place))


def _largest(labels: Array, name: str, most: int) -> int:
    """The number of classes that the labels reveal."""
    largest = int(namespace(labels).max(labels)) + 1 if labels.size else 0
    if largest > most:
        place = tuple(int(each[0]) for each in namespace(labels).nonzero(labels >= most))
        error = TooLarge if most == MOST_CLASSES else DomainError
        raise error(f"label < {most}", str(int(labels[place])), (name, *place))
    return largest


def _multilabel(prediction: Array, target: Array, weight: Array | None) -> Counts:
    """Per label the table [[tn, fp], [fn, tp]]; and how many rows are right in every label that counts."""
    xp = namespace(target)
    for name, labels in (("prediction", prediction), ("target", target)):
        require_yes_no(labels, name, "rank 2 holds several labels a row; task says otherwise")
    rows, labels = target.shape
    cell = 4 * xp.arange(labels) + 2 * target + prediction
    each = None if weight is None else xp.broadcast_to(weight, target.shape)
    table = Counts.of_pairs(xp.zeros_like(cell), cell, (1, 4 * labels), each, {}).table
    right = prediction == target if each is None else (prediction == target) | (each == 0)
    row = xp.ones(rows) if each is None or not labels else xp.max(each, axis=1)
    exact = xp.sum(row * (tally(right, axis=1) == labels))
    extra = {"exact": float(exact), "rows": float(xp.sum(row))}
    return Counts(xp.reshape(table, (-1, 2, 2)), extra, rows)


def right_rows(counts: Counts) -> tuple[Array, Array]:
    """How many elements are right, and how many there are; of rows that hold several labels, those right in all."""
    xp = namespace(counts.table)
    if counts.table.ndim == 3:
        return xp.asarray(counts.extra["exact"]), xp.asarray(counts.extra["rows"])
    return xp.sum(xp.linalg.diagonal(counts.table)), xp.sum(counts.table)


def confusion_rows(
    prediction: YesNo[Array, "batch classes"] | Real[Array, "batch classes"],
    target: YesNo[Array, "batch classes"],
    weight: Weight[Array, "batch classes"] | None = None,
    *,
    threshold: float = 0.5,
) -> Sums[dict[str, Array], "batch"]:
    """True and false positives and negatives within each row, for averages over samples."""
    xp = namespace(target)
    p = xp.astype(predicted_labels(prediction, target, threshold), xp.float64)
    t = xp.astype(target, xp.float64)
    each = xp.ones_like(t) if weight is None else xp.astype(weight, xp.float64)
    cells = {"tp": t * p, "fp": (1 - t) * p, "fn": t * (1 - p), "tn": (1 - t) * (1 - p)}
    return {name: xp.sum(each * cell, axis=1) for name, cell in cells.items()}


SAMPLES = row_mode("average", "samples", confusion_rows)
"""Ratios averaged over rows that hold several labels: the same reading within each."""
