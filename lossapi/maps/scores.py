"""Scores and whether they belong to positives: the table, or the counts at thresholds, that curves are read from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len

from lossapi.domains import Array, Label, Real, Weight
from lossapi.errors import DomainError, ShapeError
from lossapi.functions import namespace
from lossapi.maps.averages import divided
from lossapi.maps.confusion import Task, is_multilabel, require_yes_no
from lossapi.score_tables import Table
from lossapi.states import Counts, State

Thresholds = Annotated[int, Ge(2), Le(1 << 20)] | Annotated[list[float], Len(1, 1 << 20)]
Average = Literal["macro", "micro", "weighted", "none"]
Undefined = Literal[0, "nan"]


def scores(
    prediction: Real[Array, "batch *axes"] | Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    task: Task | None = None,
    thresholds: Thresholds | None = None,
) -> Table | Counts:
    """The scores of positives and negatives: exactly, or counted between `thresholds` (so many from 0 to 1, or these).

    Of two tensors of one shape the target says 0 or 1; of rank 2 they are several labels a row, unless `task` says
    else. With a class axis more, each class stands against the rest.
    """
    score, positive, weight = in_columns(prediction, target, weight, is_multilabel(prediction, target, task))
    return collected(score, positive, weight, target.size, thresholds)


def pairs_of_classes(
    prediction: Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
) -> Table:
    """Each class against each other one, by the score of the first: columns (0, 1), (0, 2), …, (1, 0), …"""
    xp = namespace(prediction)
    score, _, weight = in_columns(prediction, target, weight, False)
    classes = score.shape[1]
    pairs = [(a, b) for a in range(classes) for b in range(classes) if a != b]
    true = xp.reshape(target, (-1, 1))
    first, second = xp.asarray([a for a, _ in pairs]), xp.asarray([b for _, b in pairs])
    among = xp.astype((true == first[None, :]) | (true == second[None, :]), xp.float64)
    weight = among if weight is None else among * weight
    return Table.of_rows(xp.take(score, first, axis=1), true == first[None, :], weight, target.size)


def in_columns(
    prediction: Array, target: Array, weight: Array | None, several: bool
) -> tuple[Array, Array, Array | None]:
    """Scores (rows, columns), whether each is a positive's, and weights that broadcast to them."""
    xp = namespace(prediction)
    if prediction.ndim > target.ndim:
        classes = prediction.shape[1]
        score = xp.reshape(xp.moveaxis(prediction, 1, -1), (-1, classes))
        positive = xp.reshape(target, (-1, 1)) == xp.arange(classes)[None, :]
        return score, positive, None if weight is None else xp.reshape(weight, (-1, 1))
    require_yes_no(target, "target", "scores of several classes have a class axis")
    shape = target.shape if several else (-1, 1)
    laid = None if weight is None else xp.reshape(weight, shape)
    return xp.reshape(prediction, shape), xp.reshape(target, shape) == 1, laid


def collected(
    score: Array,
    positive: Array,
    weight: Array | None,
    count: int,
    thresholds: Thresholds | None,
    inclusive: bool = True,
) -> Table | Counts:
    """The table of the scores, or by column how many lie at or above (or else above) so many of the thresholds."""
    if thresholds is None:
        return Table.of_rows(score, positive, weight, count)
    xp = namespace(score)
    if xp.any(xp.isnan(score) & (True if weight is None else weight != 0)):
        raise DomainError("scores that are numbers, where they are counted between thresholds", "NaN", ("prediction",))
    bins = places(score, thresholds, inclusive=inclusive)
    size = (thresholds if isinstance(thresholds, int) else len(thresholds)) + 1
    columns = score.shape[1]
    cell = 2 * bins + xp.astype(positive, bins.dtype)
    column = xp.broadcast_to(xp.arange(columns)[None, :], score.shape)
    each = None if weight is None else xp.broadcast_to(weight, score.shape)
    counts = Counts.of_pairs(column, cell, (columns, 2 * size), each, {})
    return Counts(xp.reshape(counts.table, (columns, -1, 2)), {}, count)


def places(values: Array, thresholds: Thresholds, *, inclusive: bool = True) -> Array:
    """How many of the thresholds each value reaches, or else exceeds; NaN, which is sorted last, all of them.

    Among even ones the place is guessed by a product and then held against the two thresholds around it: a sixth of
    the time that a search takes.
    """
    xp = namespace(values)
    limits = xp.asarray(ascending(thresholds), dtype=values.dtype)
    if not isinstance(thresholds, int) or xp.any(xp.isnan(values)):
        return xp.searchsorted(limits, values, side="right" if inclusive else "left")
    guess = xp.astype(xp.clip(values * (thresholds - 1.0), 0.0, thresholds - 1.0), xp.int64)
    here = xp.take(limits, guess)
    beyond = xp.take(xp.concat([limits[1:], xp.asarray([xp.nan], dtype=values.dtype)]), guess)
    if inclusive:
        return guess + (values >= here) + (values >= beyond)
    return guess + (values > here) + (values > beyond)


def ascending(thresholds: Thresholds) -> list[float]:
    """The thresholds themselves, in order."""
    return even(thresholds) if isinstance(thresholds, int) else sorted(thresholds)


