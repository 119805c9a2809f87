"""The logarithm of the hyperbolic cosine of the error."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.libraries.conventions import Arguments, broadcast, floating, steps, zero_target
from lossapi.libraries.presets import keras, optax
from lossapi.maps.errors import smooth_absolute


def _no_integers(arguments: Arguments) -> Arguments:
    """Keras' function makes an integer of log 2 where predictions are integers, so that a match costs log 2."""
    return arguments if "weight" in arguments else floating("prediction")(arguments)


@loss(
    family="regression",
    like=[
        *keras(
            "log_cosh(y_true, y_pred)",
            "LogCosh",
            aliases=("logcosh",),
            mean_axes=1,
            prepare=_no_integers,
            differs="the function averages over the last axis alone; integer predictions are refused to the function",
        ),
        optax(
            "log_cosh(predictions, targets=None)",
            prepare=steps(floating("prediction"), zero_target, broadcast("prediction", "target")),
            differs="never reduced; without targets, of the predictions themselves; small errors lose digits",
        ),
    ],
)
def log_cosh(prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
    """Quadratic for small errors and linear for large ones, smoothly and with nothing to tune.

    Formula:
        log cosh e, e = prediction - target; ½ e² near 0, |e| - log 2 far out
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        none: the error has to be scaled to the unit in which 1 is neither small nor large
    Convention:
        Never overflows, and keeps its digits for errors far below 1, where |e| + log(1 + exp(-2|e|)) - log 2 does not.
    Source:
        P. Chen, G. Chen, S. Zhang, Log Hyperbolic Cosine Loss Improves Variational Auto-Encoder, 2019,
        https://openreview.net/forum?id=rkglvsC9Ym
    Example:
        {"prediction": [1.0, 200.0], "target": [0.0, 0.0]} → 99.87031682496153
    """
    return smooth_absolute(prediction - target)
