"""Rows drawn by what they add, or by the cells they fall into, are rows drawn and mapped again."""

from typing import Any

import numpy as np
import pytest

from lossapi import portable
from lossapi.definition import Primitive
from lossapi.domains import Array
from lossapi.evaluation import panel, resampling, row_sums
from lossapi.evaluation.rows import select
from lossapi.losses.huber import huber
from lossapi.plan import Plan
from lossapi.score_tables import Table
from lossapi.states import Counts, State
from tests.laws.every import Outcome, definition_of, every_primitive, outcome
from tests.samples import ROWS, batched

DRAWN = np.array([0, 0, 3, 3, 3, 5, 6, 9, 10, 10, 10])


def read(plan: Plan, state: State) -> Outcome:
    """What is read of a state."""
    found = portable.readable(plan, plan.definition.default_reduction, state)
    return outcome(found.read)


def sums_are_rows(definition: Primitive) -> None:
    """Every sample whose rows add up: drawn by counts, and mapped again."""
    for sample in batched(definition):
        plan = sample.plan()
        with np.errstate(all="ignore"):
            sums, state = row_sums.row_sums(plan), panel.state_of(plan)
            again = panel.state_of(select(plan, DRAWN))
        if sums is not None:
            counts = np.bincount(DRAWN, minlength=ROWS).astype(float)
            found = row_sums.drawn(state, sums, counts)
            assert read(plan, found).near(read(plan, again), 1e-9), f"{sample}"


@every_primitive
def test_drawn_sums_are_drawn_rows(definition: Primitive) -> None:
    sums_are_rows(definition)


def test_sums_of_other_rows_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(state: State, sums: Any, counts: Array) -> Any:
        return drawn(state, sums, 0.5 * counts)

    drawn = row_sums.drawn
    monkeypatch.setattr(row_sums, "drawn", halved)
    with pytest.raises(AssertionError, match="huber"):
        sums_are_rows(definition_of(huber))


@every_primitive
def test_each_row_falls_into_one_cell(definition: Primitive) -> None:
    """Where the cells of a table are drawn, every row by itself is one in one cell, and the cells add up."""
    for sample in batched(definition):
        plan = sample.plan()
        with np.errstate(all="ignore"):
            state = panel.state_of(plan)
            cells = resampling.cells_of(plan, state)
            if cells is None:
                continue
            for row in range(ROWS):
                alone = panel.state_of(select(plan, [row]))
                assert isinstance(alone, Counts | Table)
                found = resampling.cells_of(select(plan, [row]), alone)
                assert found is not None, f"{sample}, row {row}"
                assert sorted(found[found > 0].tolist()) == [1], f"{sample}, row {row}"
            whole = resampling.with_cells(state, cells)
            assert read(plan, whole).same_bits(read(plan, state)), f"{sample}"
