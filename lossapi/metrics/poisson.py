"""What predicted rates of counts cost."""

from lossapi.definition import metric
from lossapi.domains import Array, NonNegativeReal, Real, Sums
from lossapi.libraries.metric_layouts import keras_samples
from lossapi.libraries.presets import keras_metric
from lossapi.maps.errors import rate_surprise
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs
from lossapi.parameters import NonNegative


def rate_residuals(
    prediction: NonNegativeReal[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    *,
    eps: NonNegative = 1e-7,
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σp - y log(p + eps) of each output."""
    return {"surprise": rate_surprise(prediction, target, eps)}


@metric(
    family="regression",
    of=rate_residuals,
    like=[
        keras_metric(
            "metrics.Poisson(y_true, y_pred, sample_weight=None)",
            prepare=keras_samples,
            unchecked=frozenset({"prediction"}),
            differs="a negative rate gives NaN",
        )
    ],
)
def poisson(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """How surprising some counts are at the predicted rates, less what depends on the counts alone.

    Formula:
        Σ w (p - y log(p + eps)) / Σ w
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        nats
    Convention:
        As Keras: rates, not their logarithms. The deviance (`poisson_deviance`) is 0 for a perfect prediction, this
        is not.
    Raises:
        domain: a negative rate; empty: no rows, or weights that sum to 0
    Source:
        keras.metrics.Poisson, https://keras.io/api/metrics/probabilistic_metrics/
    Example:
        {"prediction": [1.0, 2.0], "target": [1.0, 0.0]} → 1.4999999500000026
    """
    return over_outputs(mean_of(sums, "surprise"), multioutput)
