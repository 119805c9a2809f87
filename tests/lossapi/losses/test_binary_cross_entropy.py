"""binary_cross_entropy, as no other library has it."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute
from lossapi.errors import EmptyError

NAME = "binary_cross_entropy"


def values(tensors: dict[str, Any], **parameters: Any) -> Any:
    """One value per element."""
    return compute(NAME, tensors, parameters, reduction="none").value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_lose_no_digits_far_out(dtype: str) -> None:
    x = np.array([-80.0, -20.0, 20.0, 80.0], dtype)
    surprise = np.exp(-np.abs(x.astype(np.float64)))
    right, wrong = np.log1p(surprise), np.abs(x) + np.log1p(surprise)
    rtol = float(4 * np.finfo(dtype).eps)
    y = (x > 0).astype(dtype)
    np.testing.assert_allclose(values({"prediction": x, "target": y}, from_logits=True), right, rtol=rtol)
    np.testing.assert_allclose(values({"prediction": x, "target": 1 - y}, from_logits=True), wrong, rtol=rtol)
    weighted = {"prediction": x, "target": y, "pos_weight": np.array(2.0, dtype)}
    np.testing.assert_allclose(values(weighted, from_logits=True), right * (1 + y), rtol=rtol)


def test_probabilities_lose_no_digits_near_0() -> None:
    p = np.array([1e-30, 1e-9, 1e-3], np.float32)
    value = values({"prediction": p, "target": np.zeros(3, np.float32)})
    np.testing.assert_allclose(value, -np.log1p(-p.astype(np.float64)), rtol=1e-6)


def test_what_was_held_for_impossible_costs_infinity_and_nothing_if_it_did_not_come() -> None:
    p, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    assert values({"prediction": p, "target": y}).tolist() == [0.0, 0.0, np.inf, np.inf]
    assert values({"prediction": p, "target": y}, log_floor=-100.0).tolist() == [0.0, 0.0, 100.0, 100.0]


def test_alpha_balances_and_positives_have_a_weight_per_label() -> None:
    p, y = np.array([[0.5, 0.25]]), np.array([[1.0, 0.0]])
    value = values({"prediction": p, "target": y, "alpha": np.array([0.25, 0.5])})
    np.testing.assert_allclose(value, [[0.25 * np.log(2), 0.5 * -np.log(0.75)]])
    value = values({"prediction": p, "target": y, "pos_weight": np.array([3.0, 7.0])})
    np.testing.assert_allclose(value, [[3 * np.log(2), -np.log(0.75)]])
    value = values({"prediction": p, "target": y, "pos_weight": np.array([[3.0, 7.0]])})
    np.testing.assert_allclose(value, [[3 * np.log(2), -np.log(0.75)]])


def test_smoothing_moves_targets_towards_a_half() -> None:
    value = values({"prediction": np.array([0.5, 0.8]), "target": np.array([1.0, 0.0])}, label_smoothing=0.2)
    np.testing.assert_allclose(value, [np.log(2), -0.1 * np.log(0.8) - 0.9 * np.log(0.2)])


def test_nan_propagates_and_a_number_is_a_number() -> None:
    assert np.isnan(values({"prediction": np.array([np.nan]), "target": np.array([0.0])})).all()
    assert np.isnan(values({"prediction": np.array([0.5]), "target": np.array([np.nan])})).all()
    assert np.shape(values({"prediction": np.array(0.5), "target": np.array(1.0)})) == ()


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"prediction": [0.5, 1.5], "target": [0, 1]}, r"from_logits.*got 1.5 - at \$\.prediction\[1\]"),
        ({"prediction": [0.5, 0.5], "target": [0, -1]}, r"probability in \[0, 1\], got -1 - at \$\.target\[1\]"),
        ({"prediction": [0.5, 0.5], "target": [0]}, r"\$\.target"),
        ({"prediction": [0.5], "target": [0], "pos_weight": [1.0, 2.0]}, r"\$\.pos_weight"),
    ],
)
def test_faults_are_placed(tensors: dict[str, Any], message: str) -> None:
    with pytest.raises(LossError, match=message):
        compute(NAME, tensors)


def test_a_mean_of_nothing_is_an_error_and_a_sum_0() -> None:
    nothing = {"prediction": np.zeros(0), "target": np.zeros(0)}
    with pytest.raises(EmptyError):
        compute(NAME, nothing)
    assert compute(NAME, nothing, reduction="sum").value == 0.0
    weighted = {"prediction": np.array([0.5]), "target": np.array([1.0])}
    assert compute(NAME, weighted, weight=np.array([0.0])).value == 0.0
