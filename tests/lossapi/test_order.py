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


def columns(rng: Any, rows: int) -> dict[str, Any]:
    """Columns that are hard to sort by their upper bits."""
    noise = rng.standard_normal(rows)
    return {
        "plain": noise,
        "ties": np.round(noise, 1),
        "zeros": np.where(noise > 0, -0.0, 0.0),
        "far away": 1e9 + 1e-4 * noise,
        "two clusters": np.where(noise > 0, 1e9, -1e9) + 1e-7 * rng.integers(0, 9, rows),
        "last bits": 1.0 + 2.0**-52 * rng.integers(0, rows, rows),
        "rare last bits": np.where(noise > 3.0, np.nextafter(np.round(noise), 9.0), np.round(noise)),
        "infinities": np.where(noise > 1, np.inf, np.where(noise < -1, -np.inf, noise)),
        "nan": np.where(noise > 3, np.nan, noise),
    }


@pytest.mark.parametrize("rows", [0, 1, 7, order.FEW, order.FEW + 1, 5000])
@pytest.mark.parametrize("name", columns(np.random.default_rng(0), 1))
def test_the_ascending_order_is_stable(name: str, rows: int) -> None:
    x = columns(np.random.default_rng(rows), rows)[name]
    places, ordered = order.ascending(x)
    np.testing.assert_array_equal(places, np.argsort(x, stable=True))
    np.testing.assert_array_equal(ordered, x[places])


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
