"""Squared and absolute error of each element."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from lossapi.presets import keras, optax, tf1


@loss(
    family="regression",
    like=[
        *keras("mean_squared_error(y_true, y_pred)", "MeanSquaredError", mean_axes=1),
        tf1(
            "losses.mean_squared_error(labels, predictions, weights=1.0, "
            "reduction='weighted_sum_by_nonzero_weights')"
        ),
        optax("squared_error(predictions, targets=None)"),
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
        *keras("mean_absolute_error(y_true, y_pred)", "MeanAbsoluteError", mean_axes=1),
        tf1(
            "losses.absolute_difference(labels, predictions, weights=1.0, "
            "reduction='weighted_sum_by_nonzero_weights')"
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
