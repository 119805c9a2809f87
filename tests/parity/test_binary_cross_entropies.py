"""Binary cross-entropy and binary focal beside torch, keras and optax, and TensorFlow 1 by its formulas."""

from typing import Any

import numpy as np
import pytest

from lossapi import like
from tests.parity.peers import agree

DTYPES = ["float32", "float64"]
REDUCTIONS = ["none", "mean", "sum"]
KERAS = 1e-6
"""Keras averages over the last axis in single precision, whatever the dtype."""
EDGES = np.array([-200.0, -30.0, -1e-3, 0.0, 0.5, 30.0, 200.0])
EXACT = np.array([0.0, 1e-30, 1e-9, 0.5, 1.0 - 1e-7, 1.0])


def drawn(dtype: str, seed: int = 0, shape: tuple[int, ...] = (5, 3)) -> tuple[Any, Any, Any]:
    """Probabilities, logits and soft targets."""
    rng = np.random.default_rng(seed)
    return (
        rng.uniform(size=shape).astype(dtype),
        (rng.normal(size=shape) * 4).astype(dtype),
        rng.uniform(size=shape).astype(dtype),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, (), (3,), (5, 1), (1, 3), (5, 3), (1,)])
def test_torch_weighs_elements_and_positives(dtype: str, reduction: str, weight: tuple[int, ...] | None) -> None:
    p, x, y = drawn(dtype)
    w = None if weight is None else np.random.default_rng(1).normal(size=weight).astype(dtype)
    q = None if w is None else np.abs(w)
    agree("torch", "binary_cross_entropy", {"input": p, "target": y, "weight": w, "reduction": reduction})
    logits = {"input": x, "target": y, "reduction": reduction}
    agree("torch", "binary_cross_entropy_with_logits", {**logits, "weight": w, "pos_weight": q})
    agree("torch", "binary_cross_entropy_with_logits", {**logits, "pos_weight": q})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (4,), (2, 3, 4), (2, 3, 4, 2)])
def test_every_shape_is_as_in_torch(dtype: str, shape: tuple[int, ...]) -> None:
    p, x, y = drawn(dtype, 2, shape)
    for reduction in REDUCTIONS:
        agree("torch", "binary_cross_entropy", {"input": p, "target": y, "reduction": reduction})
        given = {"input": x, "target": y, "reduction": reduction}
        agree("torch", "binary_cross_entropy_with_logits", given)
        if x.ndim > 1:
            q = np.linspace(0.5, 2.0, x.shape[1], dtype=dtype).reshape(-1, *(1,) * (x.ndim - 2))
            agree("torch", "binary_cross_entropy_with_logits", {**given, "pos_weight": q})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_extremes_are_as_in_torch(dtype: str, target: float) -> None:
    for reduction in REDUCTIONS:
        x, p = EDGES.astype(dtype), EXACT.astype(dtype)
        given = {"reduction": reduction}
        agree("torch", "binary_cross_entropy_with_logits", {"input": x, "target": np.full_like(x, target), **given})
        agree("torch", "binary_cross_entropy", {"input": p, "target": np.full_like(p, target), **given})
    y = np.full_like(x, target)
    agree("optax", "sigmoid_binary_cross_entropy", {"logits": x, "labels": y})
    agree("optax", "sigmoid_focal_loss", {"logits": x, "labels": y, "gamma": 1.5})
    for name in ("binary_crossentropy", "binary_focal_crossentropy"):
        agree("keras", name, {"y_true": y[:, None], "y_pred": x[:, None], "from_logits": True}, rtol=KERAS)
        agree("keras", name, {"y_true": np.full_like(p, target), "y_pred": p}, rtol=KERAS, atol=1e-6)


NAN = float("nan")


@pytest.mark.parametrize(
    ("function", "given"),
    [
        ("binary_cross_entropy", {"input": [1.5], "target": [1.0]}),
        ("binary_cross_entropy", {"input": [NAN], "target": [1.0]}),
        ("binary_cross_entropy", {"input": [0.5], "target": [NAN]}),
        ("binary_cross_entropy", {"input": [0.5], "target": [-0.5]}),
        ("binary_cross_entropy", {"input": [0.5], "target": [1]}),
        ("binary_cross_entropy", {"input": [1], "target": [1]}),
        ("binary_cross_entropy", {"input": [0.5, 0.5], "target": [1.0]}),
        ("binary_cross_entropy", {"input": [[0.5, 0.5]], "target": [[0.0, 1.0]], "weight": [[[1.0, 1.0]]]}),
        ("binary_cross_entropy", {"input": [0.5, 0.5], "target": [0.0, 1.0], "weight": [1.0, 1.0, 1.0]}),
        ("binary_cross_entropy_with_logits", {"input": [1], "target": [1.0]}),
        ("binary_cross_entropy_with_logits", {"input": [1.0], "target": [1]}),
        ("binary_cross_entropy_with_logits", {"input": [1.0], "target": [[1.0]]}),
        ("binary_cross_entropy_with_logits", {"input": [2.0, NAN], "target": [3.0, -1.0]}),
        ("binary_cross_entropy_with_logits", {"input": [0.5], "target": [1.0], "reduction": "batchmean"}),
    ],
)
def test_what_torch_refuses_is_refused(function: str, given: dict[str, Any]) -> None:
    agree("torch", function, {k: v if isinstance(v, str) else np.array(v) for k, v in given.items()})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [-1, 0, 1, [0, 2], None])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_keras_averages_over_its_axis_first(dtype: str, axis: Any, from_logits: bool, smoothing: float) -> None:
    p, x, y = drawn(dtype, 3, (4, 3, 2))
    given = {"y_true": y, "y_pred": x if from_logits else p * 1.2 - 0.1, "from_logits": from_logits}
    given |= {"label_smoothing": smoothing, "axis": axis}
    rounding = 1e-4 if from_logits and dtype == "float32" else KERAS  # Keras rounds 1 - sigmoid before its log
    agree("keras", "binary_crossentropy", given, rtol=KERAS)
    agree("keras", "BinaryCrossentropy", given, rtol=KERAS)
    for balanced in (False, True):
        focal = {**given, "apply_class_balancing": balanced, "alpha": 0.7, "gamma": 1.5}
        focal |= {"y_pred": x if from_logits else p}
        agree("keras", "binary_focal_crossentropy", focal, rtol=rounding)
        agree("keras", "BinaryFocalCrossentropy", focal, rtol=rounding)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("weight", [None, (), (4,), (4, 1), (4, 3), (1, 3), (3,)])
