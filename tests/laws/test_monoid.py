"""States merge as a monoid: a chunk of nothing changes nothing, brackets do not matter, one row is enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lossapi import chunks, readings
from lossapi.definition import Primitive, metric
from lossapi.domains import Array, Real
from lossapi.plan import Plan
from lossapi.states import State
from tests.laws.every import Outcome, definition_of, every_primitive, outcome, readings_of
from tests.samples import Sample, batched


def mapper(plan: Plan, keep: bool) -> Any:
    """From a range of rows to their state."""
    return lambda start, end: chunks.map_chunk(plan, slice(start, end), keep, frozenset())


def read(plan: Plan, state: State) -> Outcome:
    """The value that a state comes to."""
    return outcome(readings.read, plan, state, plan.definition.default_reduction, None)


def kinds(definition: Primitive) -> Iterator[tuple[Sample, Plan, bool]]:
    """Every sample and its first row, reduced and kept."""
    for sample in batched(definition):
        for each in (sample, sample.rows(slice(0, 1))):
            for keep in (False, True) if definition.kind == "loss" else (False,):
                yield sample, each.plan(), keep


@np.errstate(all="ignore")
def states_are_a_monoid(definition: Primitive) -> None:
    """Zero on both sides, for one row too, and associativity."""
    for sample, plan, keep in kinds(definition):
        part, rows = mapper(plan, keep), plan.batch or 0
        whole = read(plan, part(0, rows))
        for zeroed in (part(0, 0) + part(0, rows), part(0, rows) + part(rows, rows)):
            assert read(plan, zeroed).near(whole, 1e-14), f"{sample}: zero is not neutral, {read(plan, zeroed)}"
        one, two, three = part(0, rows // 3), part(rows // 3, rows // 2), part(rows // 2, rows)
        left, right = read(plan, (one + two) + three), read(plan, one + (two + three))
        assert left.near(right, 1e-12), f"{sample}: not associative, {left}, {right}"
        assert left.near(whole, 1e-9), f"{sample}: {left}, not {whole}"


def far_from_zero_merging_keeps_its_digits(definition: Primitive) -> None:
    """Inputs that may be any number, moved by a million: one row at a time still comes to the whole."""
    for sample in batched(definition):
        plan = sample.plan()
        free = [t for t in plan.tensors if t.cut and t.spec.domain.bounds(plan.parameters, {}) == (None, None)]
        moved = sample.with_tensors(**{t.name: t.given + 1e6 for t in free}).plan()
        whole = dict(readings_of(moved, []))
        for reduction, parts in readings_of(moved, range(1, moved.batch or 0)):
            assert parts.near(whole[reduction], 1e-7), f"{sample}, {reduction}: {parts}, not {whole[reduction]}"


@every_primitive
def test_states_are_a_monoid(definition: Primitive) -> None:
    states_are_a_monoid(definition)


@every_primitive
def test_far_from_zero_merging_keeps_its_digits(definition: Primitive) -> None:
    far_from_zero_merging_keeps_its_digits(definition)


def test_a_state_that_counts_its_merges_is_caught() -> None:
    @dataclass(frozen=True)
    class Merges:
        merges: int
        count: int

        def __add__(self, other: "Merges") -> "Merges":
            return Merges(self.merges + other.merges + 1, self.count + other.count)

    def mapping(prediction: Real[Array, "batch"]) -> Merges:
        return Merges(0, prediction.shape[0])

    @metric(family="liar", of=mapping)
    def merges(state: Merges) -> float:
        return float(state.merges)

    with pytest.raises(AssertionError, match="zero is not neutral"):
        states_are_a_monoid(definition_of(merges))


def test_a_mean_of_means_is_caught() -> None:
    @dataclass(frozen=True)
    class Mean:
        mean: float
        count: int

        def __add__(self, other: "Mean") -> "Mean":
            if not self.count or not other.count:
                return self if self.count else other
            return Mean((self.mean + other.mean) / 2, self.count + other.count)

    def mapping(prediction: Real[Array, "batch"]) -> Mean:
        return Mean(float(prediction.mean()) if prediction.size else 0.0, prediction.size)

    @metric(family="liar", of=mapping)
    def middle(state: Mean) -> float:
        return state.mean

    with pytest.raises(AssertionError, match="not associative"):
        states_are_a_monoid(definition_of(middle))


def test_a_variance_from_the_sum_of_squares_is_caught() -> None:
    @dataclass(frozen=True)
    class Squares:
        total: float
        squares: float
        count: int

        def __add__(self, other: "Squares") -> "Squares":
            return Squares(self.total + other.total, self.squares + other.squares, self.count + other.count)

    def mapping(prediction: Real[Array, "batch"]) -> Squares:
        return Squares(float(prediction.sum()), float((prediction * prediction).sum()), prediction.size)

    @metric(family="liar", of=mapping)
    def variance(state: Squares) -> float:
        return state.squares / state.count - (state.total / state.count) ** 2

    with pytest.raises(AssertionError):
        far_from_zero_merging_keeps_its_digits(definition_of(variance))
