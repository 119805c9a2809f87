"""Stable spellings beside arithmetic of fifty digits, and at the ends of what floats can hold."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import array_api_strict
import numpy as np
import pytest

from lossapi import functions as f
from lossapi.domains import Array

INF, NAN = np.inf, np.nan
POINTS = (-745.0, -200.0, -37.5, -1.0, -1e-8, -0.0, 0.0, 1e-300, 1e-8, 0.3, 1.0, 17.0, 36.9, 200.0, 700.0)
UNIT = (0.0, 1e-320, 1e-20, 1e-8, 0.1, 0.5, 0.999, 1.0)
ULPS = {"float32": 4e-7, "float64": 1e-15}

EXACT: dict[str, tuple[Callable[[Decimal], Decimal], tuple[float, ...]]] = {
    "log1p": (lambda x: (1 + x).ln(), UNIT),
    "softplus": (lambda x: (1 + x.exp()).ln(), POINTS),
    "log_sigmoid": (lambda x: -(1 + (-x).exp()).ln(), POINTS),
    "log1m": (lambda p: (1 - p).ln(), UNIT[:-1]),
}


def exact(function: Callable[[Decimal], Decimal], x: Array) -> Array:
    """What a function is at some floats, worked out with fifty digits more than the smallest of them needs."""
    with localcontext() as context:
        context.prec = 400
        return np.array([float(function(Decimal(float(each)))) for each in x])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_elementwise_functions_are_right_to_the_last_digits(name: str, dtype: str) -> None:
    function, points = EXACT[name]
    x = np.array(points, dtype)
    with np.errstate(all="ignore"):
        found = getattr(f, name)(x)
    assert found.dtype == dtype
    smallest = float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(found, exact(function, x), rtol=ULPS[dtype], atol=smallest)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_saturates_instead_of_overflowing(dtype: str) -> None:
    x = np.array(POINTS, dtype)
    found = f.sigmoid(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, exact(lambda each: 1 / (1 + (-each).exp()), x), rtol=0, atol=ULPS[dtype])


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("softplus", [-INF, -0.0, INF, NAN], [0.0, f.LOG_2, INF, NAN]),
        ("log_sigmoid", [-INF, -0.0, INF, NAN], [-INF, -f.LOG_2, 0.0, NAN]),
        ("sigmoid", [-INF, -0.0, INF, NAN], [0.0, 0.5, 1.0, NAN]),
        ("relu", [-INF, -1.0, 2.0, INF, NAN], [0.0, 0.0, 2.0, INF, NAN]),
        ("log1m", [0.0, 1.0, NAN], [0.0, -INF, NAN]),
        ("log1p", [0.0, NAN], [0.0, NAN]),
        ("stop_gradient", [-INF, NAN], [-INF, NAN]),
    ],
)
def test_elementwise_functions_at_the_ends(name: str, x: list[float], expected: list[float]) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(getattr(f, name)(np.array(x)), expected, rtol=1e-15)


def test_logsumexp_neither_overflows_nor_loses_a_slice_of_infinities() -> None:
    x = np.array([[200.0, 200.0], [-900.0, -901.0], [-INF, -INF], [INF, 0.0], [NAN, 0.0]])
    expected = [200.0 + f.LOG_2, -900.0 + np.log1p(np.exp(-1.0)), -INF, INF, NAN]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f.logsumexp(x, axis=1), expected, rtol=1e-15)
        assert f.logsumexp(x, axis=0, keepdims=True).shape == (1, 2)


def test_logaddexp_is_that_of_numpy_at_the_ends() -> None:
    x, y = np.array([0.0, 200.0, -900.0, -1e30, 3.0]), np.array([0.0, 200.0, -901.0, -1e30, -1e30])
    np.testing.assert_allclose(f.logaddexp(x, y), np.logaddexp(x, y), rtol=1e-15)


def test_log_softmax_of_far_apart_scores_is_exact() -> None:
    x = np.array([[200.0, -200.0, 0.0], [1e4, 1e4, -INF]])
    np.testing.assert_allclose(f.log_softmax(x, axis=1)[0], [0.0, -400.0, -200.0], rtol=1e-15)
    np.testing.assert_allclose(f.log_softmax(x, axis=1)[1], [-f.LOG_2, -f.LOG_2, -INF], rtol=1e-15)
    np.testing.assert_allclose(f.softmax(x, axis=1).sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(f.log_softmax(x.T, axis=0), f.log_softmax(x, axis=1).T, rtol=1e-15)


def test_surprisal_is_minus_the_log_softmax_at_the_label() -> None:
    x, label = np.random.default_rng(0).normal(size=(5, 4, 3)) * 50, np.arange(15).reshape(5, 3) % 4
    np.testing.assert_allclose(f.surprisal(x, label, axis=1), -f.pick(f.log_softmax(x, axis=1), label), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(0.0, 0.0, 0.0), (0.0, INF, 0.0), (0.0, NAN, NAN), (NAN, 1.0, NAN), (2.0, 0.0, -INF), (2.0, 3.0, 2 * np.log(3.0))],
)
def test_nothing_times_the_log_of_anything_is_nothing(x: float, y: float, expected: float) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f.xlogy(np.array([x]), np.array([y])), [expected], rtol=1e-15)


@pytest.mark.parametrize(
    ("w", "x", "expected"),
    [(0.0, -INF, 0.0), (0.0, NAN, NAN), (NAN, 1.0, NAN), (1.0, -INF, -INF), (0.5, 3.0, 1.5), (INF, 0.0, NAN)],
)
def test_a_weight_of_nothing_outweighs_an_infinity(w: float, x: float, expected: float) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_equal(f.product(np.array([w]), np.array([x])), [expected])


@pytest.mark.parametrize(
    ("floor", "expected"),
    [
        (None, [-INF, np.log(0.25), 0.0, NAN]),
        (-100.0, [-100.0, np.log(0.25), 0.0, NAN]),
        (0.1, [np.log(0.1), np.log(0.25), np.log(0.9), NAN]),
    ],
)
def test_a_log_is_floored_or_its_probability_clipped(floor: float | None, expected: list[float]) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f.floored_log(np.array([0.0, 0.25, 1.0, NAN]), floor=floor), expected, rtol=1e-15)


def test_clip_keeps_nan_and_may_be_open_on_one_side() -> None:
    x = np.array([-2.0, 0.5, 3.0, NAN])
    np.testing.assert_equal(f.clip(x, low=0.0, high=1.0), [0.0, 0.5, 1.0, NAN])
    np.testing.assert_equal(f.clip(x, high=1.0), [-2.0, 0.5, 1.0, NAN])


def test_a_vector_of_no_length_stays_zero_at_unit_length() -> None:
    np.testing.assert_allclose(f.unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_pick_and_one_hot_agree_along_any_axis(axis: int) -> None:
    x = np.random.default_rng(1).normal(size=(3, 4, 5))
    label = np.random.default_rng(2).integers(0, x.shape[axis], np.delete(x.shape, axis))
    hot = f.one_hot(label, x.astype(np.float32), axis=axis)
    assert hot.dtype == np.float32
    np.testing.assert_allclose((hot * x).sum(axis=axis), f.pick(x, label, axis=axis), rtol=1e-15)


def test_count_multiplies_sizes() -> None:
    assert f.count(np.zeros((2, 3, 5)), axis=1) == 3.0
    assert f.count(np.zeros((2, 3, 5)), axis=(0, 2)) == 10.0


def test_a_polynomial_is_evaluated_from_the_highest_power() -> None:
    np.testing.assert_allclose(f.polynomial(np.array([0.0, 2.0]), (1.0, -3.0, 0.5)), [1.0, -3.0])


def test_the_namespace_is_that_of_the_first_array() -> None:
    assert f.namespace(2.0, np.zeros(1)) is np
    assert f.namespace(array_api_strict.zeros(1), np.zeros(1)) is array_api_strict
    with pytest.raises(TypeError, match="no array"):
        f.namespace(1.0)


def test_a_namespace_with_an_operation_of_its_own_is_asked_first() -> None:
    class Own:
        class special:
            @staticmethod
            def softplus(x: Any) -> str:
                return f"own softplus of {x.name}"

    class Traced:
        name = "x"

        def __array_namespace__(self) -> type[Own]:
            return Own

    assert f.softplus(Traced()) == "own softplus of x"
