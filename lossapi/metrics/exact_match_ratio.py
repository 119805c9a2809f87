"""The share of rows that are right in every label."""

from math import prod

from lossapi.definition import metric
from lossapi.domains import Array, Label, Real, Weight
from lossapi.errors import ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.maps.confusion import predicted_labels
from lossapi.maps.torchmetrics_tasks import by_task, without
from lossapi.states import Counts

TASKS = {
    "multiclass": "num_classes, multidim_average='global', ignore_index=None",
    "multilabel": "num_labels, threshold=0.5, multidim_average='global', ignore_index=None",
    "": "task, num_classes=None, num_labels=None, threshold=0.5, multidim_average='global', ignore_index=None",
}


def as_labels(arguments: Arguments) -> Arguments:
    """Labels without the ignored ones, which are right whatever was called; torchmetrics counts rows of them alone."""
    given = without(arguments, "task", "num_classes", "threshold", "ignore_index")
    target, ignored = arguments["target"], arguments.get("ignore_index")
    if arguments["task"] == "multiclass" and target.ndim < 2:
        raise ShapeError("several labels a row", f"shape {target.shape}", ("target",))
    xp = namespace(target)
    labels = predicted_labels(arguments["prediction"], target, arguments.get("threshold", 0.5))
    gone = xp.zeros(target.shape, dtype=xp.bool) if ignored is None else target == ignored
    cleared = {"prediction": labels, "target": target}
    return {**given, **{name: xp.where(gone, xp.zeros_like(each), each) for name, each in cleared.items()}}


def right_in_all(
    prediction: Label[Array, "batch *labels"] | Real[Array, "batch *labels"] | Real[Array, "batch classes *labels"],
    target: Label[Array, "batch *labels"],
    weight: Weight[Array, "batch *labels"] | None = None,
    *,
    threshold: float = 0.5,
) -> Counts:
    """The weight of the rows that are right in every label that counts, and of all rows."""
    xp, rows = namespace(target), target.shape[0]
    labels = max(prod(target.shape[1:]), 1)
    same = xp.reshape(predicted_labels(prediction, target, threshold) == target, (rows, labels))
    each = xp.ones(same.shape) if weight is None else xp.reshape(weight, same.shape)
    row = xp.max(each, axis=1)
    right = xp.sum(row * xp.all(same | (each == 0), axis=1))
    return Counts(xp.stack([right, xp.sum(row)]), {}, rows)


@metric(family="classification", of=right_in_all, like=by_task("exact_match", TASKS, prepare=as_labels, averages=False))
def exact_match_ratio(counts: Counts) -> Array:
    """The share of rows whose every label was predicted right: subset accuracy.

    Formula:
        #(all labels of the row right) / #rows
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        Ignored labels are right whatever was predicted; a row of them alone does not enter.
    Source:
        G. Tsoumakas and I. Katakis, Multi-Label Classification: An Overview, 2007, doi:10.4018/jdwm.2007070101
    Example:
        {"prediction": [[1, 0], [1, 1]], "target": [[1, 1], [1, 1]]} → 0.5
    """
    return counts.table[0] / counts.table[1]
