"""Two predictions of the same rows: how far every value is apart, and how likely that is by chance.

`bootstrap` draws the same rows for both: the interval between percentiles of the difference, and twice the share of
draws on the other side of zero. `permutation` swaps the two within rows at random: the share of swaps that are as far
apart. `analytic` is the paired t test of means of rows. A p-value counts what was observed as one of the draws.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from lossapi.codecs.tensors import tensor
from lossapi.domains import Array
from lossapi.errors import LossError, ParameterError, ShapeError, Unsupported, placed_at
from lossapi.evaluation import panel, student
from lossapi.evaluation.intervals import DRAWS, LEVEL, flat, means_of, read_options, shaped, t_interval
from lossapi.evaluation.panel import Outcome, Part
from lossapi.evaluation.resampling import Resampling
from lossapi.evaluation.row_sums import drawn, row_sums
from lossapi.evaluation.rows import rows_of
from lossapi.evaluation.sharing import Layout, kept
from lossapi.parameters import Field, model
from lossapi.plan import Plan
from lossapi.states import State

Method = Literal["bootstrap", "permutation", "analytic"]
FIELDS: Mapping[str, Field] = {"method": (Method, "bootstrap"), **LEVEL, **DRAWS}
MODEL = model("compare", FIELDS)
ALONE = Unsupported("two values to compare", "one")
TIED = 1.0 - 1e-12
"""Swaps that are this near to what was observed are as far apart: they differ in the order of additions alone."""


class Comparison(NamedTuple):
    """What to compare with, and how."""

    tensors: Mapping[str, Array]
    method: str
    level: float
    resamples: int
    seed: int


class Difference(NamedTuple):
    """Value less the other's value, with its interval and p-value where there are some; or an error."""

    one: Outcome
    two: Outcome
    apart: Any = None
    interval: Any = None
    p_value: Any = None
    error: LossError | None = None

    def plain(self, problem: Callable[[LossError], Any]) -> dict[str, Any]:
        """As it is sent."""
        error = self.one.error or self.two.error or self.error
        values = {**self.one.item.shown, "value": self.one.value, "other": self.two.value}
        if error is not None:
            return {**values, "difference": self.apart, "interval": None, "p_value": None, "error": problem(error)}
        return {**values, "difference": self.apart, "interval": self.interval, "p_value": self.p_value}


def read_comparison(given: Any, known: Mapping[str, Any]) -> Comparison | None:
    """What `compare` asks for: other tensors, and options."""
    if given is None:
        return None
    with placed_at("compare"):
        if not isinstance(given, Mapping):
            raise ParameterError("an object with another prediction", type(given).__name__)
        options = {name: value for name, value in given.items() if name not in known}
        tensors = {name: value for name, value in given.items() if name in known}
        found = read_options(MODEL, options)
        if not tensors:
            raise ParameterError(f"another tensor to compare with, one of {', '.join(known)}", "none")
        arrays = {}
        for name, value in tensors.items():
            with placed_at(name):
                arrays[name] = np.asarray(tensor(value))
                if arrays[name].shape != np.shape(known[name]):
                    raise ShapeError(f"shape {np.shape(known[name])}", f"shape {arrays[name].shape}")
        return Comparison(arrays, **found)


def compared(one: Layout, two: Layout, asked: Comparison) -> list[Difference]:
    """The difference of every item."""
    parts = [panel.folded(each) for each in (one, two)]
    outcomes = list(zip(panel.read(parts[0]), panel.read(parts[1]), strict=True))
    if asked.method == "analytic":
        every = zip(outcomes, one.plans_read(), two.plans_read(), parts[0].parts, parts[1].parts, strict=True)
        return [_paired_t(*found, (p, q), (a, b), asked.level) for found, p, q, a, b in every]
    draws = _drawn(one, two, asked) if asked.method == "bootstrap" else _swapped(one, two, asked)
    differences: list[list[Array]] = [[] for _ in one.items]
    for each in draws:
        for kept_, (a, b) in zip(differences, each, strict=True):
            apart = _apart(a, b)
            if apart is not None:
                kept_.append(apart)
    return [_tested(*found, rows, asked) for found, rows in zip(outcomes, differences, strict=True)]


def _apart(one: Outcome, two: Outcome) -> Array | None:
    if one.error or two.error:
        return None
    a, b = flat(one.value), flat(two.value)
    return None if a is None or b is None or len(a) != len(b) else a - b


def _drawn(one: Layout, two: Layout, asked: Comparison) -> Iterator[Any]:
    """What both come to on the same rows, drawn anew."""
    pair = [Resampling(each, asked.seed, joint=True) for each in (one, two)]
    for _ in range(asked.resamples):
        yield list(zip(*(each.outcomes() for each in pair), strict=True))


