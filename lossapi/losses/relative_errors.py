"""Errors measured against the size of the target: in percent, or between logarithms."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from lossapi.libraries.presets import keras
from lossapi.maps.errors import log_gap, relative
from lossapi.parameters import NonNegative, Positive


@loss(
    family="regression",
    like=[
        *keras(
            "mean_absolute_percentage_error(y_true, y_pred)",
            "MeanAbsolutePercentageError",
            aliases=("mape", "MAPE"),
            mean_axes=1,
            differs="the function averages over the last axis alone; a last axis of one is dropped or added",
        ),
    ],
)
def mean_absolute_percentage_error(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    *,
    eps: NonNegative = 1e-7,
    scale: Positive = 100.0,
) -> Rows[Array, "batch *axes"]:
    """By how many percent of the target a prediction is off.

    Formula:
        scale · |e| / max(|y|, eps), e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        percent with scale 100, a fraction with scale 1
    Convention:
        In percent, with |y| held at 1e-7 or more, as in Keras. Fractions elsewhere: scikit-learn (eps 2.2e-16),
        torchmetrics (1.17e-6). A target of 0 makes it huge; it punishes forecasts above the target more.
    Source:
        A. de Myttenaere and others, Mean Absolute Percentage Error for Regression Models, 2016,
        doi:10.1016/j.neucom.2015.12.114
    Example:
        {"prediction": [9.0, 3.0], "target": [10.0, 2.0]} → 30.0
    """
    return scale * relative(prediction, target, eps)


@loss(
    family="regression",
    like=[
        *keras(
            "mean_squared_logarithmic_error(y_true, y_pred)",
            "MeanSquaredLogarithmicError",
            aliases=("msle", "MSLE"),
            mean_axes=1,
            differs="the function averages over the last axis alone; a last axis of one is dropped or added",
        ),
    ],
)
def mean_squared_logarithmic_error(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, eps: NonNegative = 1e-7
) -> Rows[Array, "batch *axes"]:
    """The squared difference of logarithms: for quantities that grow by factors, such as prices and counts.

    Formula:
        (log(1 + max(p, eps)) - log(1 + max(y, eps)))²
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        none: squared nats
    Convention:
        Values below eps, negative ones among them, count as eps, as in Keras. scikit-learn refuses -1 and below,
        torchmetrics answers NaN.
    Source:
        keras.losses.mean_squared_logarithmic_error, https://keras.io/api/losses/regression_losses/
    Example:
        {"prediction": [1.0, 0.0], "target": [3.0, 0.0]} → 0.2402265069591007
    """
    xp = namespace(prediction)
    gap = log_gap(xp.clip(prediction, eps, None), xp.clip(target, eps, None))
    return gap * gap
