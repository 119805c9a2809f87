"""Cross-entropies over classes beside torch, keras and optax, and TensorFlow 1 by its formulas."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like
from tests.parity.peers import agree

DTYPES = ["float32", "float64"]
REDUCTIONS = ["none", "mean", "sum"]
CLASSES = 4
INF, NAN = np.inf, np.nan


def scores(dtype: str, shape: tuple[int, ...], seed: int = 0) -> Any:
    """Normal scores."""
    return (np.random.default_rng(seed).normal(size=shape) * 3).astype(dtype)


def shares(dtype: str, shape: tuple[int, ...], seed: int = 1, axis: int = 1) -> Any:
    """Probabilities that sum to 1 along an axis."""
    values = np.random.default_rng(seed).uniform(0.01, 1.0, size=shape)
    return (values / values.sum(axis=axis, keepdims=True)).astype(dtype)


def labels(shape: tuple[int, ...], seed: int = 2, ignored: int | None = None) -> Any:
    """Class indices, a few of them ignored."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, CLASSES, size=shape)
    return drawn if ignored is None else np.where(rng.uniform(size=shape) < 0.3, ignored, drawn)


def agree_with_keras(function: str, given: dict[str, Any], rounding: float = 1e-5) -> None:
    """Keras reduces in single precision, whatever the dtype."""
    single = given["y_pred"].dtype == np.float32
    agree("keras", function, given, rtol=rounding if single else 1e-6, atol=1e-6)


WEIGHT = np.array([0.5, 2.0, 0.0, 1.25])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [(), (6,), (1,), (0,), (3, 5), (3, 2, 2), (2, 0), (2, 2, 2, 2)])
def test_torch_indices_and_distributions(dtype: str, rows: tuple[int, ...]) -> None:
    shape = (*rows[:1], CLASSES, *rows[1:])
    x, y = scores(dtype, shape), labels(rows, ignored=-100)
    dense = shares(dtype, shape, axis=1 if rows else 0)
    for reduction, weighted, smoothing in product(REDUCTIONS, (False, True), (0.0, 0.2)):
        given: dict[str, Any] = {"input": x, "target": y, "reduction": reduction}
        if weighted:
            given["weight"] = WEIGHT.astype(dtype)
        agree("torch", "nll_loss", given)
        given["label_smoothing"] = smoothing
        agree("torch", "cross_entropy", given)
        agree("torch", "cross_entropy", {**given, "target": np.where(y == -100, 3, y), "ignore_index": 3})
        agree("torch", "cross_entropy", {**given, "target": dense})


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_all_ignored_is_as_in_torch(reduction: str) -> None:
    given = {"input": scores("float64", (3, CLASSES)), "target": np.full(3, -100), "reduction": reduction}
    for weight in ({}, {"weight": WEIGHT}):
        agree("torch", "cross_entropy", {**given, **weight})
        agree("torch", "nll_loss", {**given, **weight})
    agree("torch", "cross_entropy", {**given, "target": np.full(3, 2), "weight": WEIGHT})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "row", [[200.0, -200.0, 0.0], [-200.0, -200.0, -200.0], [0.0, -INF, 1.0], [INF, 0.0, 0.0], [NAN, 0, 1]]
)
def test_extreme_scores_are_as_in_the_libraries(dtype: str, row: list[float]) -> None:
    x = np.array([row, [0.0, 1.0, 2.0]], dtype)
    for label, smoothing in product(range(3), (0.0, 0.1)):
        y, dense = np.array([label, 0]), np.eye(3, dtype=dtype)[[label, 0]]
        torch = {"input": x, "reduction": "none", "label_smoothing": smoothing}
        agree("torch", "cross_entropy", {**torch, "target": y})
        agree("torch", "cross_entropy", {**torch, "target": dense})
        keras = {"y_pred": x, "from_logits": True}
        agree_with_keras("categorical_crossentropy", {**keras, "y_true": dense, "label_smoothing": smoothing})
        agree_with_keras("sparse_categorical_crossentropy", {**keras, "y_true": y})
        agree_with_keras("categorical_focal_crossentropy", {**keras, "y_true": dense})
        for name in ("softmax_cross_entropy", "safe_softmax_cross_entropy", "poly_loss_cross_entropy"):
            agree("optax", name, {"logits": x, "labels": dense})
        if INF not in row:  # optax subtracts the score of the class, the others divide by what is NaN then
            agree("optax", "softmax_cross_entropy_with_integer_labels", {"logits": x, "labels": y})


