"""The bootstrap: rows drawn anew with replacement, as many as there are, and what every item comes to then.

Where a state is a sum over rows, drawing is a product with how often each row came; where each row falls into one cell
of a table, it is a draw of the cells themselves; else the rows are mapped again. All three are the same distribution.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import LossError, Unsupported
from lossapi.evaluation import panel
from lossapi.evaluation.panel import Outcome
from lossapi.evaluation.row_sums import drawn, row_sums
from lossapi.evaluation.rows import rows_of, select
from lossapi.evaluation.sharing import Layout, kept
from lossapi.plan import Plan
from lossapi.score_tables import Table
from lossapi.states import Counts, State

FEW = 8
"""Rows for each cell from which on drawing cells is cheaper than drawing rows."""


@dataclass
class Draw:
    """Some rows of as many, drawn when they are first asked for; and how often each was."""

    rows: int
    random: np.random.Generator

    @cached_property
    def index(self) -> Array:
        """The places of the rows."""
        return self.random.integers(0, self.rows, self.rows)

    @cached_property
    def counts(self) -> Array:
        """How often each row was drawn."""
        return np.bincount(self.index, minlength=self.rows).astype(np.float64)


Sampler = Callable[[Draw], State]


class Resampling:
    """The states of a layout, drawn again; `joint` where the same rows are to be drawn for every state."""

    def __init__(self, layout: Layout, seed: int, *, joint: bool = False) -> None:
        self.layout = layout
        self.seed = seed
        self.samplers: dict[Any, Sampler | LossError] = {
            key: kept(self._sampler, plan, joint) for key, plan in layout.plans.items()
        }
        self.streams: dict[int, np.random.Generator] = {}

    def _sampler(self, plan: Plan, joint: bool) -> Sampler:
        if not rows_of(plan):
            raise Unsupported("at least one row to draw from", "none")
        state = panel.state_of(plan)
        cells = None if joint else cells_of(plan, state)
        if cells is not None:
            return _of_cells(state, cells, np.random.default_rng([self.seed, 1]))
        sums = row_sums(plan)
        if sums is not None:
            return lambda draw: drawn(state, sums, draw.counts)
        return lambda draw: panel.state_of(select(plan, draw.index))

    @np.errstate(all="ignore")
    def outcomes(self) -> list[Outcome]:
        """What every item comes to on the next draw."""
        draws: dict[int, Draw] = {}
        return panel.read(panel.read_by(self.layout, {key: self._drawn(key, draws) for key in self.samplers}))

    def _drawn(self, key: Any, draws: dict[int, Draw]) -> State | LossError:
        sampler, plan = self.samplers[key], self.layout.plans[key]
        if isinstance(sampler, LossError):
            return sampler
        assert isinstance(plan, Plan)
        rows = rows_of(plan)
        stream = self.streams.setdefault(rows, np.random.default_rng([self.seed, 0]))
        draw = draws.setdefault(rows, Draw(rows, stream))
        try:
            found: State = sampler(draw)
        except LossError as error:
            return error
        return found


def cells_of(plan: Plan, state: State) -> Array | None:
    """How many rows fall into each cell of a table, where each falls into one: whole numbers, as many as rows."""
    if plan.weight is not None:
        return None
    if isinstance(state, Counts) and not state.extra:
        cells = np.ravel(state.table)
    elif isinstance(state, Table) and state.tidy and state.columns == 1:
        cells = np.concatenate([state.positive, state.negative])
    else:
        return None
    whole = cells.dtype.kind in "iu" and cells.sum() == state.count == rows_of(plan)
    return cells if whole else None


def with_cells(state: State, cells: Array) -> State:
    """The same state with other numbers in its cells; scores that nobody has are left out."""
    if isinstance(state, Counts):
        return replace(state, table=cells.reshape(state.table.shape))
    assert isinstance(state, Table)
    positive, negative = cells[: len(state.score)], cells[len(state.score) :]
    there = positive + negative > 0
    edges = np.array([0, np.count_nonzero(there)])
    return replace(state, score=state.score[there], positive=positive[there], negative=negative[there], edges=edges)


def _of_cells(state: State, cells: Array, random: np.random.Generator) -> Sampler:
    total = int(cells.sum())
    if FEW * len(cells) <= total:
        return lambda _: with_cells(state, random.multinomial(total, cells / total))
    place = np.repeat(np.arange(len(cells)), cells)

    def drawn_by_row(_: Draw) -> State:
        taken = place[random.integers(0, total, total)]
        return with_cells(state, np.bincount(taken, minlength=len(cells)))

    return drawn_by_row
