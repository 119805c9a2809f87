"""Squared and absolute error of each element."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.errors import DtypeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, floating, promoted, steps, zero_target
from lossapi.libraries.layouts import over_weights, torch_pair
from lossapi.libraries.presets import keras, optax, tf1, torch


def _squarable(arguments: Arguments) -> Arguments:
    """PyTorch squares integers only where there are weights, which take another path, and truth values nowhere."""
    step = promoted("prediction", "target") if arguments["weight"] is None else _numbers
    return step(arguments)


def _subtractable(arguments: Arguments) -> Arguments:
    """PyTorch subtracts integers, but no truth values, and takes no mean of integers."""
    arguments = _numbers(arguments)
    return _squarable(arguments) if arguments["reduction"] == "mean" else arguments


def _numbers(arguments: Arguments) -> Arguments:
    for name in ("prediction", "target"):
        if arguments[name].dtype.kind == "b":
            raise DtypeError(f"{name} as numbers", "dtype bool", (name,))
    return arguments


@loss(
    family="regression",
    like=[
        torch(
            "mse_loss(input, target, reduction='mean', weight=None)",
            prepare=steps(_squarable, over_weights, torch_pair),
            differs="a mean under `weight` divides by the sum of the weights; input and target are broadcast",
        ),
        *keras(
            "mean_squared_error(y_true, y_pred)",
            "MeanSquaredError",
            aliases=("mse", "MSE"),
            mean_axes=1,
            differs="the function averages over the last axis alone; a last axis of one is dropped or added",
        ),
        tf1(
            "losses.mean_squared_error(labels, predictions, weights=1.0, reduction='weighted_sum_by_nonzero_weights')",
            differs="divides by the number of weights other than zero; computes in float32",
        ),
        optax(
            "squared_error(predictions, targets=None)",
            prepare=steps(floating("prediction"), zero_target),
            differs="never reduced; without targets, the square itself",
        ),
    ],
)
def mean_squared_error(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """The mean of the squared differences.

    Formula:
        (1/n) Σ e², e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the square of the prediction's unit
    Errata:
        Printed without the square it is the mean error, which can be 0 for a bad forecast.
    Source:
        C. F. Gauss, Theoria combinationis observationum erroribus minimis obnoxiae, 1823
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 9.333333333333334
    """
    error = prediction - target
    return error * error


@loss(
    family="regression",
    like=[
        torch(
            "l1_loss(input, target, reduction='mean', weight=None)",
            prepare=steps(_subtractable, over_weights, torch_pair),
            differs="a mean under `weight` divides by the sum of the weights; input and target are broadcast",
        ),
        *keras(
            "mean_absolute_error(y_true, y_pred)",
            "MeanAbsoluteError",
            aliases=("mae", "MAE"),
            mean_axes=1,
            differs="the function averages over the last axis alone; a last axis of one is dropped or added",
        ),
        tf1(
            "losses.absolute_difference(labels, predictions, weights=1.0, reduction='weighted_sum_by_nonzero_weights')",
            differs="divides by the number of weights other than zero; computes in float32",
        ),
    ],
)
def mean_absolute_error(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """The mean of the absolute differences; an outlier counts for no more than its distance.

    Formula:
        (1/n) Σ |e|, e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the prediction's unit
    Convention:
        The derivative at 0 is 0, as in PyTorch.
    Source:
        P. S. Laplace, Sur quelques points du système du monde, 1789
    Example:
        {"prediction": [1.0, -2.0, 3.0], "target": [0.0, 0.0, 0.0]} → 2.0
    """
    return namespace(prediction).abs(prediction - target)
