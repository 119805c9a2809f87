"""Rows in whole vectors: what is made beyond a row is never seen, and each has the bits that it has alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute
from lossapi.domains import Array
from lossapi.loops import build
from tests.laws.test_onnx import RTOL

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

LENGTHS = (2, 3, 7, 8, 9, 12, 13, 17, 100, 511, 513, 523)
LOGITS = {"from_logits": True}
CASES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("cross_entropy", "label", LOGITS),
    ("cross_entropy", "dense", LOGITS),
    ("kl_divergence", "dense", LOGITS),
    ("focal", "label", {**LOGITS, "gamma": 1.5}),
    ("multiclass_perceptron", "label", {}),
)


def drawn(target: str, rows: int, n: int, dtype: str) -> dict[str, Array]:
    """Scores, the extremes among them, and targets."""
    rng = np.random.default_rng(n)
    scores = (4 * rng.normal(size=(rows, n))).astype(dtype)
    scores[1, 0], scores[2, -1], scores[3, n // 2] = np.nan, np.inf, -np.inf
    dense = rng.random((rows, n)).astype(dtype)
    whole = {"label": rng.integers(0, n, rows), "dense": dense / dense.sum(axis=1, keepdims=True)}
    return {"prediction": scores, "target": whole[target]}


def both(name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any], backend: str) -> tuple[Array, Array]:
    """The values of rows, and what they add up to differentiated by the scores."""
    rows = compute(name, arrays, parameters, backend=backend, reduction="none").value
    whole = compute(name, arrays, parameters, backend=backend, reduction="sum", returns=("value", "gradient"))
    assert whole.gradient is not None
    return np.asarray(rows), np.asarray(whole.gradient["prediction"])


def bits(array: Array) -> bytes:
    """Every bit; one NaN is as good as another."""
    return np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "target", "parameters"), CASES)
def test_a_row_has_the_bits_that_it_has_alone(
    name: str, target: str, parameters: Mapping[str, Any], dtype: str
) -> None:
    for n in LENGTHS:
        arrays = drawn(target, 6, n, dtype)
        values, gradient = both(name, arrays, parameters, "fused")
        for row in range(6):
            alone = {each: array[row : row + 1] for each, array in arrays.items()}
            value, slope = both(name, alone, parameters, "fused")
            assert bits(value) == bits(values[row]), (n, row)
            assert bits(slope) == bits(gradient[row]), (n, row)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "target", "parameters"), CASES)
def test_rows_of_any_length_agree_with_numpy(name: str, target: str, parameters: Mapping[str, Any], dtype: str) -> None:
    for n in LENGTHS:
        arrays = drawn(target, 300, n, dtype)
        for ours, theirs in zip(
            both(name, arrays, parameters, "fused"), both(name, arrays, parameters, "numpy"), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=100 * RTOL[dtype], atol=10 * RTOL[dtype], err_msg=f"{n}")


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.0])
def test_an_exponent_with_lines_of_its_own_gives_the_same_numbers(gamma: float) -> None:
    arrays = drawn("label", 50, 10, "float64")
    for ours, theirs in zip(
        both("focal", arrays, {**LOGITS, "gamma": gamma}, "fused"),
        both("focal", arrays, {**LOGITS, "gamma": gamma}, "numpy"),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