X, Y, D = scores("float64", (2, 3)), np.array([0, 2]), shares("float64", (2, 3))


@pytest.mark.parametrize(
    ("input_", "target", "more"),
    [
        (X.astype(int), Y, {}),
        (X, Y.astype("int32"), {}),
        (X, Y.astype("uint8"), {}),
        (X, Y.astype(float), {}),
        (X, Y[:, None], {}),
        (X[:1], np.array(1), {}),
        (X[0], np.array([1]), {}),
        (X[0], np.array([1, 1]), {}),
        (X, np.array([3, 0]), {}),
        (X, np.array([-1, 0]), {}),
        (X, Y, {"weight": np.ones(3, "float32")}),
        (X, Y, {"weight": np.ones(2)}),
        (X, Y, {"weight": np.ones((3, 1))}),
        (X, Y, {"ignore_index": 7}),
        (X[:, :, None], Y, {}),
        (np.array(1.0), np.array(1), {}),
        (X, D, {}),
        (X, D.astype("float32"), {}),
        (X, D * 3 - 1, {}),
        (X, np.round(D).astype(int), {}),
        (X, D, {"ignore_index": 1}),
        (X, D, {"weight": np.arange(3)}),
        (X, D[:, :2], {}),
        (X, Y, {"label_smoothing": 1.5}),
        (X, Y, {"label_smoothing": -0.5}),
        (X, D, {"label_smoothing": -0.5}),
        (X, D, {"label_smoothing": 1.0}),
    ],
)
def test_torch_rules_on_shapes_and_dtypes(input_: Any, target: Any, more: dict[str, Any]) -> None:
    given = {"input": input_, "target": target, "reduction": "none", **more}
    agree("torch", "cross_entropy", given, rtol=1e-6)
    if "label_smoothing" not in more:
        agree("torch", "nll_loss", given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("rows", "axis"), [((6,), -1), ((3, 5), -1), ((3, 5), 1), ((3, 5), 0), ((), -1), ((), 0), ((0,), -1)]
)
@pytest.mark.parametrize("from_logits", [False, True])
def test_keras_indices_and_distributions(dtype: str, rows: tuple[int, ...], axis: int, from_logits: bool) -> None:
    shape = list(rows)
    shape.insert(axis if axis >= 0 else len(rows) + 1 + axis, CLASSES)
    x = scores(dtype, tuple(shape)) if from_logits else np.abs(scores(dtype, tuple(shape)))
    dense, y = shares(dtype, tuple(shape), axis=axis), labels(rows, ignored=9)
    given = {"y_pred": x, "from_logits": from_logits, "axis": axis}
    for smoothing, names in product((0.0, 0.3), (("categorical_crossentropy", "CategoricalCrossentropy"),)):
        for name in names:
            agree_with_keras(name, {**given, "y_true": dense, "label_smoothing": smoothing})
            agree_with_keras(
                name.replace("_cross", "_focal_cross").replace("lCross", "lFocalCross"),
                {**given, "y_true": dense, "label_smoothing": smoothing, "gamma": 1.5, "alpha": 0.5},
                rounding=1e-4,
            )
    for name in ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"):
        agree_with_keras(name, {**given, "y_true": np.where(y == 9, 0, y)})
        agree_with_keras(name, {**given, "y_true": y, "ignore_class": 9})
        agree_with_keras(name, {**given, "y_true": np.full_like(y, 9), "ignore_class": 9})
        agree_with_keras(name, {**given, "y_true": np.expand_dims(y, axis), "ignore_class": 9})


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("weight", [None, (), (4,), (4, 1), (4, 3), (1, 3), (3,), (4, 3, 1)])
def test_keras_classes_weigh_rows(reduction: str | None, weight: tuple[int, ...] | None) -> None:
    w = None if weight is None else np.random.default_rng(5).uniform(size=weight)
    given = {"y_pred": shares("float64", (4, 3, CLASSES), axis=-1), "sample_weight": w, "reduction": reduction}
    dense = shares("float64", (4, 3, CLASSES), seed=6, axis=-1)
    agree_with_keras("CategoricalCrossentropy", {**given, "y_true": dense})
    agree_with_keras(
        "CategoricalFocalCrossentropy", {**given, "y_true": dense, "alpha": np.array([0.1, 0.2, 0.3, 0.4])}
    )
    agree_with_keras("SparseCategoricalCrossentropy", {**given, "y_true": labels((4, 3))})
    agree_with_keras(
        "SparseCategoricalCrossentropy", {**given, "y_true": labels((4, 3), ignored=-1), "ignore_class": -1}
    )
    agree_with_keras("CategoricalGeneralizedCrossEntropy", {**given, "y_true": labels((4, 3)), "q": 0.3})


