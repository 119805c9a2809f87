"""The worst error."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Weight
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.libraries.metric_layouts import sklearn_column
from lossapi.libraries.presets import sklearn
from lossapi.maps.residuals import MultiOutput, over_outputs
from lossapi.states import Extremes


def largest_residuals(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Extremes:
    """The least and the most |e| of each output."""
    return Extremes.of(namespace(prediction).abs(prediction - target), weight)


@metric(
    family="regression",
    of=largest_residuals,
    like=[sklearn("max_error(y_true, y_pred)", prepare=sklearn_column, differs="one output of finite numbers")],
)
def max_error(extremes: Extremes, *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The largest absolute error.

    Formula:
        max |e|, e = prediction - target; of several outputs the mean of their maxima
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        As scikit-learn, which takes one output. Rows of weight 0 do not count; other weights change nothing.
    Raises:
        empty: no rows, or weights that are all 0
    Source:
        sklearn.metrics.max_error
    Example:
        {"prediction": [4.0, 2.0, 7.0, 1.0], "target": [3.0, 2.0, 7.0, 1.0]} → 1.0
    """
    if extremes.count == 0:
        raise EmptyError("rows with a weight", "none", ("weight",))
    return over_outputs(extremes.high, multioutput)
