"""Errors between logarithms."""

from lossapi.definition import metric
from lossapi.domains import Array, Sums
from lossapi.functions import namespace
from lossapi.libraries.metric_layouts import (
    FINITE,
    POOLED,
    keras_samples,
    pooled,
    sklearn_outputs,
    sklearn_weighed_outputs,
)
from lossapi.libraries.presets import keras_metric, sklearn, torchmetrics
from lossapi.maps.errors import log_gap
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs
from lossapi.open_domains import Growth
from lossapi.parameters import NonNegative

OUTPUTS = "(y_true, y_pred, sample_weight=None, multioutput='uniform_average')"
UNCHECKED = frozenset({"prediction", "target"})


def log_residuals(
    prediction: Growth[Array, "batch *outputs"],
    target: Growth[Array, "batch *outputs"],
    *,
    floor: NonNegative | None = None,
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ(log(1 + p) - log(1 + y))² of each output; values below `floor` count as that."""
    if floor is not None:
        xp = namespace(prediction)
        prediction, target = xp.clip(prediction, floor, None), xp.clip(target, floor, None)
    gap = log_gap(prediction, target)
    return {"squared": gap * gap}


@metric(
    family="regression",
    of=log_residuals,
    like=[
        sklearn(f"mean_squared_log_error{OUTPUTS}", prepare=sklearn_outputs, differs=FINITE),
        torchmetrics(
            "mean_squared_log_error(preds, target)",
            prepare=pooled,
            unchecked=UNCHECKED,
            differs=f"{POOLED}; a value below -1 gives NaN",
        ),
        keras_metric(
            "metrics.MeanSquaredLogarithmicError(y_true, y_pred, sample_weight=None)",
            prepare=keras_samples,
            fixed={"floor": 1e-7},
            unchecked=UNCHECKED,
            differs="values below 1e-7 count as that, negative ones too",
        ),
    ],
)
def mean_squared_log_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The mean squared difference of logarithms: for quantities that grow by factors, such as prices and counts.

    Formula:
        Σ w (log(1 + p) - log(1 + y))² / Σ w
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none: squared nats
    Convention:
        As scikit-learn, which refuses -1 and below; torchmetrics answers NaN there, Keras lifts all to 1e-7 (`floor`).
    Raises:
        domain: a value that is not above -1; empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.mean_squared_log_error
    Example:
        {"prediction": [1.0, 0.0], "target": [3.0, 0.0]} → 0.2402265069591007
    """
    return over_outputs(mean_of(sums, "squared"), multioutput)


@metric(
    family="regression",
    of=log_residuals,
    like=[sklearn(f"root_mean_squared_log_error{OUTPUTS}", prepare=sklearn_weighed_outputs, differs=FINITE)],
)
def root_mean_squared_log_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The root of the mean squared difference of logarithms: about the relative error, where that is small.

    Formula:
        √(Σ w (log(1 + p) - log(1 + y))² / Σ w); of several outputs the mean of the roots
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none: nats
    Convention:
        As scikit-learn, which refuses -1 and below.
    Raises:
        domain: a value that is not above -1; empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.root_mean_squared_log_error
    Example:
        {"prediction": [1.0, 0.0], "target": [3.0, 0.0]} → 0.4901290717342735
    """
    return over_outputs(namespace(sums["squared"]).sqrt(mean_of(sums, "squared")), multioutput)
