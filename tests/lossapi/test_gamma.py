"""lgamma and digamma, to the last digits."""

import math

import numpy as np
import pytest

from lossapi.functions import digamma, lgamma

EULER = 0.5772156649015329


def test_log_gamma_is_the_standard_librarys() -> None:
    x = np.concatenate([np.logspace(-8, 8, 4001), np.linspace(0.5, 9.0, 2001), np.arange(1.0, 30.0)])
    expected = np.array([math.lgamma(each) for each in x])
    np.testing.assert_allclose(lgamma(x), expected, rtol=2e-15, atol=2e-15)


def test_digamma_of_whole_and_half_numbers_is_a_harmonic_sum() -> None:
    n = np.arange(1, 41)
    whole = np.cumsum(1.0 / n) - 1.0 / n - EULER
    half = 2.0 * np.cumsum(1.0 / (2 * n - 1)) - 2.0 / (2 * n - 1) - EULER - 2.0 * math.log(2.0)
    np.testing.assert_allclose(digamma(n.astype(float)), whole, rtol=2e-15, atol=1e-15)
    np.testing.assert_allclose(digamma(n - 0.5), half, rtol=2e-15, atol=1e-15)


def test_digamma_is_the_slope_of_log_gamma() -> None:
    x = np.linspace(0.05, 12.0, 997)
    slope = (lgamma(x + 1e-5) - lgamma(x - 1e-5)) / 2e-5
    np.testing.assert_allclose(digamma(x), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("function", [lgamma, digamma])
def test_gamma_functions_keep_single_precision_and_its_digits(function: object) -> None:
    assert callable(function)
    x = np.linspace(0.05, 20.0, 997, dtype=np.float32)
    assert function(x).dtype == np.float32
    np.testing.assert_allclose(function(x), function(x.astype(np.float64)), rtol=4e-7, atol=4e-7)


def test_gamma_functions_at_their_ends() -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(lgamma(np.array([0.0, np.inf, np.nan])), [np.inf, np.inf, np.nan])
        np.testing.assert_array_equal(digamma(np.array([0.0, np.inf, np.nan])), [-np.inf, np.inf, np.nan])