def _tested(one: Outcome, two: Outcome, draws: list[Array], asked: Comparison) -> Difference:
    observed = _apart(one, two)
    if observed is None:
        return Difference(one, two, error=Unsupported("two values of one size", "others"))
    apart = shaped(one.value, iter(observed))
    rows = np.array([each for each in draws if len(each) == len(observed) and not np.isnan(each).any()])
    if not len(rows):
        return Difference(one, two, apart, error=Unsupported("a difference that is defined on some draws", "none"))
    if asked.method == "permutation":
        far = np.sum(np.abs(rows) >= np.abs(observed) * TIED, axis=0)
        return Difference(one, two, apart, None, shaped(one.value, iter((far + 1) / (len(rows) + 1))))
    ends = [(1.0 - asked.level) / 2.0, (1.0 + asked.level) / 2.0]
    interval = [shaped(one.value, iter(end)) for end in np.quantile(rows, ends, axis=0)]
    less = np.minimum(np.sum(rows <= 0, axis=0), np.sum(rows >= 0, axis=0))
    p = np.minimum(1.0, 2.0 * (less + 1) / (len(rows) + 1))
    return Difference(one, two, apart, interval, shaped(one.value, iter(p)))


@np.errstate(all="ignore")
def _swapped(one: Layout, two: Layout, asked: Comparison) -> Iterator[Any]:
    """What both come to where the two are swapped within some rows."""
    pairs = {(a.key, b.key) for a, b in _readers(one, two)}
    swaps = {pair: kept(_swap, one.plans[pair[0]], two.plans[pair[1]]) for pair in pairs}
    streams: dict[int, np.random.Generator] = {}
    for _ in range(asked.resamples):
        masks: dict[int, Array] = {}
        states: list[dict[Any, State | LossError]] = [dict.fromkeys(x.plans, ALONE) for x in (one, two)]
        for (a, b), swap in swaps.items():
            found = swap
            if not isinstance(swap, LossError):
                rows, both = swap
                if rows not in masks:
                    stream = streams.setdefault(rows, np.random.default_rng([asked.seed, 2]))
                    masks[rows] = stream.integers(0, 2, rows).astype(bool)
                found = both(masks[rows])
            states[0][a], states[1][b] = (found, found) if isinstance(found, LossError) else found
        found_both = [panel.read(panel.read_by(*each)) for each in zip((one, two), states, strict=True)]
        yield list(zip(*found_both, strict=True))


def _readers(one: Layout, two: Layout) -> Iterator[Any]:
    for mine, theirs in zip(one.readers, two.readers, strict=True):
        if not isinstance(mine, LossError) and not isinstance(theirs, LossError):
            yield from zip(mine, theirs, strict=False)


def _swap(one: Plan, two: Plan | LossError) -> tuple[int, Callable[[Array], tuple[State, State]]]:
    """How many rows there are, and the two states where the plans' rows are swapped at a mask."""
    if isinstance(two, LossError):
        raise two
    rows = rows_of(one)
    forms = [[(b.name, b.spec, b.array.shape) for b in plan.tensors] for plan in (one, two)]
    if forms[0] != forms[1]:
        raise Unsupported("two predictions in one form", "two")
    sums = [row_sums(plan) for plan in (one, two)]
    if sums[0] is not None and sums[1] is not None:
        both = {name: np.concatenate([sums[0][name], sums[1][name]]) for name in sums[0]}
        states = [panel.state_of(plan) for plan in (one, two)]
        return rows, lambda mask: (
            drawn(states[0], both, np.concatenate([~mask, mask]).astype(np.float64)),
            drawn(states[1], both, np.concatenate([mask, ~mask]).astype(np.float64)),
        )
    return rows, lambda mask: (
        panel.state_of(_mixed(one, two, mask, rows)),
        panel.state_of(_mixed(two, one, mask, rows)),
    )


def _mixed(one: Plan, two: Plan, mask: Array, rows: int) -> Plan:
    """A plan with the other's tensors in the rows of a mask."""

    def mixed(mine: Array, theirs: Array) -> Array:
        each = np.repeat(mask, len(mine) // rows)
        return np.where(each.reshape(each.shape + (1,) * (mine.ndim - 1)), theirs, mine)

    pairs = zip(one.tensors, two.tensors, strict=True)
    tensors = tuple(a._replace(array=mixed(a.array, b.array)) if a.cut else a for a, b in pairs)
    return replace(one, tensors=tensors)


def _paired_t(one: Outcome, two: Outcome, plans: Any, parts: tuple[Part, Part], level: float) -> Difference:
    observed = _apart(one, two)
    means = [_means(of, part) for of, part in zip(plans, parts, strict=True)]
    if observed is None or means[0] is None or means[1] is None or len(means[0]) < 2:
        got = "another (methods bootstrap and permutation take any)"
        return Difference(one, two, error=Unsupported("a mean of two rows or more that count once each", got))
    rows = means[0] - means[1]
    error = float(np.std(rows, ddof=1)) / len(rows) ** 0.5
    middle = float(np.mean(rows))
    p = student.two_sided(middle / error, len(rows) - 1) if error else float(middle == 0.0)
    return Difference(one, two, float(observed[0]), list(t_interval(rows, level)), p)


def _means(plans: Any, part: Part) -> Array | None:
    """One value per row, of an item with a single number."""
    if isinstance(part, LossError) or len(part) != 1 or not isinstance(plans[0], Plan):
        return None
    return means_of(plans[0], part[0])
