"""Correlations beside torchmetrics, Keras and SciPy: ties, constants, several outputs, values far from zero."""

from typing import Any

import numpy as np
import pytest

from lossapi import compute
from tests.parity.peers import agree, equal

SHAPES = [(30,), (30, 1), (30, 3), (2,), (1,), (0,), (4, 3, 2)]
TORCHMETRICS = ["pearson_corrcoef", "concordance_corrcoef", "spearman_corrcoef"]


def drawn(shape: tuple[int, ...], seed: int, digits: int = 1) -> tuple[Any, Any]:
    """Two columns that go together somewhat, with ties."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=shape)
    return y.round(digits), (y + rng.normal(size=shape)).round(digits)


@pytest.mark.parametrize("function", TORCHMETRICS)
@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_of_each_output_are_torchmetrics(function: str, shape: tuple[int, ...]) -> None:
    for digits in (0, 1, 9):
        y, p = drawn(shape, 0, digits)
        agree("torchmetrics", function, {"preds": p, "target": y}, rtol=1e-9)
    agree("torchmetrics", function, {"preds": y, "target": y}, rtol=1e-9)
    agree("torchmetrics", function, {"preds": -y, "target": y}, rtol=1e-9)


@pytest.mark.parametrize("function", TORCHMETRICS)
def test_constants_are_torchmetrics(function: str) -> None:
    y, p = drawn((20, 3), 1)
    y[:, 0], p[:, 1] = 2.0, -1.0
    agree("torchmetrics", function, {"preds": p, "target": y}, rtol=1e-9)
    agree("torchmetrics", function, {"preds": np.ones(3), "target": np.ones(3)})


@pytest.mark.parametrize("function", ["pearson_corrcoef", "concordance_corrcoef"])
@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_far_from_zero_no_digits_are_lost(function: str, offset: float) -> None:
    y, p = drawn((1000,), 2, 9)
    agree("torchmetrics", function, {"preds": p + offset, "target": y + offset}, rtol=1e-9)
    agree("torchmetrics", function, {"preds": p - offset, "target": y + offset}, rtol=1e-9)


@pytest.mark.parametrize("variant", ["a", "b", "c", "d"])
@pytest.mark.parametrize("shape", SHAPES)
def test_kendall_is_torchmetrics(variant: str, shape: tuple[int, ...]) -> None:
    for digits in (0, 1, 9):
        y, p = drawn(shape, 3, digits)
        agree("torchmetrics", "kendall_rank_corrcoef", {"preds": p, "target": y, "variant": variant}, rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_ranks_are_scipys(seed: int) -> None:
    y, p = drawn((500,), seed, seed % 3)
    tensors = {"prediction": p, "target": y}
    equal(compute("spearman_corrcoef", tensors).value, "scipy", "spearmanr", {"a": p, "b": y}, rtol=1e-12)
    for variant in ("b", "c"):
        value = compute("kendall_rank_corrcoef", tensors, {"variant": variant}).value
        equal(value, "scipy", "kendalltau", {"x": p, "y": y, "variant": variant}, rtol=1e-12)


@pytest.mark.parametrize("function", ["PearsonCorrelation", "ConcordanceCorrelation", "CosineSimilarity"])
@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 3, 6)])
def test_coefficients_of_each_row_are_keras(function: str, shape: tuple[int, ...]) -> None:
    y, p = drawn(shape, 4)
    for axis in range(-len(shape), len(shape)):
        agree("keras", f"metrics.{function}", {"y_true": y, "y_pred": p, "axis": axis}, rtol=1e-5)
    weight = np.random.default_rng(4).choice([0.0, 0.5, 3.0], shape[:1])
    if len(shape) > 1:
        agree("keras", f"metrics.{function}", {"y_true": y, "y_pred": p, "sample_weight": weight}, rtol=1e-5)
        y[0], p[1] = 0.0, 1.0
        agree("keras", f"metrics.{function}", {"y_true": y, "y_pred": p}, rtol=1e-5)


def test_a_perfect_correlation_is_one_however_the_rows_are_weighed() -> None:
    x = np.random.default_rng(5).normal(size=1000)
    weight = np.random.default_rng(5).random(1000)
    for name in ("pearson_corrcoef", "concordance_corrcoef", "spearman_corrcoef", "kendall_rank_corrcoef"):
        value = compute(name, {"prediction": x, "target": x}, weight=weight).value
        assert value == pytest.approx(1.0, rel=1e-12)
