"""Who was taken for whom: the table of counts that accuracy, precision, recall, F and their kin are read from."""

from collections.abc import Callable, Mapping
from typing import Literal

from lossapi.domains import Array, Label, Real, Sums, Weight
from lossapi.errors import DomainError, ShapeError, TooLarge
from lossapi.functions import namespace
from lossapi.parameters import Average, Count
from lossapi.states import Counts

Task = Literal["binary", "multiclass", "multilabel"]
ZeroDivision = Literal[0, 1, "nan"]
Ratio = Callable[[Array, Array, Array, Array], tuple[Array, Array]]
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


def _largest(labels: Array, name: str, most: int) -> int:
    """The number of classes that the labels reveal."""
    largest = int(namespace(labels).max(labels)) + 1 if labels.size else 0
    if largest > most:
        error = TooLarge if most == MOST_CLASSES else DomainError
        raise error(f"label < {most}", str(largest - 1), (name,))
    return largest


def _multilabel(prediction: Array, target: Array, weight: Array | None) -> Counts:
    """Per label the table [[tn, fp], [fn, tp]]; and how many rows are right in every label."""
    xp = namespace(target)
    for name, labels in (("prediction", prediction), ("target", target)):
        if _largest(labels, name, MOST_CLASSES) > 2:
            raise DomainError("0 or 1 (rank 2 holds several labels a row; task says otherwise)", "more", (name,))
    each = xp.ones(target.shape, dtype=xp.int64) if weight is None else xp.asarray(weight, dtype=xp.float64)
    p, t = xp.astype(prediction, each.dtype), xp.astype(target, each.dtype)
    cells = [(1 - t) * (1 - p), (1 - t) * p, t * (1 - p), t * p]
    table = xp.stack([xp.sum(each * cell, axis=0) for cell in cells], axis=-1)
    row = each[:, 0] if each.shape[1] else xp.ones(each.shape[0])
    exact = xp.sum(row * xp.all(prediction == target, axis=1))
    extra = {"exact": float(exact), "rows": float(xp.sum(row))}
    return Counts(xp.reshape(table, (-1, 2, 2)), extra, target.shape[0])


def confusion_rows(
    prediction: Label[Array, "batch classes"] | Real[Array, "batch classes"],
    target: Label[Array, "batch classes"],
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


def one_vs_rest(counts: Counts | Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
    """tp, fp, fn, tn of every class (or label), each against the rest; of every row where given by rows."""
    if not isinstance(counts, Counts):
        return counts["tp"], counts["fp"], counts["fn"], counts["tn"]
    table = counts.table
    if table.ndim == 3:
        return table[:, 1, 1], table[:, 0, 1], table[:, 1, 0], table[:, 0, 0]
    xp = namespace(table)
    tp = xp.linalg.diagonal(table)
    fp = xp.sum(table, axis=0) - tp
    fn = xp.sum(table, axis=1) - tp
    return tp, fp, fn, xp.sum(table) - tp - fp - fn


def averaged(
    ratio: Ratio,
    counts: Counts | Mapping[str, Array],
    average: Average,
    pos_label: int,
    zero_division: ZeroDivision,
) -> Array:
    """A ratio of counts under one of the usual averages; `ratio` maps (tp, fp, fn, tn) to (numerator, denominator)."""
    tp, fp, fn, tn = cells = one_vs_rest(counts)
    xp = namespace(tp)
    undefined = float(zero_division)
    if average == "binary" and isinstance(counts, Counts):
        positive = _binary(counts, pos_label)
        cells = tp[positive], fp[positive], fn[positive], tn[positive]
    elif average == "micro":
        cells = xp.sum(tp), xp.sum(fp), xp.sum(fn), xp.sum(tn)
    numerator, denominator = ratio(*cells)
    each = divided(numerator, denominator, undefined)
    if average in ("binary", "micro", "samples") or not isinstance(counts, Counts):
        return each
    if average == "none":
        return each
    present = (tp + fp + fn > 0) if counts.table.ndim == 2 else xp.ones(tp.shape, dtype=xp.bool)
    weight = xp.astype(present, xp.float64) if average == "macro" else tp + fn
    weight = xp.where(xp.isnan(each), xp.zeros_like(weight), weight)
    each = xp.where(xp.isnan(each), xp.zeros_like(each), each)
    return divided(xp.sum(weight * each), xp.sum(weight), undefined)


def divided(numerator: Array, denominator: Array, undefined: float) -> Array:
    """A ratio, and `undefined` where the denominator is 0."""
    xp = namespace(numerator)
    zero = denominator == 0
    return xp.where(zero, undefined, numerator / xp.where(zero, xp.ones_like(denominator), denominator))


def _binary(counts: Counts, pos_label: int) -> int:
    """The place of the positive class, if there are two."""
    if counts.table.shape != (2, 2):
        got = f"{counts.table.shape[0]} labels a row" if counts.table.ndim == 3 else f"{counts.table.shape[0]} classes"
        raise ShapeError(
            'two classes under average "binary" (micro, macro, weighted or none take more)', got, ("average",)
        )
    if pos_label not in (0, 1):
        raise DomainError("pos_label 0 or 1", str(pos_label), ("pos_label",))
    return pos_label
