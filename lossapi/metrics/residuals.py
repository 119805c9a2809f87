"""Mean squared and mean absolute error, per output or averaged over them."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.maps.residuals import MultiOutput, over_outputs, residuals
from lossapi.presets import sklearn


@metric(
    family="regression",
    of=residuals,
    like=[sklearn("mean_squared_error(y_true, y_pred, sample_weight=None, multioutput='uniform_average')")],
)
def mean_squared_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The weighted mean of the squared differences.

    Formula:
        Σ w e² / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the square of the target's unit
    Convention:
        Divides by the sum of the weights, as scikit-learn, Keras' metric and tf.metrics do.
    Source:
        sklearn.metrics.mean_squared_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 7.0
    """
    return over_outputs(sums["squared"] / sums["weight"], multioutput)


@metric(
    family="regression",
    of=residuals,
    like=[sklearn("mean_absolute_error(y_true, y_pred, sample_weight=None, multioutput='uniform_average')")],
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
    Source:
        sklearn.metrics.mean_absolute_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 2.5
    """
    return over_outputs(sums["absolute"] / sums["weight"], multioutput)