def test_keras_classes_weigh_rows(reduction: str | None, weight: tuple[int, ...] | None) -> None:
    p, _, y = drawn("float64", 4, (4, 3, 2))
    w = None if weight is None else np.random.default_rng(5).uniform(size=weight)
    given = {"y_true": np.round(y), "y_pred": p, "sample_weight": w, "reduction": reduction}
    for name in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
        agree("keras", name, given, rtol=KERAS)


@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy", "BinaryCrossentropy"])
def test_odd_keras_calls_are_as_in_keras(name: str) -> None:
    p, _, y = drawn("float64", 6, (4, 1))
    agree("keras", name, {"y_true": y[:, 0], "y_pred": p[:, 0]}, rtol=KERAS)
    agree("keras", name, {"y_true": y[:, 0], "y_pred": p}, rtol=KERAS)
    agree("keras", name, {"y_true": np.round(y).astype(int), "y_pred": p}, rtol=KERAS)
    agree("keras", name, {"y_true": y + 2.0, "y_pred": p}, rtol=KERAS)
    agree("keras", name, {"y_true": y, "y_pred": np.full_like(p, np.nan)}, rtol=KERAS)
    agree("keras", name, {"y_true": y[:0], "y_pred": p[:0]}, rtol=KERAS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (3,), (1, 3), (5, 1), (2, 5, 3)])
def test_optax_broadcasts_labels(dtype: str, shape: tuple[int, ...]) -> None:
    _, x, _ = drawn(dtype, 7)
    y = np.random.default_rng(8).uniform(-0.5, 1.5, size=shape).astype(dtype)
    agree("optax", "sigmoid_binary_cross_entropy", {"logits": x, "labels": y})
    agree("optax", "sigmoid_binary_cross_entropy", {"logits": x, "labels": np.round(np.abs(y)).astype(int)})
    agree("optax", "sigmoid_binary_cross_entropy", {"logits": x.astype(int), "labels": y})
    y = np.clip(y, 0.0, 1.0)
    for gamma, alpha in ((2.0, None), (0.0, 0.25), (0.5, 0.9), (3.0, np.array([0.1, 0.5, 0.9], dtype))):
        agree("optax", "sigmoid_focal_loss", {"logits": x, "labels": y, "gamma": gamma, "alpha": alpha})


def tf1_logits(x: Any, y: Any, q: Any = 1.0) -> Any:
    """(1 - y) x + (1 + (q - 1) y) (log(1 + exp(-|x|)) + max(-x, 0))."""
    return (1 - y) * x + (1 + (q - 1) * y) * (np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0))


def test_tensorflow_1_smooths_weighs_and_divides_by_the_nonzero_weights() -> None:
    p, x, y = drawn("float64", 9)
    y, w = np.round(y), np.array([[1.0], [0.0], [2.0], [0.5], [0.0]])
    smooth = y * 0.8 + 0.1
    expected = (tf1_logits(x, smooth) * w).sum() / 9
    given: dict[str, Any] = {"multi_class_labels": y, "logits": x, "weights": w, "label_smoothing": 0.2}
    np.testing.assert_allclose(like.compute("tf1", "losses.sigmoid_cross_entropy", given).value, expected, rtol=1e-12)
    logs = -(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7)) * w
    for reduction, divisor in (
        ("weighted_sum", 1.0),
        ("weighted_mean", w.sum() * 3),
        ("weighted_sum_by_nonzero_weights", 9.0),
        ("weighted_sum_over_batch_size", 15.0),
    ):
        given = {"labels": y, "predictions": p, "weights": w, "reduction": reduction}
        value = like.compute("tf1", "losses.log_loss", given).value
        np.testing.assert_allclose(value, logs.sum() / divisor, rtol=1e-12)


def test_tensorflow_1_takes_any_labels_and_weights_of_positives() -> None:
    _, x, y = drawn("float64", 10)
    y = y * 3 - 1
    value = like.compute("tf1", "nn.sigmoid_cross_entropy_with_logits", {"labels": y, "logits": x}).value
    np.testing.assert_allclose(value, tf1_logits(x, y), rtol=1e-12)
    for q in (np.array(2.5), np.array([0.5, 1.0, 3.0])):
        for name in ("labels", "targets"):
            given = {name: y, "logits": x, "pos_weight": q}
            value = like.compute("tf1", "nn.weighted_cross_entropy_with_logits", given).value
            np.testing.assert_allclose(value, tf1_logits(x, y, q), rtol=1e-12)