def test_odd_keras_calls_are_as_in_keras() -> None:
    p, y = shares("float64", (4, CLASSES)), labels((4,))
    for name in ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"):
        agree_with_keras(name, {"y_true": y.astype(float) + 0.7, "y_pred": p})
        agree_with_keras(name, {"y_true": y[:3], "y_pred": p})
        agree_with_keras(name, {"y_true": y + 2, "y_pred": p})
        agree_with_keras(name, {"y_true": y, "y_pred": np.full_like(p, NAN)})
    for name in ("categorical_crossentropy", "CategoricalCrossentropy"):
        agree_with_keras(name, {"y_true": np.eye(CLASSES, dtype=int)[y], "y_pred": p})
        agree_with_keras(name, {"y_true": p[:, :3], "y_pred": p})
        agree_with_keras(name, {"y_true": p[:1], "y_pred": p})
        agree_with_keras(name, {"y_true": p, "y_pred": p * 5 - 1})
        agree_with_keras(name, {"y_true": p, "y_pred": p, "axis": 2})
    for name in ("categorical_generalized_cross_entropy", "CategoricalGeneralizedCrossEntropy"):
        for q in (0.01, 0.5, 0.99):
            agree_with_keras(name, {"y_true": y, "y_pred": p, "q": q})
        agree_with_keras(name, {"y_true": y + 2, "y_pred": p, "q": 0.7})
        agree_with_keras(name, {"y_true": y - 2, "y_pred": p, "q": 0.7})
        agree_with_keras(name, {"y_true": y, "y_pred": p, "q": 1.5})


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), (2, 0), None])
@pytest.mark.parametrize("where", [None, "classes", "rows", "one row"])
def test_optax_takes_any_axes_and_a_mask(axis: Any, where: str | None) -> None:
    x = scores("float64", (3, 2, CLASSES))
    y = shares("float64", (3, 2, CLASSES), axis=-1)
    gone = axis if axis is not None else (0, 1, 2)
    rest = np.delete(np.array(x.shape), gone)
    given: dict[str, Any] = {"logits": x, "labels": y, "axis": axis}
    if where is not None:
        mask = np.random.default_rng(3).uniform(size=x.shape) < 0.7
        mask |= np.arange(CLASSES) == 0
        rows = np.arange(int(np.prod(rest))).reshape(rest) != 1
        given["where"] = mask if where == "classes" else rows if where == "rows" else np.expand_dims(rows, gone) & mask
    agree("optax", "softmax_cross_entropy", given)
    agree("optax", "poly_loss_cross_entropy", {**given, "epsilon": -0.5})
    if axis is not None and where != "classes":
        size = x.size // max(int(np.prod(rest)), 1)
        given["labels"] = np.random.default_rng(4).integers(0, size, size=rest)
        if where != "one row":
            agree("optax", "softmax_cross_entropy_with_integer_labels", given)


