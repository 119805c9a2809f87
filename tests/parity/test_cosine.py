"""Cosine similarity and distance beside keras and optax, and TensorFlow 1's distance by hand."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like
from tests.parity.peers import agree

SINGLE = 1e-6
"""Keras takes inverse roots in single precision, on PyTorch at least."""
DTYPES = ("float32", "float64")
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((4, 3), (4, 3)),
    ((5,), (5,)),
    ((2, 3, 4), (2, 3, 4)),
    ((1, 3), (1, 3)),
    ((0, 3), (0, 3)),
    ((4, 3), (1, 3)),
    ((4, 3), (3,)),
    ((4, 3), (2, 3)),
]


def drawn(shapes: tuple[tuple[int, ...], tuple[int, ...]], dtype: str) -> list[Any]:
    """Vectors among which some are 0, tiny or large."""
    rng = np.random.default_rng(0)
    pair = [rng.normal(size=shape) * rng.choice([0.0, 1e-9, 1.0, 200.0], (*shape[:-1], 1)) for shape in shapes]
    return [each.astype(dtype) for each in pair]


@pytest.mark.parametrize("dtype", DTYPES)
def test_keras_gives_minus_the_cosine(dtype: str) -> None:
    for shapes in SHAPES:
        p, t = drawn(shapes, dtype)
        agree("keras", "cosine_similarity", {"y_true": t, "y_pred": p}, rtol=SINGLE)
        for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
            given = {"y_true": t, "y_pred": p, "reduction": reduction}
            agree("keras", "CosineSimilarity", given, rtol=SINGLE)
            for weight in (np.array(2.0), np.arange(4.0), np.arange(4.0)[:, None], np.ones((2, 3))):
                agree("keras", "CosineSimilarity", {**given, "sample_weight": weight.astype(dtype)}, rtol=SINGLE)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2, -3, 3])
def test_any_axis_is_summed_over(axis: int) -> None:
    p, t = drawn(SHAPES[2], "float64")
    agree("keras", "cosine_similarity", {"y_true": t, "y_pred": p, "axis": axis}, rtol=SINGLE)
    agree("optax", "cosine_similarity", {"predictions": p, "targets": t, "axis": axis, "epsilon": 1e-3})


def test_keras_takes_integers_and_drops_a_last_axis_of_one() -> None:
    p, t = np.array([[3, 1], [0, 2]]), np.array([[0.9, 1.5], [-1.5, 2.0]])
    agree("keras", "cosine_similarity", {"y_true": t, "y_pred": p}, rtol=SINGLE)
    agree("keras", "cosine_similarity", {"y_true": p, "y_pred": t}, rtol=SINGLE)
    agree("keras", "CosineSimilarity", {"y_true": t, "y_pred": p}, rtol=SINGLE)
    agree("keras", "cosine_similarity", {"y_true": t[..., None], "y_pred": t[::-1]}, rtol=SINGLE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", ["cosine_similarity", "cosine_distance"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6, 2, -1.0])
def test_optax_bounds_the_squared_length(function: str, dtype: str, epsilon: float) -> None:
    for shapes in SHAPES[:3]:
        p, t = drawn(shapes, dtype)
        agree("optax", function, {"predictions": p, "targets": t, "epsilon": epsilon})


@pytest.mark.parametrize("function", ["cosine_similarity", "cosine_distance"])
@pytest.mark.parametrize("axis", [None, (0, 2), [1, 2], (1,), -2, (0, 0), 5])
def test_optax_sums_over_several_axes_and_only_where_it_is_told(function: str, axis: Any) -> None:
    rng = np.random.default_rng(1)
    p, t = rng.normal(size=(2, 2, 3, 4))
    axis = tuple(axis) if isinstance(axis, list) else axis
    agree("optax", function, {"predictions": p, "targets": t, "axis": axis})
    for where in (np.arange(24).reshape(p.shape) % 7 != 0, np.array(True), None):
        agree("optax", function, {"predictions": p, "targets": t, "axis": axis, "where": where})


def test_optax_takes_no_integers() -> None:
    agree("optax", "cosine_distance", {"predictions": np.ones((2, 3), int), "targets": np.ones((2, 3))})
    agree("optax", "cosine_distance", {"predictions": np.ones((2, 3)), "targets": np.ones((2, 3), int)})


P = np.array([[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]])
T = np.array([[0.8, 0.6], [0.0, 1.0], [0.0, -1.0]])


@pytest.mark.parametrize("axis", [{"axis": 1}, {"dim": 1}, {"axis": -1}, {"axis": 0}])
@pytest.mark.parametrize("weights", [1.0, 0.5, 0.0, [[1.0], [0.0], [2.0]], [[2.0, 0.0]], [[3.0]], [1.0, 2.0, 3.0]])
def test_tensorflow_1_keeps_the_axis_and_takes_unit_vectors(axis: dict[str, int], weights: Any) -> None:
    place = next(iter(axis.values()))
    losses, w = 1.0 - (P * T).sum(axis=place, keepdims=True), np.asarray(weights)
    given = {"labels": T, "predictions": P, "weights": w, **axis}
    if w.ndim not in (0, 2) or any(n not in (1, m) for n, m in zip(w.shape, losses.shape, strict=False)):
        with pytest.raises(LossError, match="weights"):
            like.compute("tf1", "losses.cosine_distance", given)
        return
    full = np.broadcast_to(w, losses.shape)
    mean = (losses * full).sum() / max(np.count_nonzero(full), 1)
    np.testing.assert_allclose(like.compute("tf1", "losses.cosine_distance", given).value, mean)
    rows = like.compute("tf1", "losses.cosine_distance", {**given, "reduction": "none"}).value
    np.testing.assert_allclose(rows, losses * full)


@pytest.mark.parametrize("axis", [{}, {"axis": 1, "dim": 1}, {"axis": 2}, {"axis": [1]}, {"axis": None}])
def test_tensorflow_1_needs_one_axis(axis: dict[str, Any]) -> None:
    with pytest.raises(LossError, match="axis"):
        like.compute("tf1", "losses.cosine_distance", {"labels": T, "predictions": P, **axis})
