"""Losses of the elementwise error beside torch, keras and optax, and TensorFlow 1's by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like
from tests.parity.peers import agree

DTYPES = ("float32", "float64")
TORCH = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")
KERAS = {
    "MeanSquaredError": ("mean_squared_error", "mse", "MSE"),
    "MeanAbsoluteError": ("mean_absolute_error", "mae", "MAE"),
    "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", "mape", "MAPE"),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", "msle", "MSLE"),
    "Huber": ("huber",),
    "LogCosh": ("log_cosh", "logcosh"),
}
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
SINGLE = 1e-6
"""Keras takes means in single precision, on PyTorch at least."""
OPTAX = ("squared_error", "l2_loss", "huber_loss", "log_cosh")
SHAPES = [
    ((), ()),
    ((5,), (5,)),
    ((4, 3), (4, 3)),
    ((2, 3, 4), (2, 3, 4)),
    ((1, 1), (1, 1)),
    ((0, 3), (0, 3)),
    ((0,), (0,)),
]
STRETCHED = [
    ((4, 1), (4,)),
    ((4,), (4, 1)),
    ((4, 3), (3,)),
    ((4, 1), (1, 3)),
    ((2, 1, 3), (2, 3)),
    ((4, 3), (4,)),
    ((3, 2), ()),
]


def drawn(shapes: tuple[tuple[int, ...], tuple[int, ...]], dtype: str, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    one, two = (rng.choice([-200.0, -1.0, 0.0, 0.5, 1.0, 200.0], s) + rng.normal(size=s).round(1) for s in shapes)
    return np.asarray(one, dtype), np.asarray(two, dtype)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", TORCH)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torch_takes_any_two_shapes_that_broadcast(function: str, reduction: str, dtype: str) -> None:
    for shapes in SHAPES + STRETCHED:
        p, t = drawn(shapes, dtype)
        agree("torch", function, {"input": p, "target": t, "reduction": reduction})


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("function", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torch_weighs_by_a_tensor_of_the_inputs_shape(function: str, reduction: str) -> None:
    rng = np.random.default_rng(1)
    for shapes in SHAPES + STRETCHED:
        p, t = drawn(shapes, "float64")
        for weight in (
            rng.uniform(size=p.shape),
            rng.integers(0, 2, p.shape),
            np.zeros(p.shape),
            np.ones(t.shape),
            np.ones(4),
        ):
            agree("torch", function, {"input": p, "target": t, "reduction": reduction, "weight": weight})


@pytest.mark.parametrize("function", TORCH)
@pytest.mark.parametrize("kinds", [(int, int), (int, float), (float, int), (bool, float), (float, bool), (bool, bool)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_torch_has_its_own_rules_for_integers(function: str, kinds: tuple[type, type], reduction: str) -> None:
    p: Any
    t: Any
    p, t = np.array([3, 1, 0]).astype(kinds[0]), np.array([1, 1, 5]).astype(kinds[1])
    agree("torch", function, {"input": p, "target": t, "reduction": reduction}, rtol=1e-6)
    if function == "mse_loss":
        agree(
            "torch",
            function,
            {"input": p, "target": t, "reduction": reduction, "weight": np.array([1, 2, 0])},
            rtol=1e-6,
        )


@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-3, 0.7, 5, 1e6])
@pytest.mark.parametrize(("function", "name"), [("huber_loss", "delta"), ("smooth_l1_loss", "beta")])
def test_torch_bounds_its_parameters(function: str, name: str, value: float) -> None:
    p, t = drawn(((5, 4), (5, 4)), "float64", 2)
    agree("torch", function, {"input": p, "target": t, name: value})
    agree("torch", function, {"input": p + np.nan, "target": t, name: value, "reduction": "none"})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [name for names in KERAS.values() for name in names])
def test_keras_functions_average_over_the_last_axis(function: str, dtype: str) -> None:
    for shapes in SHAPES + STRETCHED:
        p, t = drawn(shapes, dtype, 3)
        agree("keras", function, {"y_true": t, "y_pred": p}, rtol=SINGLE)


@pytest.mark.parametrize("function", KERAS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_keras_classes_reduce_what_is_left(function: str, reduction: str | None) -> None:
    for shapes in SHAPES + STRETCHED:
        p, t = drawn(shapes, "float64", 4)
        weight = np.random.default_rng(4).uniform(size=shapes[0][:1])
        given = {"y_true": t, "y_pred": p, "reduction": reduction}
        agree("keras", function, given, rtol=SINGLE)
        agree("keras", function, {**given, "sample_weight": np.asarray(weight)}, rtol=SINGLE)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_keras_lines_weights_up_with_what_is_left(reduction: str | None) -> None:
    rng = np.random.default_rng(5)
    for shapes in SHAPES[:4] + STRETCHED[:3]:
        p, t = drawn(shapes, "float64", 4)
        for weight in ((), (1,), (4,), (5,), (4, 1), (2, 3), (2, 1), (1, 3), (3,)):
            given = {"y_true": t, "y_pred": p, "reduction": reduction}
            for values in (rng.uniform(size=weight), np.zeros(weight)):
                agree("keras", "MeanSquaredError", {**given, "sample_weight": np.asarray(values)}, rtol=SINGLE)


@pytest.mark.parametrize(
    "function", ["mean_squared_error", "MeanSquaredError", "mean_absolute_error", "Huber", "LogCosh"]
)
def test_keras_has_its_own_rules_for_integers(function: str) -> None:
    p, t = np.array([[3, 1], [0, 2]]), np.array([[0.9, 1.5], [-0.5, 2.0]])
    for given in ((p, t), (t, p), (p, p + 1), (p.astype("float32"), t)):
        agree("keras", function, {"y_true": given[1], "y_pred": given[0]}, rtol=SINGLE)


def test_keras_rounds_log_2_to_0_for_integers_which_is_refused() -> None:
    with pytest.raises(LossError, match=r"floating dtype.* - at \$\.y_pred"):
        like.compute("keras", "log_cosh", {"y_true": np.array([1]), "y_pred": np.array([2])})


@pytest.mark.parametrize("delta", [-1.0, 0.0, 0.3, 2, 1e5])
def test_any_delta_is_taken_by_keras_and_optax(delta: float) -> None:
    p, t = drawn(((5, 4), (5, 4)), "float64", 5)
    agree("keras", "huber", {"y_true": t, "y_pred": p, "delta": delta}, rtol=SINGLE)
    agree("keras", "Huber", {"y_true": t, "y_pred": p, "delta": delta}, rtol=SINGLE)
    agree("optax", "huber_loss", {"predictions": p, "targets": t, "delta": delta})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", OPTAX)
def test_optax_never_reduces(function: str, dtype: str) -> None:
    for shapes in [*SHAPES[:3], SHAPES[5], *STRETCHED[:2]]:
        p, t = drawn(shapes, dtype, 6)
        agree("optax", function, {"predictions": p, "targets": t})
        agree("optax", function, {"predictions": p})
        agree("optax", function, {"predictions": p, "targets": None})
    agree("optax", function, {"predictions": np.arange(3), "targets": np.zeros(3)})
    agree("optax", function, {"predictions": np.arange(3.0), "targets": np.zeros(3, int)})


def tf1(losses: Any, weights: Any, reduction: str) -> Any:
    """TensorFlow 1's weighted losses, as its source reads."""
    weighted = losses * weights
    full = np.broadcast_to(weights, losses.shape)
    divisor = {
        "weighted_sum": 1.0,
        "weighted_mean": full.sum(),
        "weighted_sum_by_nonzero_weights": np.count_nonzero(full),
        "weighted_sum_over_nonzero_weights": np.count_nonzero(full),
        "weighted_sum_over_batch_size": losses.size,
    }
    if reduction == "none":
        return weighted
    return weighted.sum() / divisor[reduction] if divisor[reduction] else 0.0


