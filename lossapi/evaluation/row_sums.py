"""What each row adds to a state: where it is a sum over rows, they may be drawn again without mapping them again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lossapi import chunks
from lossapi.backends import numpy as backend
from lossapi.domains import Array
from lossapi.evaluation.rows import rows_of
from lossapi.plan import Plan
from lossapi.portable import Portable
from lossapi.states import WEIGHT, State, Sums, Totals, Weighted, divisors

ROW = "row"
"""The name under which the values of a loss's rows stand."""


def row_sums(plan: Plan) -> Mapping[str, Array] | None:
    """What each row adds, by name, where no weights or masks come in and all is finite."""
    if plan.map.gives == "state" or plan.weight is not None or plan.true_label is not None:
        return None
    part = chunks.prepared(plan, slice(None), frozenset())
    out = backend.run(plan.map.function, part.tensors, part.parameters)
    if isinstance(out, Weighted):
        return None
    if plan.map.gives == "rows" or plan.definition.for_rows(plan.parameters):
        found = {ROW: out if plan.map.gives == "rows" else chunks.read_rows(plan, out)}
        axes = found[ROW].ndim
    else:
        found, axes = out, len(plan.sizes(plan.sum_axes))
    rows = rows_of(plan)
    sums = {name: _by_row(each, rows, axes) for name, each in found.items()}
    return sums if all(np.isfinite(each).all() for each in sums.values()) else None


def _by_row(values: Array, rows: int, axes: int) -> Array:
    """The sums over all but the first of some axes, after which others may come."""
    each = values.reshape(rows, int(np.prod(values.shape[:axes])) // max(rows, 1), *values.shape[axes:])
    found: Array = np.add.reduce(each, axis=1, dtype=np.float64)
    return found


def drawn(state: State, sums: Mapping[str, Array], counts: Array) -> State:
    """The state of as many rows, each as often as it was drawn."""
    found = {name: np.tensordot(counts, each, 1) for name, each in sums.items()}
    if isinstance(state, Totals):
        return replace(state, weighted=float(found[ROW]))
    assert isinstance(state, Sums)
    return Sums({**state.sums, **found}, state.count)


def row_means(source: Portable, sums: Mapping[str, Array]) -> Array | None:
    """One value per row whose mean is the item's value, where it is a mean of rows: a linear reading of sums over them.

    That a reading is linear is seen from what it makes of the sums themselves, twice them, and others.
    """
    rows = len(next(iter(sums.values())))
    if isinstance(source.state, Totals):
        divisor = divisors(source.state)[source.reduction]
        return sums[ROW] * (rows / divisor) if source.reduction != "sum" and divisor else None
    names = [(name, place) for name in sums for place in np.ndindex(sums[name].shape[1:])]
    whole = np.array([source.state.sums[name][place] for name, place in names])
    slopes = np.array([_read(source, sums, names, unit) for unit in np.eye(len(names))])
    others = whole * np.random.default_rng(0).uniform(1.0, 2.0, len(whole)) + 1.0
    for each in (whole, 2.0 * whole, others):
        if not np.isclose(_read(source, sums, names, each), slopes @ each, rtol=1e-9, atol=0.0):
            return None
    found: Array = sum(slope * sums[name][:, *place] for slope, (name, place) in zip(slopes, names, strict=True)) * rows
    return found


def _read(source: Portable, sums: Mapping[str, Array], names: list[Any], entries: Array) -> float:
    """What a reading makes of other sums; NaN where that is no number."""
    whole = {name: np.zeros(each.shape[1:]) for name, each in sums.items()}
    for (name, place), entry in zip(names, entries, strict=True):
        whole[name][place] = entry
    state = Sums({**whole, WEIGHT: source.state.sums[WEIGHT]}, source.state.count)
    value = replace(source, state=state).read()[0]
    return float(value) if np.ndim(value) == 0 and not isinstance(value, Mapping | list) else np.nan
