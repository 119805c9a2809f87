"""Losses of real targets: values by hand, edges, and what is refused."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, engine
from lossapi.errors import DomainError, EmptyError, ParameterError, ShapeError

NAN = float("nan")
ELEMENTWISE = (
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "smooth_l1",
    "half_squared_error",
    "log_cosh",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "pinball",
    "poisson_nll",
)


def value(name: str, prediction: Any, target: Any = None, given: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """The value of a loss of a prediction and, perhaps, a target and a variance."""
    tensors = {"prediction": prediction, "target": target, "variance": more.pop("variance", None)}
    there = {key: each for key, each in tensors.items() if each is not None}
    return engine.compute(name, there, given or {}, **more).value


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_in_one_element_stays_there(name: str) -> None:
    rows = value(name, [1.0, NAN, 2.0, 0.5], [0.5, 1.0, NAN, 0.5], reduction="none")
    assert np.isnan(rows).tolist() == [False, True, True, False]
    assert math.isnan(value(name, [1.0, NAN], [1.0, 1.0]))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nothing_sums_to_0_and_has_no_mean(name: str) -> None:
    assert value(name, np.ones((0, 3)), np.ones((0, 3)), reduction="sum") == 0.0
    assert value(name, np.ones((0, 3)), np.ones((0, 3)), reduction="none").shape == (0, 3)
    with pytest.raises(EmptyError):
        value(name, np.ones((0, 3)), np.ones((0, 3)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_number_is_a_batch_of_one(name: str) -> None:
    assert value(name, 1.5, 0.5) == pytest.approx(value(name, [1.5], [0.5]), rel=1e-15)
    assert np.shape(value(name, 1.5, 0.5, reduction="none")) == ()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_shapes_are_never_broadcast(name: str) -> None:
    with pytest.raises(ShapeError, match=r"target .* - at \$\.target"):
        value(name, np.ones((2, 3)), np.ones((2, 1)))


def test_weights_of_0_leave_no_weighted_mean() -> None:
    assert value("mean_squared_error", [1.0, 2.0], [0.0, 0.0], weight=np.zeros(2)) == 0.0
    for reduction in ("weighted_mean", "nonzero_mean"):
        with pytest.raises(EmptyError):
            value("mean_squared_error", [1.0, 2.0], [0.0, 0.0], weight=np.zeros(2), reduction=reduction)


def test_half_the_squared_error_needs_no_target() -> None:
    assert value("half_squared_error", [[3.0, 4.0]], reduction="sum") == 12.5
    assert value("half_squared_error", [[3.0, 4.0]], [[1.0, 4.0]], reduction="none").tolist() == [[2.0, 0.0]]


def test_log_cosh_keeps_the_digits_of_small_errors_and_never_overflows() -> None:
    small = np.logspace(-9, -2, 50)
    series = small**2 / 2 - small**4 / 12 + small**6 / 45
    np.testing.assert_allclose(value("log_cosh", small, 0 * small, reduction="none"), series, rtol=1e-13)
    near = np.linspace(-3, 3, 101)
    np.testing.assert_allclose(value("log_cosh", near, 0 * near, reduction="none"), np.log(np.cosh(near)), atol=1e-15)
    far = value("log_cosh", [-1e300, math.inf], [1.0, 0.0], reduction="none")
    assert far.tolist() == [1e300, math.inf]


def test_percentages_divide_by_no_less_than_eps() -> None:
    assert value("mean_absolute_percentage_error", [1.0], [0.0]) == pytest.approx(1e9)
    assert value("mean_absolute_percentage_error", [1.0], [-4.0], {"scale": 1.0}) == 1.25
    assert value("mean_absolute_percentage_error", [1.0], [0.0], {"eps": 0.0}) == math.inf


def test_logarithms_take_what_is_below_eps_for_eps() -> None:
    assert value("mean_squared_logarithmic_error", [-2.0, 0.0], [-5.0, 0.0]) == 0.0
    assert value("mean_squared_logarithmic_error", [math.e - 1], [0.0], {"eps": 0.0}) == pytest.approx(1.0)


def test_a_quantile_weighs_both_sides() -> None:
    rows = value("pinball", [0.0, 2.0, 1.0], [1.0, 1.0, 1.0], {"quantile": 0.9}, reduction="none")
    np.testing.assert_allclose(rows, [0.9, 0.1, 0.0])
    with pytest.raises(ParameterError, match="quantile"):
        value("pinball", [0.0], [1.0], {"quantile": 1.5})


def test_pairs_of_elements_are_blind_to_a_shift() -> None:
    p, t = [[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0], [5.0, 5.0, 6.0]]
    assert value("mean_pairwise_squared_error", p, t, reduction="none").tolist() == pytest.approx([14 / 3, 0.0])
    assert value("mean_pairwise_squared_error", p, t) == pytest.approx(14 / 3)
    assert value("mean_pairwise_squared_error", p, t, weight=np.array([3.0, 1.0])) == pytest.approx(14.0)
    shifted = np.array(p) + np.array([[1e6], [-1e6]])
    assert value("mean_pairwise_squared_error", shifted, t) == pytest.approx(14 / 3, rel=1e-9)
    assert value("mean_pairwise_squared_error", [1.0, 2.0], [0.0, 0.0]) == 0.0


def test_rates_are_not_negative_but_their_logarithms_may_be() -> None:
    assert value("poisson_nll", [-1.0], [0.0]) == pytest.approx(math.exp(-1.0))
    with pytest.raises(DomainError, match=r"a rate >= 0 \(logarithms need log_input: true\), got -1 - at"):
        value("poisson_nll", [1.0, -1.0], [0.0, 1.0], {"log_input": False})
    full = value("poisson_nll", [0.0], [3.0], {"full": True})
    assert full == pytest.approx(1 + 3 * math.log(3) - 3 + 0.5 * math.log(2 * math.pi * 3))


@pytest.mark.parametrize("variance", [[[1.0, 1.0], [4.0, 4.0]], [1.0, 4.0], 2.0])
def test_a_variance_stands_for_an_element_a_row_or_all(variance: Any) -> None:
    p, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    v = np.array(variance) if np.ndim(variance) != 1 else np.array(variance)[:, None]
    expected = 0.5 * (np.log(v) + p**2 / v) * np.ones((2, 2))
    np.testing.assert_allclose(value("gaussian_nll", p, t, variance=variance, reduction="none"), expected)


def test_a_variance_below_eps_counts_as_eps_and_a_negative_one_is_refused() -> None:
    assert value("gaussian_nll", [0.0], [0.0], variance=[0.0]) == pytest.approx(0.5 * math.log(1e-6))
    with pytest.raises(DomainError, match=r"at \$\.variance\[0\]"):
        value("gaussian_nll", [0.0], [0.0], variance=[-1.0])
    found = [
        engine.compute(
            "gaussian_nll",
            {"prediction": [0.0], "target": [0.0], "variance": [1e-12]},
            {"straight_through": through},
            returns=("gradient",),
        ).gradient
        for through in (False, True)
    ]
    assert [each["variance"].tolist() for each in found if each] == [[0.0], [5e5]]


@pytest.mark.parametrize(("name", "zero"), [("cosine_similarity", 0.0), ("cosine_distance", 1.0)])
def test_a_zero_vector_has_no_direction(name: str, zero: float) -> None:
    assert value(name, [[0.0, 0.0]], [[1.0, 0.0]]) == zero
    assert math.isnan(value(name, [[0.0, 0.0]], [[1.0, 0.0]], {"eps": 0.0}))


@pytest.mark.parametrize(("name", "alike"), [("cosine_similarity", -1.0), ("cosine_distance", 0.0)])
def test_two_vectors_make_one_row_and_any_axis_may_hold_them(name: str, alike: float) -> None:
    assert value(name, [3.0, 4.0], [6.0, 8.0]) == pytest.approx(alike)
    p = np.random.default_rng(0).normal(size=(2, 3, 4))
    rows = value(name, p, 2 * p, {"axis": 1}, reduction="none")
    assert rows.shape == (2, 4)
    np.testing.assert_allclose(rows, alike, atol=1e-15)
    with pytest.raises(LossError, match="axis"):
        value(name, p, p, {"axis": 3})


def test_vectors_may_be_taken_for_unit_vectors() -> None:
    assert value("cosine_distance", [[3.0, 0.0]], [[2.0, 5.0]], {"normalize": False}) == -5.0