TF1: dict[str, Callable[[Any], Any]] = {
    "losses.mean_squared_error": lambda e: e * e,
    "losses.absolute_difference": np.abs,
    "losses.huber_loss": lambda e: np.where(np.abs(e) <= 1, e * e / 2, np.abs(e) - 0.5),
}


@pytest.mark.parametrize("function", TF1)
@pytest.mark.parametrize("weights", [1.0, 2.5, 0.0, [[1.0], [0.0], [3.0]], [[0.0, 2.0]], [[1, 0], [0, 0], [2, 1]]])
def test_tensorflow_1_divides_as_its_reduction_says(function: str, weights: Any) -> None:
    p, t = drawn(((3, 2), (3, 2)), "float64", 7)
    w = np.asarray(weights)
    given = {"labels": t, "predictions": p, "weights": w}
    rows = TF1[function](p - t)
    np.testing.assert_allclose(
        like.compute("tf1", function, given).value, tf1(rows, w, "weighted_sum_by_nonzero_weights")
    )
    for reduction in ("weighted_sum", "weighted_mean", "weighted_sum_over_batch_size", "none"):
        answer = like.compute("tf1", function, {**given, "reduction": reduction}).value
        np.testing.assert_allclose(answer, tf1(rows, w, reduction))


@pytest.mark.parametrize("function", TF1)
@pytest.mark.parametrize(
    "change", [{"weights": np.ones(3)}, {"weights": None}, {"labels": np.ones((3, 1))}, {"reduction": "mean"}]
)
def test_tensorflow_1_refuses_what_it_cannot_weigh(function: str, change: dict[str, Any]) -> None:
    with pytest.raises(LossError):
        like.compute("tf1", function, {"labels": np.ones((3, 2)), "predictions": np.ones((3, 2)), **change})


def test_tensorflow_1_sums_the_half_squares_of_one_tensor() -> None:
    assert like.compute("tf1", "nn.l2_loss", {"t": np.array([[3.0, 4.0], [0.0, 1.0]])}).value == 13.0
    with pytest.raises(LossError, match="floating"):
        like.compute("tf1", "nn.l2_loss", {"t": np.array([3, 4])})
