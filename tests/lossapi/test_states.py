"""States: what each adds up to, and how exactly."""

from typing import Any

import numpy as np
import pytest

from lossapi.errors import TooLarge
from lossapi.states import (
    Comoments,
    Counts,
    Extremes,
    Moments,
    Samples,
    Sums,
    Totals,
    Values,
    centred,
    divisors,
    total,
)


def test_totals_hold_a_divisor_for_every_reduction() -> None:
    whole = Totals(6.0, 2.5, 2, 3, 2) + Totals(1.0, 0.5, 1, 1, 1)
    assert whole == Totals(7.0, 3.0, 3, 4, 3)
    assert divisors(whole) == {"mean": 4, "sum": 1.0, "weighted_mean": 3.0, "nonzero_mean": 3, "batch_mean": 3}


def test_a_total_is_float64_whatever_the_dtype() -> None:
    ones = np.ones(2**24 + 8, np.float32)
    assert total(ones) == 2**24 + 8  # in float32 2**24 + 1 is 2**24


def test_rows_are_kept_in_order() -> None:
    whole = Values((np.array([1.0]),), 1) + Values((np.array([2.0, 3.0]),), 2)
    assert whole.count == 3
    assert whole.array().tolist() == [1.0, 2.0, 3.0]


def test_sums_add_by_name() -> None:
    whole = Sums({"a": np.array([1.0, 2.0]), "b": np.array(1.0)}, 2) + Sums({"a": np.ones(2), "b": np.array(4.0)}, 1)
    assert whole.sums["a"].tolist() == [2.0, 3.0]
    assert whole.sums["b"] == 5.0
    assert whole.count == 3


PARTS = [slice(0, 0), slice(0, 1), slice(1, 20), slice(20, 50)]


def around_mean(x: Any, w: Any) -> tuple[Any, Any]:
    """The mean, and what is left of each row."""
    mean = np.average(x, axis=0, weights=w)
    return mean, x - mean


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_merge_to_those_of_the_whole(offset: float, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(50, 2)) + offset, rng.choice([0.0, 0.5, 2.0], 50)
    states = [Moments.of([x[p], -x[p]], w[p] if weighted else None, extremes=True) for p in PARTS]
    whole = states[0] + states[1] + states[2] + states[3]
    each = w if weighted else np.ones(50)
    mean, left = around_mean(x, each)
    np.testing.assert_allclose(whole.weight, each.sum(), rtol=1e-14)
    np.testing.assert_allclose(whole.mean, [*mean, *-mean], rtol=1e-13)
    np.testing.assert_allclose(whole.squares, [*(each @ left**2)] * 2, rtol=1e-8)
    np.testing.assert_array_equal(whole.low[:2], x[each > 0].min(axis=0))
    np.testing.assert_array_equal(whole.high[:2], x[each > 0].max(axis=0))
    assert whole.count == 50


def test_the_moments_of_a_constant_column_are_exact() -> None:
    whole = Moments.of([np.full((7, 1), 0.1)]) + Moments.of([np.full((65_533, 1), 0.1)], np.full(65_533, 0.3))
    assert (whole.mean[0], whole.squares[0]) == (0.1, 0.0)


def test_an_outlier_in_the_first_row_costs_no_digits() -> None:
    x = np.random.default_rng(3).normal(size=(20_000, 1))
    x[0] = 1e9
    (_, mean, squares), rest = centred(x, None, 20_000.0), x[1:] - x[1:].mean()
    exact = (rest**2).sum() + (1e9 - x[1:].mean()) ** 2 * 19_999 / 20_000
    assert mean[0] == pytest.approx(x.mean(), rel=1e-12)
    assert squares[0] == pytest.approx(exact, rel=1e-12)


def test_the_variance_of_large_float32_numbers_is_not_negative() -> None:
    x = (1e4 + np.random.default_rng(1).normal(size=(10_000, 1))).astype(np.float32)
    whole = Moments.of([x[:3_000]]) + Moments.of([x[3_000:]])
    assert whole.squares[0] / whole.weight == pytest.approx(x.astype(np.float64).var(), rel=1e-9)


def test_rows_without_weight_leave_moments_as_they_were() -> None:
    nothing = Moments.of([np.ones((3, 1))], np.zeros(3))
    something = Moments.of([np.array([[1.0], [3.0]])])
    for whole in (nothing + something, something + nothing):
        assert (whole.weight, whole.mean.tolist(), whole.squares.tolist(), whole.count) == (2.0, [2.0], [2.0], 5)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("weighted", [False, True])
def test_joint_moments_merge_to_those_of_the_whole(offset: float, weighted: bool) -> None:
    rng = np.random.default_rng(2)
    x, y, w = rng.normal(size=(50, 2)) + offset, rng.normal(size=(50, 2)) - offset, rng.choice([0.0, 0.5, 2.0], 50)
    states = [Comoments.of(x[p], y[p], w[p] if weighted else None) for p in PARTS]
    each = w if weighted else np.ones(50)
    (mean, left), (other, right) = around_mean(x, each), around_mean(y, each)
    for whole in ((states[0] + states[1]) + (states[2] + states[3]), states[1] + (states[2] + states[3])):
        np.testing.assert_allclose(whole.mean, [mean, other], rtol=1e-13)
        np.testing.assert_allclose(whole.squares, [each @ left**2, each @ right**2], rtol=1e-8)
        np.testing.assert_allclose(whole.cross, each @ (left * right), rtol=1e-8)
        assert whole.count == 50


def test_extremes_overlook_rows_without_weight() -> None:
    whole = Extremes.of(np.array([[3.0], [-9.0]]), np.array([1.0, 0.0])) + Extremes.of(np.array([[5.0]]))
    assert (whole.low.tolist(), whole.high.tolist(), whole.count) == ([3.0], [5.0], 2)


def test_samples_are_kept_in_order_and_no_more_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Samples, "MOST", 8)
    one, two = np.arange(3.0)[:, None], np.arange(3.0, 4.0)[:, None]
    whole = Samples.of([one, -one]) + Samples.of([two, -two])
    assert whole.array().tolist() == [[0.0, 1.0, 2.0, 3.0], [-0.0, -1.0, -2.0, -3.0]]
    assert whole.weight() is None
    weighed = Samples.of([one], np.array([1.0, 0.0, 2.0])) + Samples.of([two])
    assert np.asarray(weighed.weight()).tolist() == [1.0, 0.0, 2.0, 1.0]
    with pytest.raises(TooLarge, match="at most 8 numbers kept"):
        whole + Samples.of([two, two])


def test_counts_grow_with_the_labels_met() -> None:
    small = Counts.of_pairs(np.array([0, 1]), np.array([0, 0]), (2, 2), None, {})
    large = Counts.of_pairs(np.array([2]), np.array([1]), (3, 3), np.array([0.5]), {})
    assert (small + large).table.tolist() == [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    assert (large + small).table.tolist() == (small + large).table.tolist()
    assert (small + large).count == 3
