"""What was met before gives the same bits: of a computation only what shapes and options decide is remembered."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, again, compute
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from tests.laws.every import Outcome, definition_of, every_definition, outcome
from tests.samples import Sample, samples

PAIR = {"prediction": np.array([[0.0, 3.0], [1.0, 2.0]]), "target": np.zeros((2, 2))}


def again_changes_no_bit(definition: Definition) -> None:
    """Each sample after others of its shapes, as if it were the first."""
    for sample in samples(definition):
        for each in (sample, turned(sample)):
            for reduction in ("mean", "none") if definition.kind == "loss" else (None,):
                first, *others = met(each, sample, reduction)
                assert all(other.same_bits(first) for other in others), f"{sample}, {reduction}: {others}, not {first}"


def turned(sample: Sample) -> Sample:
    """The same shapes with other values: those of other rows, last first."""
    return sample.with_tensors(**{name: sample.tensors[name][::-1] for name in sample.cut()})


def met(sample: Sample, before: Sample, reduction: str | None) -> Iterator[Outcome]:
    """What a sample comes to: as the first of its shapes, later on, and after others."""
    again.MET.forget()
    yield outcome(sample.run, reduction=reduction)
    for each in (sample, before):
        again.MET.forget()
        for _ in range(2):
            outcome(each.run, reduction=reduction)
        yield outcome(sample.run, reduction=reduction)


@every_definition
def test_what_was_met_before_gives_the_same_bits(definition: Definition) -> None:
    again_changes_no_bit(definition)


def test_a_loss_that_remembers_is_caught() -> None:
    seen: list[Array] = []

    @loss(family="liar")
    def jealous(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        seen.append(prediction)
        return prediction + len(seen)

    with pytest.raises(AssertionError):
        again_changes_no_bit(definition_of(jealous))


@loss(family="test")
def scaled(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, delta: float = 1.0
) -> Rows[Array, "batch *axes"]:
    """A loss that no server computes meanwhile."""
    return (prediction - target) * delta


SCALED = definition_of(scaled)


def known() -> int:
    """How many computations of it are remembered."""
    return sum(key[0] is SCALED for key in again.MET)


@pytest.mark.parametrize(
    "asked",
    [
        {"parameters": {"delta": 2.0}},
        {"parameters": {"delta": 1}},
        {"reduction": "sum"},
        {"empty": 0.0},
        {"backend": "numpy"},
        {"tensors": {name: array.astype(np.float32) for name, array in PAIR.items()}},
        {"tensors": {name: array.reshape(-1) for name, array in PAIR.items()}},
    ],
    ids=str,
)
def test_what_is_asked_otherwise_was_not_met(asked: dict[str, Any]) -> None:
    request: dict[str, Any] = {"tensors": PAIR, "parameters": {"delta": 1.0}}
    for _ in range(3):
        compute(SCALED, **request)
    assert known() == 1
    for _ in range(2):
        compute(SCALED, **{**request, **asked})
    assert known() == 2


def test_what_came_once_is_not_remembered() -> None:
    rows = {name: np.zeros(29) for name in PAIR}
    compute(SCALED, rows)
    assert known() == 0
    compute(SCALED, rows)
    assert known() == 1


@pytest.mark.parametrize("asked", [{"weight": np.ones(2)}, {"returns": ("value", "gradient")}, {"returns": ("state",)}])
def test_of_what_is_more_than_a_value_nothing_is_remembered(asked: dict[str, Any]) -> None:
    for _ in range(3):
        compute(SCALED, PAIR, **asked)
    assert known() == 0


def test_a_fault_is_placed_as_at_first() -> None:
    given = {"prediction": np.array([[0.5, 0.5], [0.25, 0.75]]), "target": np.array([0, 1])}
    wrong = {**given, "target": np.array([0, 2])}
    with pytest.raises(LossError) as first:
        compute("cross_entropy", wrong)
    assert [compute("cross_entropy", given).value > 0 for _ in range(3)] == [True] * 3
    with pytest.raises(LossError) as second:
        compute("cross_entropy", wrong)
    assert first.value.faults == second.value.faults
    assert first.value.faults[0].where == ("target", 1)
