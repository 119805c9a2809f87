"""Dice, of one set and over classes, as it is asked for by its own name."""

import numpy as np
import pytest

from lossapi import LossError, compute
from lossapi.errors import DomainError, EmptyError, ParameterError, ShapeError

PREDICTION = np.array([0.9, 0.2, 0.6, 0.1])
TARGET = np.array([1, 0, 1, 0])
NOTHING = {"prediction": np.zeros(4), "target": np.zeros(4)}
FIRST = {"smooth_numerator": 1e-8, "smooth_denominator": 1e-8}
SECOND = {"smooth_numerator": 0.0, "smooth_denominator": 1e-5}


def test_the_articles_agree_where_there_is_something() -> None:
    # 1 - 2 (0.9 + 0.6) / (1.8 + 2) = 0.8 / 3.8
    for smoothing in (FIRST, SECOND):
        value = compute("dice", {"prediction": PREDICTION, "target": TARGET}, smoothing).value
        assert value == pytest.approx(0.8 / 3.8, rel=1e-5)


def test_where_there_is_nothing_the_place_of_the_smoothing_decides() -> None:
    assert compute("dice", NOTHING, FIRST).value == 0.0
    assert compute("dice", NOTHING, SECOND).value == 1.0
    assert compute("dice", NOTHING).value == 0.0


def test_one_value_per_sample_is_reduced_and_weighed() -> None:
    tensors = {"prediction": PREDICTION.reshape(2, 2), "target": TARGET.reshape(2, 2)}
    # rows: 1 - 1.8 / 2.1 and 1 - 1.2 / 1.7
    rows = np.array([0.3 / 2.1, 0.5 / 1.7])
    per_sample = {"per_sample": True, "smooth_numerator": 0.0, "smooth_denominator": 0.0}
    np.testing.assert_allclose(compute("dice", tensors, per_sample, reduction="none").value, rows)
    assert compute("dice", tensors, per_sample).value == pytest.approx(rows.mean())
    weighted = compute("dice", tensors, per_sample, weight=np.array([1.0, 3.0]), reduction="weighted_mean")
    assert weighted.value == pytest.approx((rows[0] + 3.0 * rows[1]) / 4.0)


def test_weights_of_points_weigh_within_the_sums() -> None:
    tensors = {"prediction": PREDICTION, "target": TARGET}
    kept = compute("dice", tensors, weight=np.array([1.0, 1.0, 0.0, 1.0])).value
    without = {name: np.delete(tensor, 2) for name, tensor in tensors.items()}
    assert kept == pytest.approx(compute("dice", without).value)
    rows = {name: tensor.reshape(2, 2) for name, tensor in tensors.items()}
    weight = np.array([[1.0, 0.0], [2.0, 1.0]])
    # row 0: the first point alone, 1 - 1.8 / 1.9; row 1: 1 - 2.4 / (2 · 1.6 + 0.1)
    values = compute("dice", rows, {"per_sample": True}, weight=weight, reduction="none").value
    np.testing.assert_allclose(values, [0.1 / 1.9, 0.9 / 3.3], rtol=1e-6)


def test_a_point_of_weight_zero_may_be_nan() -> None:
    tensors = {"prediction": np.array([0.9, np.nan]), "target": np.array([1, 0])}
    assert np.isnan(compute("dice", tensors).value)
    assert compute("dice", tensors, weight=np.array([1.0, 0.0])).value == pytest.approx(0.1 / 1.9, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cutting_a_large_set_changes_nothing(dtype: str) -> None:
    rng = np.random.default_rng(0)
    prediction, target = rng.random((3, 70_000)).astype(dtype), rng.integers(0, 2, (3, 70_000))
    whole = compute("dice", {"prediction": prediction, "target": target})
    p, t = prediction.astype("float64"), target
    assert whole.value == pytest.approx(1.0 - 2.0 * (p * t).sum() / (p.sum() + t.sum()), rel=1e-7)
    assert whole.count == 210_000


def test_logits_far_out_are_certain() -> None:
    tensors = {"prediction": np.array([200.0, -200.0, 200.0]), "target": np.array([1, 0, 1])}
    assert compute("dice", tensors, {"from_logits": True}).value == pytest.approx(0.0, abs=1e-12)
    classes = {"prediction": np.array([[200.0, -200.0], [-200.0, 200.0]]), "target": np.array([0, 0])}
    # class 0: 1 - 2 / 3, class 1: 1
    assert compute("multiclass_dice", classes, {"from_logits": True}).value == pytest.approx(2.0 / 3.0)


def test_classes_are_averaged_pooled_or_given_each() -> None:
    tensors = {"prediction": np.array([[0.9, 0.1], [0.4, 0.6]]), "target": np.array([0, 1])}
    each = np.array([1.0 - 1.8 / 2.3, 1.0 - 1.2 / 1.7])
    np.testing.assert_allclose(compute("multiclass_dice", tensors, {"average": "none"}).value, each, rtol=1e-7)
    assert compute("multiclass_dice", tensors).value == pytest.approx(each.mean())
    assert compute("multiclass_dice", tensors, {"average": "micro"}).value == pytest.approx(1.0 - 3.0 / 4.0)
    assert compute("multiclass_dice", tensors, {"include_background": False}).value == pytest.approx(each[1])
    weighted = compute("multiclass_dice", {**tensors, "class_weight": np.array([1.0, 3.0])}).value
    assert weighted == pytest.approx((each[0] + 3.0 * each[1]) / 4.0)


def test_ignored_labels_leave_their_points_out() -> None:
    rng = np.random.default_rng(1)
    tensors = {"prediction": rng.random((6, 3)), "target": np.array([0, 1, 9, 2, 9, 1])}
    kept = tensors["target"] != 9
    without = {name: tensor[kept] for name, tensor in tensors.items()}
    assert compute("multiclass_dice", tensors, {"ignore_index": 9}).value == compute("multiclass_dice", without).value
    with pytest.raises(EmptyError):
        compute("multiclass_dice", {**tensors, "target": np.full(6, 9)}, {"ignore_index": 9})


@pytest.mark.parametrize(
    ("name", "tensors", "parameters", "error", "pointer"),
    [
        ("dice", {"prediction": [0.5, 1.2], "target": [1, 0]}, {}, DomainError, "/prediction/1"),
        ("dice", {"prediction": [0.5, 0.2], "target": [1, 2]}, {}, DomainError, "/target/1"),
        ("dice", {"prediction": [0.5, 0.2], "target": [1, 0, 1]}, {}, ShapeError, "/target"),
        ("dice", {"prediction": [0.5], "target": [1]}, {"smooth_numerator": -1.0}, ParameterError, "/smooth_numerator"),
        ("dice", {"prediction": [], "target": []}, {}, EmptyError, ""),
        ("multiclass_dice", {"prediction": [[0.5, 0.5]], "target": [2]}, {}, DomainError, "/target/0"),
        ("multiclass_dice", {"prediction": [[0.5, 0.5]], "target": [[1.0]]}, {}, ShapeError, "/target"),
    ],
)
def test_faults_are_pointed_at(
    name: str, tensors: dict[str, list[float]], parameters: dict[str, float], error: type[LossError], pointer: str
) -> None:
    with pytest.raises(error) as caught:
        compute(name, tensors, parameters)
    assert caught.value.faults[0].pointer == pointer
