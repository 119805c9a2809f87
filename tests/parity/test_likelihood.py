"""Poisson and Gaussian likelihoods beside torch and keras; TensorFlow 1's by hand."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like
from tests.parity.peers import agree

DTYPES = ("float32", "float64")
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((4, 3), (4, 3)),
    ((5,), (5,)),
    ((), ()),
    ((2, 3, 4), (2, 3, 4)),
    ((0, 3), (0, 3)),
    ((4, 1), (4,)),
    ((4, 3), (3,)),
]


def counts(shapes: tuple[tuple[int, ...], tuple[int, ...]], dtype: str) -> tuple[Any, Any]:
    """Log-rates, large and small, and counts, of which some are no counts."""
    rng = np.random.default_rng(0)
    rate = np.clip(rng.normal(size=shapes[0]) * 3, -8, 8)
    count = rng.choice([0.0, 0.5, 1.0, 2.0, 7.0, 200.0, -1.0], shapes[1])
    return np.asarray(rate, dtype), np.asarray(count, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torch_takes_rates_or_their_logarithms(reduction: str, dtype: str) -> None:
    for shapes in SHAPES:
        x, y = counts(shapes, dtype)
        for log_input in (True, False):
            for full in (True, False):
                given = {"input": x, "target": y, "log_input": log_input, "full": full, "reduction": reduction}
                agree("torch", "poisson_nll_loss", given)
                agree("torch", "poisson_nll_loss", {**given, "input": abs(x), "eps": 0.5})
                agree("torch", "poisson_nll_loss", {**given, "input": 0 * x})
    for kinds in ((int, int), (float, int), (int, float), (bool, bool), (bool, float)):
        x, y = np.array([1, 0, 3]).astype(kinds[0]), np.array([0, 2, 5]).astype(kinds[1])
        agree("torch", "poisson_nll_loss", {"input": x, "target": y, "reduction": reduction}, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_keras_takes_rates(dtype: str) -> None:
    for shapes in SHAPES:
        x, y = counts(shapes, dtype)
        for rate in (np.exp(x), 0 * x, x):
            agree("keras", "poisson", {"y_true": y, "y_pred": rate}, rtol=1e-5)
            for weight in (None, np.array(0.5), np.arange(4.0)):
                agree("keras", "Poisson", {"y_true": y, "y_pred": rate, "sample_weight": weight}, rtol=1e-5)


def test_tensorflow_1_adds_stirlings_term_outside_0_to_1() -> None:
    x, y = np.array([0.5, -1.0, 2.0, 0.0]), np.array([0.0, 1.0, 3.0, 7.5])
    plain = np.exp(x) - x * y
    np.testing.assert_allclose(like.compute("tf1", "nn.log_poisson_loss", {"targets": y, "log_input": x}).value, plain)
    with np.errstate(all="ignore"):
        stirling = np.where(y > 1, y * np.log(y) - y + 0.5 * np.log(2 * np.pi * y), 0.0)
    given = {"targets": y, "log_input": x, "compute_full_loss": True}
    np.testing.assert_allclose(like.compute("tf1", "nn.log_poisson_loss", given).value, plain + stirling)
    negative = like.compute("tf1", "nn.log_poisson_loss", {**given, "targets": -y}).value
    np.testing.assert_array_equal(np.isnan(negative), y > 0)
    for change in ({"targets": y[:2]}, {"log_input": np.arange(4)}):
        with pytest.raises(LossError):
            like.compute("tf1", "nn.log_poisson_loss", {**given, **change})


VARIANCES: list[tuple[int, ...]] = [(4, 3), (4,), (4, 1), (1, 3), (1, 1), (), (3,), (1,), (4, 3, 1), (2, 3)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torch_takes_variances_of_several_shapes(reduction: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    for full in (True, False):
        for shape in VARIANCES:
            p, t = rng.normal(size=(2, 4, 3)).astype(dtype)
            v = np.asarray(rng.choice([1e-12, 0.0, 0.3, 2.0, 200.0], shape), dtype)
            var: Any = float(v) if shape == () else v
            given = {"input": p, "target": t, "var": var, "full": full, "reduction": reduction}
            agree("torch", "gaussian_nll_loss", given)
    p, t, v = rng.uniform(size=(3, 5))
    for shape in ((5,), (5, 1), (0,), (1,)):
        given = {"input": p.reshape(shape) if p.size == np.prod(shape) else np.ones(shape), "target": t, "var": v}
        agree("torch", "gaussian_nll_loss", {**given, "reduction": reduction})
        agree("torch", "gaussian_nll_loss", {"input": t, "target": given["input"], "var": v, "reduction": reduction})
    agree("torch", "gaussian_nll_loss", {"input": np.ones((0, 3)), "target": np.ones((0, 3)), "var": np.ones((0, 3))})


@pytest.mark.parametrize(
    "change", [{"var": -1.0}, {"var": np.array([1.0, -1e-9])}, {"var": np.array([1, 2])}, {"eps": 0.0}, {"eps": 5}]
)
def test_torch_refuses_negative_and_integer_variances(change: dict[str, Any]) -> None:
    p, t, v = np.array([0.5, 1.0]), np.array([0.0, 1.0]), np.array([1.0, np.nan])
    agree("torch", "gaussian_nll_loss", {"input": p, "target": t, "var": v, **change})


def test_tensorflow_1_sums_mean_squared_differences_of_pairs() -> None:
    rng = np.random.default_rng(2)
    p, t = rng.normal(size=(2, 3, 2, 2))
    e = (p - t).reshape(3, -1)
    pairs = np.array([np.mean([(a - b) ** 2 for i, a in enumerate(row) for b in row[:i]]) for row in e])
    elementwise = rng.uniform(0.5, size=(3, 2, 2))
    for weights, expected in (
        (1.0, pairs.sum()),
        (0.0, 0.0),
        (np.array([[[2.0]], [[0.0]], [[1.0]]]), 2 * pairs[0] + pairs[2]),
        (elementwise, (pairs * elementwise.sum(axis=(1, 2))).sum()),
        (elementwise[:1], pairs.sum() * elementwise[0].sum()),
    ):
        given = {"labels": t, "predictions": p, "weights": np.asarray(weights)}
        value = like.compute("tf1", "losses.mean_pairwise_squared_error", given).value
        np.testing.assert_allclose(value, expected)
    assert (
        like.compute("tf1", "losses.mean_pairwise_squared_error", {"labels": t[0, 0], "predictions": p[0, 0]}).value
        == 0
    )
    for wrong in (np.ones(3), np.ones((3, 3, 2)), np.array([[[1.0, 0.0], [1.0, 1.0]]])):
        with pytest.raises(LossError, match="weights"):
            like.compute("tf1", "losses.mean_pairwise_squared_error", {"labels": t, "predictions": p, "weights": wrong})
