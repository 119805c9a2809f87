"""Negative log-likelihood of counts under a Poisson distribution."""

from lossapi.definition import loss
from lossapi.domains import Array, Rate, Real, Rows
from lossapi.errors import DtypeError
from lossapi.functions import LOG_2PI, clip, namespace
from lossapi.libraries.conventions import Arguments, broadcast, floating, nan_where_negative, steps
from lossapi.libraries.layouts import keras_plain_pair
from lossapi.libraries.presets import keras, tf1, torch
from lossapi.maps.errors import rate_surprise
from lossapi.parameters import NonNegative


def _numbers(arguments: Arguments) -> Arguments:
    """PyTorch does not subtract truth values."""
    if arguments["prediction"].dtype.kind == "b" and arguments["target"].dtype.kind == "b":
        raise DtypeError("input as numbers", "dtype bool", ("prediction",))
    return arguments


def _stirling(arguments: Arguments) -> Arguments:
    """TensorFlow takes the logarithm of negative targets too."""
    return nan_where_negative("target")(arguments) if arguments["full"] else arguments


@loss(
    family="regression",
    like=[
        torch(
            "poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8, reduction='mean')",
            prepare=steps(_numbers, broadcast("prediction", "target")),
            unchecked=frozenset({"prediction", "eps"}),
            differs="input and target are broadcast",
        ),
        *keras(
            "poisson(y_true, y_pred)",
            "Poisson",
            mean_axes=1,
            pair=keras_plain_pair,
            fixed={"log_input": False, "eps": 1e-7},
            unchecked=frozenset({"prediction"}),
            differs="takes rates, 1e-7 added inside the logarithm; the function averages over the last axis alone",
        ),
        tf1(
            "nn.log_poisson_loss(targets, log_input, compute_full_loss=False)",
            {"targets": "target", "log_input": "prediction", "compute_full_loss": "full"},
            fixed={"log_input": True},
            prepare=steps(floating("prediction", "target"), _stirling),
            differs="takes logarithms of rates; never reduced; a negative target gives NaN under compute_full_loss",
        ),
    ],
)
def poisson_nll(
    prediction: Rate[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    *,
    log_input: bool = True,
    full: bool = False,
    eps: NonNegative = 1e-8,
) -> Rows[Array, "batch *axes"]:
    """How surprising some counts are if events come at the predicted rates, independently of each other.

    Formula:
        exp(x) - y x with log_input, else x - y log(x + eps); `full` adds y log y - y + ½ log(2π y) where y > 1
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        nats
    Convention:
        The prediction is the logarithm of the rate unless log_input is false, as in PyTorch. What depends on the
        target alone is left out unless `full`, which adds Stirling's approximation of log y!. Keras takes rates.
    Raises:
        domain: a negative rate, where log_input is false
    Source:
        J. Nelder, R. Wedderburn, Generalized Linear Models, 1972, doi:10.2307/2344614
    Example:
        {"prediction": [0.0, 1.0], "target": [2.0, 3.0]} → 0.3591409142295225
    """
    xp = namespace(prediction)
    surprise = xp.exp(prediction) - target * prediction if log_input else rate_surprise(prediction, target, eps)
    if not full:
        return surprise
    y = clip(target, low=1.0)
    stirling = y * xp.log(y) - y + 0.5 * (LOG_2PI + xp.log(y))
    return surprise + xp.where(target > 1.0, stirling, xp.zeros_like(stirling))
