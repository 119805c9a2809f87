"""binary_focal, focal, generalized and poly cross-entropy, as no other library has them."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, compute

P = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
Y = np.array([0, 1])


def rows(name: str, tensors: dict[str, Any], **parameters: Any) -> Any:
    """One value per row."""
    return compute(name, tensors, parameters, reduction="none").value


def test_binary_focal_without_focus_is_balanced_cross_entropy() -> None:
    x, y = np.linspace(-30, 30, 7), np.array([0.0, 1.0, 0.3, 1.0, 0.0, 1.0, 1.0])
    tensors = {"prediction": x, "target": y}
    focal = rows("binary_focal", tensors, gamma=0.0, balanced=False, from_logits=True)
    np.testing.assert_allclose(focal, rows("binary_cross_entropy", tensors, from_logits=True), rtol=1e-14)
    hard = {"prediction": x, "target": np.round(y), "alpha": np.array(0.7)}
    focal = rows("binary_focal", hard, gamma=0.0, from_logits=True)
    np.testing.assert_allclose(focal, rows("binary_cross_entropy", hard, from_logits=True), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binary_focal_of_logits_loses_no_digits(dtype: str) -> None:
    x = np.array([-200.0, -40.0, -5.0, 0.0, 5.0, 40.0, 200.0], dtype)
    wide = x.astype(np.float64)
    p = 1.0 / (1.0 + np.exp(-wide))
    value = rows("binary_focal", {"prediction": x, "target": np.zeros_like(x)}, from_logits=True)
    np.testing.assert_allclose(
        value, 0.75 * p**2 * np.logaddexp(0.0, wide), rtol=float(100 * np.finfo(dtype).eps), atol=1e-44
    )


def test_alpha_of_binary_focal_is_a_quarter_for_positives() -> None:
    tensors = {"prediction": np.array([0.5, 0.5]), "target": np.array([1, 0])}
    np.testing.assert_allclose(rows("binary_focal", tensors), [0.0625 * np.log(2), 0.1875 * np.log(2)])
    np.testing.assert_allclose(rows("binary_focal", tensors, balanced=False), [0.25 * np.log(2)] * 2)


def test_focal_of_indices_one_hot_rows_and_logits_is_one_number() -> None:
    p = P[[0, 1], Y]
    expected = -((1 - p) ** 1.5) * np.log(p)
    np.testing.assert_allclose(rows("focal", {"prediction": P, "target": Y}, gamma=1.5), expected)
    np.testing.assert_allclose(rows("focal", {"prediction": P, "target": np.eye(3)[Y]}, gamma=1.5), expected)
    value = rows("focal", {"prediction": np.log(P) + 7.0, "target": Y}, gamma=1.5, from_logits=True)
    np.testing.assert_allclose(value, expected)


def test_focal_without_focus_is_cross_entropy_smoothed_too() -> None:
    for target in (Y, np.eye(3)[Y]):
        tensors = {"prediction": P, "target": target}
        for smoothing in (0.0, 0.3):
            value = rows("focal", tensors, gamma=0.0, label_smoothing=smoothing)
            np.testing.assert_allclose(value, rows("cross_entropy", tensors, label_smoothing=smoothing))


def test_alpha_of_focal_is_a_number_or_one_for_each_class() -> None:
    plain = rows("focal", {"prediction": P, "target": Y})
    np.testing.assert_allclose(rows("focal", {"prediction": P, "target": Y, "alpha": 0.25}), 0.25 * plain)
    alpha = np.array([1.0, 3.0, 9.0])
    for target in (Y, np.eye(3)[Y]):
        value = rows("focal", {"prediction": P, "target": target, "alpha": alpha})
        np.testing.assert_allclose(value, plain * [1.0, 3.0])
    with pytest.raises(LossError, match=r"\$\.alpha"):
        rows("focal", {"prediction": P, "target": Y, "alpha": np.ones(2)})


def test_focal_of_an_impossible_class_is_infinite_and_of_a_sure_one_nothing() -> None:
    tensors = {"prediction": np.array([[1.0, 0.0], [0.0, 1.0]]), "target": np.array([0, 0])}
    assert rows("focal", tensors).tolist() == [0.0, np.inf]
    assert rows("focal", {**tensors, "target": np.eye(2)[[0, 0]]}).tolist() == [0.0, np.inf]
    assert np.isfinite(rows("focal", tensors, log_floor=1e-7)).all()
    assert np.isfinite(rows("focal", tensors, log_floor=-100.0)).all()


def test_generalized_cross_entropy_lies_between_cross_entropy_and_absolute_error() -> None:
    tensors = {"prediction": P, "target": Y}
    near = rows("generalized_cross_entropy", tensors, q=1e-9)
    np.testing.assert_allclose(near, rows("cross_entropy", tensors), rtol=1e-8)
    np.testing.assert_allclose(rows("generalized_cross_entropy", tensors, q=1.0), 1 - P[[0, 1], Y])
    impossible = {"prediction": np.array([[0.0, 1.0]]), "target": np.array([0])}
    assert rows("generalized_cross_entropy", impossible, q=0.5).tolist() == [2.0]
    logits = {"prediction": np.array([[-200.0, 200.0]]), "target": np.array([0])}
    assert rows("generalized_cross_entropy", logits, q=0.5, from_logits=True).tolist() == [2.0]
    with pytest.raises(LossError, match="q > 0"):
        rows("generalized_cross_entropy", tensors, q=0.0)


def test_poly_cross_entropy_adds_what_went_elsewhere() -> None:
    tensors = {"prediction": P, "target": Y}
    expected = rows("cross_entropy", tensors) - 0.5 * (1 - P[[0, 1], Y])
    np.testing.assert_allclose(rows("poly_cross_entropy", tensors, epsilon=-0.5), expected)
    dense = {"prediction": np.log(P), "target": np.eye(3)[Y]}
    np.testing.assert_allclose(rows("poly_cross_entropy", dense, epsilon=-0.5, from_logits=True), expected)
