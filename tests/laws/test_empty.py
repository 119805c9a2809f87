"""A mean of nothing is an error, a sum of nothing is 0 or refused, and the rows of nothing are none."""

from dataclasses import dataclass

import numpy as np
import pytest

from lossapi.definition import Definition, metric
from lossapi.domains import Array, Real
from tests.laws.every import definition_of, every_definition, outcome
from tests.samples import batched


def nothing_has_no_mean(definition: Definition) -> None:
    """An empty batch under every reduction."""
    for sample in batched(definition):
        empty = sample.rows(slice(0, 0))
        for reduction in definition.reductions or (None,):
            found = outcome(empty.run, reduction=reduction)
            if reduction == "none":
                rows = outcome(sample.run, reduction="none")
                assert found.error in (rows.error, "empty"), f"{sample}, none: {found}"
                assert found.error or found.values["value.0"].shape[0] == 0, f"{sample}, none: {found}"
            elif reduction == "sum" and found.error is None:
                assert np.all(found.values["value.0"] == 0), f"{sample}, sum: {found}"
            else:
                assert found.error == "empty", f"{sample}, {reduction}: {found}"


@every_definition
def test_nothing_has_no_mean(definition: Definition) -> None:
    nothing_has_no_mean(definition)


def test_a_state_that_never_counts_nothing_is_caught() -> None:
    @dataclass(frozen=True)
    class Most:
        most: float
        count: int = 1

        def __add__(self, other: "Most") -> "Most":
            return Most(max(self.most, other.most))

    def mapping(prediction: Real[Array, "batch"]) -> Most:
        return Most(max(prediction, default=0.0))

    @metric(family="liar", of=mapping)
    def most(state: Most) -> float:
        return state.most

    with pytest.raises(AssertionError, match="None: value"):
        nothing_has_no_mean(definition_of(most))
