"""Weights of metrics: none that counts is a mean of nothing, whatever is asked for."""

import numpy as np
import pytest

from lossapi import LossError, compute, registry
from lossapi.errors import EmptyError

TWO = [
    each.name
    for each in registry.definitions("metric")
    if each.family == "regression" and set(each.input_names) == {"prediction", "target"}
]
SUMS = {"minkowski_distance", "weighted_mean_absolute_percentage_error"}
"""What is no mean: a sum of nothing is 0."""


@pytest.mark.parametrize("name", sorted(set(TWO) - SUMS))
def test_rows_that_do_not_count_have_no_mean(name: str) -> None:
    rng = np.random.default_rng(0)
    tensors = {"prediction": rng.random((5, 3)) + 0.1, "target": rng.random((5, 3)) + 0.1}
    with pytest.raises(EmptyError):
        compute(f"metrics.{name}", tensors, weight=np.zeros(5))


def test_weights_of_outputs_are_as_many_as_the_outputs() -> None:
    tensors = {"prediction": np.ones((2, 2)), "target": np.zeros((2, 2))}
    assert compute("metrics.mean_squared_error", tensors, {"multioutput": [1.0, 3.0]}).value == 1.0
    with pytest.raises(LossError, match="2 weights of outputs"):
        compute("metrics.mean_squared_error", tensors, {"multioutput": [1.0]})
