"""cross_entropy and nll, as no other library has them."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute
from lossapi.errors import EmptyError

NAME = "cross_entropy"
X = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]))
LOGITS = {"from_logits": True}


def test_every_reduction_of_weighted_ignored_rows() -> None:
    target, class_weight = np.array([0, 1, 9]), np.array([2.0, 0.5, 1.0])
    rows = 2.0 * np.log(2), -0.5 * np.log(0.8)
    weight = np.array([3.0, 1.0, 5.0])
    total = 3 * rows[0] + rows[1]
    for reduction, expected in (
        ("sum", total),
        ("mean", total / 2),
        ("weighted_mean", total / (3 * 2.0 + 0.5)),
        ("nonzero_mean", total / 2),
        ("batch_mean", total / 2),
    ):
        result = compute(
            NAME,
            {"prediction": X, "target": target, "class_weight": class_weight},
            {**LOGITS, "ignore_index": 9},
            weight=weight,
            reduction=reduction,
        )
        np.testing.assert_allclose(result.value, expected)
        assert result.count == 2


def test_classes_may_stand_on_any_axis() -> None:
    p = np.array([[[0.5, 0.25], [0.125, 0.25], [0.375, 0.5]]])
    target = np.array([[0, 2]])
    value = compute(NAME, {"prediction": p, "target": target}, reduction="none").value
    np.testing.assert_allclose(value, [[np.log(2), np.log(2)]])
    moved = compute(NAME, {"prediction": p.swapaxes(1, 2), "target": target}, {"class_axis": -1}, reduction="none")
    np.testing.assert_allclose(moved.value, value)


@pytest.mark.parametrize("dense", [False, True])
def test_a_class_that_did_not_come_costs_nothing_however_improbable(dense: bool) -> None:
    target: Any = np.array([[1.0, 0.0]]) if dense else np.array([0])
    value = compute(NAME, {"prediction": np.array([[1.0, 0.0]]), "target": target}).value
    assert value == 0.0
    value = compute(NAME, {"prediction": np.array([[0.0, -np.inf]]), "target": target}, LOGITS).value
    assert value == 0.0
    assert compute(NAME, {"prediction": np.array([[0.0, 1.0]]), "target": target}).value == np.inf


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("class_weight", [None, np.array([2.0, 0.5, 1.0])])
def test_smoothing_spreads_over_all_classes(dense: bool, class_weight: Any) -> None:
    target: Any = np.eye(3)[[0]] if dense else np.array([0])
    smooth = np.eye(3)[0] * 0.7 + 0.1
    expected = -(smooth * X[0] * (1.0 if class_weight is None else class_weight)).sum()
    tensors = {"prediction": X[:1], "target": target}
    tensors |= {} if class_weight is None else {"class_weight": class_weight}
    value = compute(NAME, tensors, {**LOGITS, "label_smoothing": 0.3}).value
    np.testing.assert_allclose(value, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_of_200_neither_overflow_nor_vanish(dtype: str) -> None:
    x = np.array([[200.0, -200.0, 0.0], [-200.0, -200.0, -200.0]], dtype)
    value = compute(NAME, {"prediction": x, "target": np.array([1, 2])}, LOGITS, reduction="none").value
    np.testing.assert_allclose(value, [400.0, np.log(3)], rtol=1e-6)


def test_nothing_that_enters_is_an_error_and_a_sum_of_0() -> None:
    ignored = {"prediction": X, "target": np.full(3, -1)}
    with pytest.raises(EmptyError):
        compute(NAME, ignored, {**LOGITS, "ignore_index": -1})
    assert compute(NAME, ignored, {**LOGITS, "ignore_index": -1}, reduction="sum").value == 0.0
    with pytest.raises(EmptyError):
        compute(NAME, {"prediction": X[:0], "target": np.zeros(0, int)}, LOGITS)


def test_nan_stays_in_its_row() -> None:
    x = X.copy()
    x[1, 2] = np.nan
    value = compute(NAME, {"prediction": x, "target": np.array([0, 1, 2])}, LOGITS, reduction="none").value
    assert np.isnan(value).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"target": np.array([0, 1, 3])}, r"label < 3 \(axis classes\), got 3 - at \$\.target\[2\]"),
        ({"target": np.array([0, -1, 2])}, r"got -1 - at \$\.target\[1\]"),
        ({"target": np.array([0.0, 1.0, 2.0])}, r"integers"),
        ({"target": np.array([0, 1])}, r"\$\.target"),
        ({"target": np.eye(3) * 2}, r"probability in \[0, 1\], got 2 - at \$\.target\[0\]\[0\]"),
        ({"class_weight": np.ones(2)}, r"\$\.class_weight"),
        ({"prediction": X}, r"from_logits"),
    ],
)
def test_faults_are_placed(tensors: dict[str, Any], message: str) -> None:
    given = {"prediction": np.exp(X), "target": np.array([0, 1, 2])}
    with pytest.raises(LossError, match=message):
        compute(NAME, {**given, **tensors})


def test_nll_takes_any_numbers_for_log_probabilities() -> None:
    x = np.array([[1.0, -2.0], [0.0, 3.0]])
    value = compute("nll", {"prediction": x, "target": np.array([0, 1])}, reduction="none").value
    assert value.tolist() == [-1.0, -3.0]
    weighted = {"prediction": x, "target": np.array([0, 1]), "class_weight": np.array([1.0, 3.0])}
    assert compute("nll", weighted, reduction="weighted_mean").value == -10.0 / 4.0
