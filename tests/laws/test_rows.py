"""Some rows of a plan are the plan of those rows, to the last bit."""

import numpy as np
import pytest

from lossapi.definition import Primitive
from lossapi.evaluation import rows
from lossapi.losses.huber import huber
from lossapi.plan import Plan
from tests.laws.every import definition_of, every_primitive, readings_of
from tests.samples import ROWS, batched

TAKEN = ([3], [0, 0, 7, 2], [*range(ROWS)], slice(2, 9))


def rows_taken_are_rows_given(definition: Primitive) -> None:
    """Every sample, weighted and not: rows taken of its plan, and a plan made of those rows."""
    for sample in batched(definition):
        for weight in (None, np.random.default_rng(1).choice([0.0, 0.5, 3.0], ROWS)):
            plan = sample.plan(weight)
            for taken in TAKEN:
                index = taken if isinstance(taken, slice) else np.array(taken)
                apart = sample.rows(index).plan(None if weight is None else weight[index])
                found = list(readings_of(rows.select(plan, index), ()))
                for (reduction, one), (_, two) in zip(found, readings_of(apart, ()), strict=True):
                    assert one.same_bits(two), f"{sample}, rows {taken}, {reduction}: {one}, not {two}"
                assert rows.rows_of(rows.select(plan, index)) == len(np.arange(ROWS)[index])


@every_primitive
def test_rows_taken_are_rows_given(definition: Primitive) -> None:
    rows_taken_are_rows_given(definition)


def test_rows_taken_from_elsewhere_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    select = rows.select

    def shifted(plan: Plan, index: object) -> Plan:
        return select(select(plan, np.roll(np.arange(ROWS), 1)), index)

    monkeypatch.setattr(rows, "select", shifted)
    with pytest.raises(AssertionError, match="huber"):
        rows_taken_are_rows_given(definition_of(huber))
