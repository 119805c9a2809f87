"""Order statistics against what they are by definition, on few values with many ties."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from lossapi import order

SEEDS = range(20)


def drawn(seed: int, weighted: bool) -> tuple[Any, Any, Any]:
    """Two columns full of ties, and weights of whole numbers or one."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 40))
    x, y = rng.integers(0, rng.integers(1, 12), (2, rows)).astype(float)
    return x, y, rng.integers(0, 4, rows).astype(float) if weighted else None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_repeated_rows(seed: int, weighted: bool, fraction: float) -> None:
    x, _, weight = drawn(seed, weighted)
    repeated = x if weight is None else np.repeat(x, weight.astype(int))
    if len(repeated):
        expected = np.quantile(repeated, fraction, method="averaged_inverted_cdf")
        assert order.quantile(x, weight, fraction) == pytest.approx(expected)
    else:
        assert np.isnan(order.quantile(x, weight, fraction))


def test_a_quantile_of_nan_is_nan() -> None:
    assert np.isnan(order.quantile(np.array([1.0, np.nan]), None, 0.5))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_ranks_are_mean_places_among_repeated_rows(seed: int, weighted: bool) -> None:
    x, _, weight = drawn(seed, weighted)
    repeated = x if weight is None else np.repeat(x, weight.astype(int))
    expected = [(repeated < each).sum() + (repeated == each).sum() / 2 for each in x]
    np.testing.assert_allclose(order.ranks(x, weight), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_pairs_are_those_that_are_counted_one_by_one(seed: int, weighted: bool) -> None:
    x, y, weight = drawn(seed, weighted)
    w = np.ones(len(x)) if weight is None else weight
    both = [(i, j, w[i] * w[j]) for i, j in combinations(range(len(x)), 2)]
    signs = [(np.sign(x[i] - x[j]) * np.sign(y[i] - y[j]), w) for i, j, w in both]
    found = order.pairs(x, y, weight)
    assert found["concordant"] == pytest.approx(sum(w for sign, w in signs if sign > 0))
    assert found["discordant"] == pytest.approx(sum(w for sign, w in signs if sign < 0))
    assert found["pairs_x"] == pytest.approx(sum(w for i, j, w in both if x[i] != x[j]))
    assert found["pairs_y"] == pytest.approx(sum(w for i, j, w in both if y[i] != y[j]))
    assert found["all"] == w.sum() * (w.sum() - 1) / 2
    assert found["least"] == min(len(set(x)), len(set(y)))
