"""Mean squared and mean absolute error, and the root of the former, per output or averaged over them."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Sums
from lossapi.functions import namespace
from lossapi.libraries.metric_layouts import (
    FINITE,
    POOLED,
    STREAMED,
    keras_elements,
    keras_samples,
    pooled,
    sklearn_outputs,
    sklearn_weighed_outputs,
    tf1_elements,
)
from lossapi.libraries.presets import Preset, keras_metric, sklearn, tf1, torchmetrics
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs

OUTPUTS = "(y_true, y_pred, sample_weight=None, multioutput='uniform_average')"
STREAM = "(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None)"


def as_sklearn(name: str) -> Preset:
    """The scikit-learn function of that name; these share their arguments."""
    return sklearn(name + OUTPUTS, prepare=sklearn_outputs, differs=FINITE)


def as_tf1(name: str) -> Preset:
    """The tf.metrics function of that name."""
    return tf1(f"metrics.{name}{STREAM}", prepare=tf1_elements, differs=STREAMED)


def as_keras(name: str) -> Preset:
    """The class of keras.metrics of that name."""
    return keras_metric(f"metrics.{name}(y_true, y_pred, sample_weight=None)", prepare=keras_samples)


def squared_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σe² of each output; absolute ones apart, since either sum alone is what is mostly asked for."""
    error = prediction - target
    return {"squared": error * error}


def absolute_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e| of each output."""
    return {"absolute": namespace(prediction).abs(prediction - target)}


@metric(
    family="regression",
    of=squared_residuals,
    like=[
        as_sklearn("mean_squared_error"),
        torchmetrics("mean_squared_error(preds, target, squared=True, num_outputs=1)", prepare=pooled, differs=POOLED),
        as_keras("MeanSquaredError"),
        as_tf1("mean_squared_error"),
    ],
)
def mean_squared_error(
    sums: dict[str, Array], *, squared: bool = True, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """The weighted mean of the squared differences.

    Formula:
        Σ w e² / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the square of the target's unit
    Convention:
        Divides by the sum of the weights, as scikit-learn, Keras' metric and tf.metrics do. With `squared` false each
        output's root, which has the target's unit.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.mean_squared_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 7.0
    """
    mean = mean_of(sums, "squared")
    return over_outputs(mean if squared else namespace(mean).sqrt(mean), multioutput)


@metric(
    family="regression",
    of=absolute_residuals,
    like=[
        as_sklearn("mean_absolute_error"),
        torchmetrics("mean_absolute_error(preds, target, num_outputs=1)", prepare=pooled, differs=POOLED),
        as_keras("MeanAbsoluteError"),
        as_tf1("mean_absolute_error"),
    ],
)
def mean_absolute_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The weighted mean of the absolute differences.

    Formula:
        Σ w |e| / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        Divides by the sum of the weights, as scikit-learn, Keras' metric and tf.metrics do.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.mean_absolute_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 2.5
    """
    return over_outputs(mean_of(sums, "absolute"), multioutput)


@metric(
    family="regression",
    of=squared_residuals,
    like=[
        sklearn(f"root_mean_squared_error{OUTPUTS}", prepare=sklearn_weighed_outputs, differs=FINITE),
        keras_metric(
            "metrics.RootMeanSquaredError(y_true, y_pred, sample_weight=None)",
            prepare=keras_elements,
            differs="one root of all outputs together",
        ),
        as_tf1("root_mean_squared_error"),
    ],
)
def root_mean_squared_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The root of the mean squared difference: an error in the target's own unit that large misses dominate.

    Formula:
        √(Σ w e² / Σ w), e = prediction - target; of several outputs the mean of the roots
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        Of several outputs each has its root, which are averaged, as in scikit-learn; torchmetrics and Keras take one
        root of all: to get it, lay the outputs flat.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.root_mean_squared_error
    Example:
        {"prediction": [[3.0, 1.0], [3.0, 1.0]], "target": [[0.0, 0.0], [0.0, 0.0]]} → 2.0
    """
    return over_outputs(namespace(sums["squared"]).sqrt(mean_of(sums, "squared")), multioutput)