def test_odd_optax_calls_are_as_in_optax() -> None:
    x, y = scores("float64", (4, CLASSES)), shares("float64", (4, CLASSES))
    for name in ("softmax_cross_entropy", "safe_softmax_cross_entropy", "poly_loss_cross_entropy"):
        agree("optax", name, {"logits": x, "labels": y[:1]})
        agree("optax", name, {"logits": x, "labels": y[0]})
        agree("optax", name, {"logits": x[0], "labels": y})
        agree("optax", name, {"logits": x[0], "labels": y[0]})
        agree("optax", name, {"logits": x.astype(int), "labels": y})
        agree("optax", name, {"logits": x, "labels": np.round(y).astype(int)})
        agree("optax", name, {"logits": x, "labels": y[:, :3]})
    name = "softmax_cross_entropy_with_integer_labels"
    for z in ([0, 1, 2, 3], [-1, 4, -5, 0], [0.0, 1.0, 2.0, 3.0], [1], [0, 1]):
        agree("optax", name, {"logits": x, "labels": np.array(z)})
    agree("optax", name, {"logits": x[0], "labels": np.array(2)})
    agree("optax", name, {"logits": x, "labels": labels((4,)), "axis": None})
    mask = np.ones((4, CLASSES), bool)
    mask[0, 1] = mask[2] = False
    agree("optax", name, {"logits": x, "labels": np.array([0, 1, 2, 3]), "where": mask})


def log_softmax(x: Any) -> Any:
    """x - log Σ exp(x)."""
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def tf1(function: str, given: dict[str, Any]) -> Any:
    """Our answer under TensorFlow's name."""
    return like.compute("tf1", function, given).value


def test_tensorflow_1_smooths_weighs_and_divides_by_the_nonzero_weights() -> None:
    x, y = scores("float64", (3, CLASSES)), np.eye(CLASSES)[[2, 0, 1]]
    rows = -((y * 0.9 + 0.1 / CLASSES) * log_softmax(x)).sum(axis=-1)
    w = np.array([2.0, 0.0, 0.5])
    given = {"onehot_labels": y, "logits": x, "weights": w, "label_smoothing": 0.1}
    np.testing.assert_allclose(tf1("losses.softmax_cross_entropy", given), (rows * w).sum() / 2, rtol=1e-12)
    rows = -log_softmax(x)[[0, 1, 2], [2, 0, 1]]
    for z, weights in ((np.array([2, 0, 1]), w), (np.array([[2], [0], [1]]), w), (np.array([2, 0, 1]), w[:, None])):
        given = {"labels": z, "logits": x, "weights": weights, "reduction": "weighted_mean"}
        value = tf1("losses.sparse_softmax_cross_entropy", given)
        np.testing.assert_allclose(value, (rows * w).sum() / 2.5, rtol=1e-12)


def test_the_documented_example_of_tensorflow_1_holds() -> None:
    value = tf1(
        "losses.softmax_cross_entropy", {"onehot_labels": [[0, 0, 1]], "logits": [[4.0, 2.0, 1.0]], "weights": 0}
    )
    assert value == 0.0


def test_tensorflow_1_names_its_axis_twice() -> None:
    x, y = scores("float64", (CLASSES, 3)), shares("float64", (CLASSES, 3), axis=0)
    expected = -(y.T * log_softmax(x.T)).sum(axis=-1)
    for name, more in (
        ("nn.softmax_cross_entropy_with_logits", {"dim": 0}),
        ("nn.softmax_cross_entropy_with_logits_v2", {"axis": 0}),
        ("nn.softmax_cross_entropy_with_logits_v2", {"dim": 0}),
    ):
        np.testing.assert_allclose(tf1(name, {"labels": y, "logits": x, **more}), expected, rtol=1e-12)
    with pytest.raises(LossError, match="axis or dim"):
        tf1("nn.softmax_cross_entropy_with_logits", {"labels": y, "logits": x, "axis": 0})


def test_tensorflow_1_takes_one_row_of_labels_and_a_row_without_a_batch() -> None:
    x, y = scores("float64", (3, CLASSES)), shares("float64", (1, CLASSES))
    value = tf1("nn.softmax_cross_entropy_with_logits_v2", {"labels": y, "logits": x})
    np.testing.assert_allclose(value, -(y * log_softmax(x)).sum(axis=-1), rtol=1e-12)
    value = tf1("nn.sparse_softmax_cross_entropy_with_logits", {"labels": np.array(1), "logits": x[0]})
    np.testing.assert_allclose(value, -log_softmax(x[0])[1], rtol=1e-12)
    with pytest.raises(LossError, match="shape"):
        tf1("nn.sparse_softmax_cross_entropy_with_logits", {"labels": np.array([1]), "logits": x[0]})
    with pytest.raises(LossError, match="label"):
        tf1("nn.sparse_softmax_cross_entropy_with_logits", {"labels": np.array([0, 4, 0]), "logits": x})