def even(count: int) -> list[float]:
    """So many numbers from 0 to 1, counted from the nearer end, as PyTorch does."""
    step = 1.0 / (count - 1)
    return [place * step if place < count // 2 else 1.0 - (count - 1 - place) * step for place in range(count)]


@dataclass(frozen=True)
class Curve:
    """From the highest threshold down the weight of positives and negatives at or above each, and of all of them.

    An `exact` one has every score as a threshold; it begins before the first of them, where nothing is above.
    """

    thresholds: Array
    tp: Array
    fp: Array
    positives: Array
    negatives: Array
    exact: bool

    def at(self, kept: Array) -> "Curve":
        """Some of its points alone."""
        return replace(self, thresholds=self.thresholds[kept], tp=self.tp[kept], fp=self.fp[kept])


def curves(state: State, thresholds: Thresholds | None = None, *, pooled: bool = False) -> list[Curve]:
    """One curve for each column, or one of all of them."""
    if isinstance(state, Table):
        whole = state.pooled() if pooled else Table.merged([state])
        return [exact_curve(*whole.column(index)) for index in range(whole.columns)]
    assert isinstance(state, Counts)
    assert thresholds is not None
    xp = namespace(state.table)
    table = xp.sum(state.table, axis=0)[None] if pooled else state.table
    limits = xp.flip(xp.asarray(ascending(thresholds)))
    above = xp.cumulative_sum(xp.flip(table, axis=1), axis=1)
    return [
        Curve(limits, each[:-1, 1], each[:-1, 0], each[-1, 1], each[-1, 0], exact=False)
        for each in (above[index, ...] for index in range(above.shape[0]))
    ]


def exact_curve(score: Array, positive: Array, negative: Array) -> Curve:
    """The curve of one column; where a score is no number, nothing of it is."""
    xp = namespace(score)
    tp, fp = xp.cumulative_sum(positive), xp.cumulative_sum(negative)
    if score.size and xp.isnan(score[0]):
        tp, fp = tp + xp.nan, fp + xp.nan
    none = xp.zeros((), dtype=tp.dtype)
    return Curve(score, tp, fp, tp[-1] if tp.size else none, fp[-1] if fp.size else none, exact=True)


def over_columns(
    state: State,
    read: Callable[[Curve], Array],
    average: Average,
    thresholds: Thresholds | None = None,
) -> Array:
    """What is read of one curve; or of each column, or their mean, or of all columns as one."""
    found = curves(state, thresholds, pooled=average == "micro")
    if average == "micro" or len(found) == 1:
        return read(found[0])
    xp = namespace(found[0].thresholds)
    values = xp.stack([xp.asarray(read(each), dtype=xp.float64) for each in found])
    if average == "none":
        return values
    if average == "macro":
        return xp.mean(values)
    weight = xp.stack([xp.asarray(each.positives, dtype=xp.float64) for each in found])
    total = xp.sum(weight)
    return xp.sum(xp.where(weight == 0, xp.zeros_like(values), values * weight)) / xp.where(total == 0, 1.0, total)


def begun(curve: Curve) -> tuple[Array, Array]:
    """The weights above each threshold, from where nothing is above on an exact curve."""
    if not curve.exact:
        return curve.fp, curve.tp
    xp = namespace(curve.tp)
    fp, tp = (xp.concat([xp.zeros(1, dtype=each.dtype), each]) for each in (curve.fp, curve.tp))
    return fp, tp


def rates(curve: Curve, undefined: Undefined = "nan") -> tuple[Array, Array]:
    """False and true positive rates; those of a class that is not there are `undefined`."""
    fp, tp = begun(curve)
    xp = namespace(tp)
    nothing = float(undefined)
    fpr = fp / curve.negatives if curve.negatives != 0 else xp.full(fp.shape, nothing)
    tpr = tp / curve.positives if curve.positives != 0 else xp.full(tp.shape, nothing)
    return fpr, tpr


def precision_and_recall(curve: Curve, undefined: float = 1.0) -> tuple[Array, Array]:
    """Both at each threshold from the highest down; without positives all of none are found, or `undefined`."""
    xp = namespace(curve.tp)
    called = curve.tp + curve.fp
    found = curve.tp / curve.positives if curve.positives != 0 else xp.full(called.shape, undefined)
    return divided(curve.tp, called, 0.0 if curve.exact else float("nan")), found


def limits_of(curve: Curve, start: Literal["inf", "one"] = "inf") -> Array:
    """The thresholds, before them that of the beginning where the curve has one."""
    if not curve.exact:
        return curve.thresholds
    xp = namespace(curve.thresholds)
    first = xp.asarray([float("inf") if start == "inf" else 1.0], dtype=curve.thresholds.dtype)
    return xp.concat([first, curve.thresholds])


def trapezoid(y: Array, x: Array) -> Array:
    """The area below the line through points."""
    return 0.5 * namespace(y).sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]))


def one_column(state: State) -> None:
    """Refuse several classes or labels."""
    columns = state.columns if isinstance(state, Table) else len(state.table) if isinstance(state, Counts) else 1
    if columns != 1:
        raise ShapeError("one score for each element", f"{columns} columns", ("prediction",))


def together(value: dict[str, list[Array]], columns: int, exact: bool) -> dict[str, Any]:
    """What there is for each column: the one there is, a list, or one array where all have the same thresholds."""
    if columns == 1:
        return {name: each[0] for name, each in value.items()}
    if exact:
        return dict(value)
    xp = namespace(value["thresholds"][0])
    return {name: each[0] if name == "thresholds" else xp.stack(each) for name, each in value.items()}
