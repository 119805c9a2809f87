"""The mean logarithm of the hyperbolic cosine of the error."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Sums
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import columns, keras_samples
from lossapi.libraries.presets import keras_metric, torchmetrics
from lossapi.maps.errors import smooth_absolute
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs


def _each_output(arguments: Arguments) -> Arguments:
    """torchmetrics has one value for each output."""
    return columns(arguments) | {"multioutput": "raw_values"}


def smooth_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ log cosh e of each output."""
    return {"smooth": smooth_absolute(prediction - target)}


@metric(
    family="regression",
    of=smooth_residuals,
    like=[
        torchmetrics(
            "log_cosh_error(preds, target)",
            prepare=_each_output,
            differs="one value per output; there an error above 88 in single precision, 710 in double, is infinite",
        ),
        keras_metric("metrics.LogCoshError(y_true, y_pred, sample_weight=None)", prepare=keras_samples),
    ],
)
def log_cosh_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """An error that is quadratic near 0 and linear far out, smoothly and with nothing to tune.

    Formula:
        Σ w log cosh e / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none: the error has to be scaled to the unit in which 1 is neither small nor large
    Convention:
        Never overflows, and keeps its digits for errors far below 1.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        P. Chen, G. Chen, S. Zhang, Log Hyperbolic Cosine Loss Improves Variational Auto-Encoder, 2019,
        https://openreview.net/forum?id=rkglvsC9Ym
    Example:
        {"prediction": [1.0, 200.0], "target": [0.0, 0.0]} → 99.87031682496153
    """
    return over_outputs(mean_of(sums, "smooth"), multioutput)
