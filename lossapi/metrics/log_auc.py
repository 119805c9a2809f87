"""The area under the ROC curve over the logarithm of the false positive rate: the early part of a ranking."""

from collections.abc import Sequence
from typing import Any

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.maps.scores import Average, Curve, Thresholds, Undefined, over_columns, rates, scores, trapezoid
from lossapi.maps.torchmetrics_tasks import DIFFERS, by_task, scored
from lossapi.parameters import Fraction
from lossapi.states import State

TASKS = {
    "binary": "fpr_range=(0.001, 0.1), thresholds=None, ignore_index=None",
    "multiclass": "num_classes, fpr_range=(0.001, 0.1), average='macro', thresholds=None, ignore_index=None",
    "multilabel": "num_labels, fpr_range=(0.001, 0.1), average='macro', thresholds=None, ignore_index=None",
    "": "task, thresholds=None, num_classes=None, num_labels=None, fpr_range=(0.001, 0.1), average=None, "
    "ignore_index=None",
}


def as_list(arguments: Arguments) -> Arguments:
    """The range as a list; two classes have no average."""
    if arguments["task"] != "binary" and arguments["average"] not in ("macro", "none"):
        raise ParameterError('average "macro" or null', repr(arguments["average"]), ("average",))
    given: dict[str, Any] = {**arguments, "fpr_range": [float(each) for each in arguments["fpr_range"]]}
    return given | {"average": "macro"} if given["task"] == "binary" else given


@metric(
    family="classification",
    of=scores,
    like=by_task(
        "logauc",
        TASKS,
        prepare=steps(scored, as_list),
        averages=False,
        fixed={"undefined": 0},
        differs=f"{DIFFERS}; of points of one rate the last begins the line, where torchmetrics takes any",
    ),
)
def log_auc(
    state: State,
    *,
    fpr_range: Sequence[Fraction] = (0.001, 0.1),
    average: Average = "macro",
    undefined: Undefined = "nan",
    thresholds: Thresholds | None = None,
) -> Array:
    """The area under the ROC curve with the false positive rate on a logarithmic scale, over a range of it.

    Formula:
        ∫ TPR d log10 FPR from a to b, over log10 b - log10 a
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: the curve's points within the range and its own value at both ends, joined by straight lines
        on the logarithmic scale. NaN (or `undefined` rates) where a class is not there.
    Source:
        M. M. Mysinger and B. K. Shoichet, Rapid Context-Dependent Ligand Desolvation in Molecular Docking, 2010,
        doi:10.1021/ci100214a
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "fpr_range": [0.25, 1.0]} → 0.75
    """
    if len(fpr_range) != 2 or not fpr_range[0] < fpr_range[1]:
        raise ParameterError("fpr_range of two rates that rise", repr(fpr_range), ("fpr_range",))
    low, high = fpr_range
    return over_columns(state, lambda curve: early(curve, low, high, undefined), average, thresholds)


def early(curve: Curve, low: float, high: float, undefined: Undefined) -> Array:
    """The area of one curve."""
    fpr, tpr = rates(curve, undefined)
    xp = namespace(fpr)
    ends = xp.asarray([low, high], dtype=fpr.dtype)
    tpr = xp.sort(xp.concat([tpr, interpolated(ends, fpr, tpr)]))
    fpr = xp.sort(xp.concat([fpr, ends]))
    first, last = (int(place) - 1 for place in xp.searchsorted(fpr, ends, side="right"))
    scale = xp.log10(fpr[first : last + 1])
    return trapezoid(tpr[first : last + 1], scale) / (xp.log10(ends[1]) - xp.log10(ends[0]))


def interpolated(x: Array, xs: Array, ys: Array) -> Array:
    """The last line through two neighbouring points that reaches each x."""
    xp = namespace(x)
    if xs.shape[0] < 2:
        return xp.zeros_like(x) + ys[-1:]
    place = xp.clip(xp.searchsorted(xs, x, side="right") - 1, 0, xs.shape[0] - 2)
    left, right = xp.take(xs, place), xp.take(xs, place + 1)
    below, above = xp.take(ys, place), xp.take(ys, place + 1)
    wide = xp.where(right == left, 1.0, right - left)
    return xp.where(right == left, below, below + (above - below) * (x - left) / wide)
