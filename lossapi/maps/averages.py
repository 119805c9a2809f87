"""Ratios of the four cells of a class against the rest, and their averages over the classes."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from annotated_types import Ge

from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.parameters import Average
from lossapi.states import Counts

ZeroDivision = Literal[0, 1, "nan"]
Labels = list[Annotated[int, Ge(0)]] | None
Ratio = Callable[[Array, Array, Array, Array], tuple[Array, Array]]
Cells = tuple[Array, Array, Array, Array]


def one_vs_rest(counts: Counts | Mapping[str, Array]) -> Cells:
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


def of_labels(cells: Cells, labels: Labels) -> Cells:
    """The cells of some classes alone, in their order; one that never occurs has only true negatives."""
    if labels is None:
        return cells
    if not labels or cells[0].ndim != 1:
        raise ParameterError("labels that classes have", repr(labels), ("labels",))
    xp = namespace(cells[0])
    known = cells[0].shape[0]
    there = xp.asarray([label < known for label in labels])
    places = xp.asarray([min(label, known - 1) for label in labels])
    tp, fp, fn, tn = (xp.take(cell, places) for cell in cells)
    none = xp.zeros_like(tp)
    return (*(xp.where(there, cell, none) for cell in (tp, fp, fn)), xp.where(there, tn, tp + fp + fn + tn))


def table_of(table: Array, labels: Labels) -> Array:
    """The rows and columns of some classes alone, in their order; one that never occurs has zeros."""
    if labels is None:
        return table
    if not labels or table.ndim != 2:
        raise ParameterError("labels that classes have", repr(labels), ("labels",))
    xp = namespace(table)
    lacking = max(max(labels) + 1 - table.shape[0], 0)
    table = xp.concat([table, xp.zeros((lacking, table.shape[1]), dtype=table.dtype)], axis=0)
    table = xp.concat([table, xp.zeros((table.shape[0], lacking), dtype=table.dtype)], axis=1)
    places = xp.asarray(labels)
    return xp.take(xp.take(table, places, axis=0), places, axis=1)


def averaged(
    ratio: Ratio,
    counts: Counts | Mapping[str, Array],
    average: Average,
    pos_label: int,
    zero_division: ZeroDivision,
    labels: Labels = None,
) -> Array:
    """A ratio of counts under one of the usual averages; `ratio` maps (tp, fp, fn, tn) to (numerator, denominator)."""
    cells, undefined = one_vs_rest(counts), float(zero_division)
    if not isinstance(counts, Counts):
        return divided(*ratio(*cells), undefined)
    if average == "binary":
        cells = positive(counts, cells, pos_label)
        return divided(*ratio(*cells), undefined)
    return mean_over_classes(ratio, of_labels(cells, labels), average, undefined, labels or counts.table.ndim == 3)


def mean_over_classes(ratio: Ratio, cells: Cells, average: Average, undefined: float, every: object) -> Array:
    """The ratio of each class, or their mean; of `every` class, or of those that occur in either tensor."""
    tp, fp, fn, _ = cells
    xp = namespace(tp)
    if average == "micro":
        tp, fp, fn, tn = (xp.sum(cell) for cell in cells)
        return divided(*ratio(tp, fp, fn, tn), undefined)
    each = divided(*ratio(*cells), undefined)
    if average == "none":
        return each
    present = xp.ones(tp.shape, dtype=xp.bool) if every else tp + fp + fn > 0
    weight = xp.astype(present, xp.float64) if average == "macro" else tp + fn
    return weighted_mean(each, weight, undefined)


def weighted_mean(each: Array, weight: Array, undefined: float) -> Array:
    """The mean of what is defined."""
    xp = namespace(each)
    nothing = xp.isnan(each)
    weight = xp.where(nothing, xp.zeros_like(weight), weight)
    each = xp.where(nothing, xp.zeros_like(each), each)
    return divided(xp.sum(weight * each), xp.sum(weight), undefined)


def divided(numerator: Array, denominator: Array, undefined: float) -> Array:
    """A ratio, and `undefined` where the denominator is 0."""
    xp = namespace(numerator)
    zero = denominator == 0
    return xp.where(zero, undefined, numerator / xp.where(zero, xp.ones_like(denominator), denominator))


def positive(counts: Counts, cells: Cells, pos_label: int = 1) -> Cells:
    """The cells of the positive class, if there are two."""
    if counts.table.shape != (2, 2):
        got = f"{counts.table.shape[0]} labels a row" if counts.table.ndim == 3 else f"{counts.table.shape[0]} classes"
        raise ShapeError(
            'two classes under average "binary" (micro, macro, weighted or none take more)', got, ("average",)
        )
    if pos_label not in (0, 1):
        raise DomainError("pos_label 0 or 1", str(pos_label), ("pos_label",))
    tp, fp, fn, tn = cells
    return tp[pos_label], fp[pos_label], fn[pos_label], tn[pos_label]


def named(**values: Array) -> dict[str, Array]:
    """Values by name."""
    return values
