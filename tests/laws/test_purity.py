"""A loss is a pure function: twice the same bits, and its inputs, which it may not write to, stay as they were."""

from itertools import count

import pytest

from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from tests.laws.every import definition_of, every_definition, outcome
from tests.samples import samples


def asking_twice_gives_the_same(definition: Definition) -> None:
    """The samples' arrays are read-only, so that writing to one raises."""
    for extreme in (False, True):
        for sample in samples(definition, extreme=extreme):
            before = {name: tensor.tobytes() for name, tensor in sample.tensors.items()}
            first, second = outcome(sample.run), outcome(sample.run)
            assert first.same_bits(second), f"{sample}: {first}, then {second}"
            assert before == {name: tensor.tobytes() for name, tensor in sample.tensors.items()}, str(sample)


@every_definition
def test_asking_twice_gives_the_same_and_changes_nothing(definition: Definition) -> None:
    asking_twice_gives_the_same(definition)


def test_a_loss_that_writes_to_its_input_is_caught() -> None:
    @loss(family="liar")
    def writing(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        prediction *= 2.0
        return prediction

    with pytest.raises(ValueError, match="read-only"):
        asking_twice_gives_the_same(definition_of(writing))


def test_a_loss_that_remembers_is_caught() -> None:
    calls = count()

    @loss(family="liar")
    def remembering(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction + next(calls)

    with pytest.raises(AssertionError, match="then"):
        asking_twice_gives_the_same(definition_of(remembering))
