"""Rows that are kept, where a value needs all of them: quantiles and ranks."""

from lossapi.domains import Array, Real, Weight
from lossapi.functions import namespace
from lossapi.maps.residuals import as_columns
from lossapi.states import Samples


def kept_rows(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Samples:
    """The predictions of each output, behind them the targets, and the weight of each row."""
    xp = namespace(prediction)
    rows = xp.ones((prediction.shape[0], 1), dtype=prediction.dtype) if weight is None else as_columns(weight)
    return Samples.of([as_columns(prediction), as_columns(target), rows])


def taken(samples: Samples) -> tuple[Array, Array, Array]:
    """Predictions and targets as (outputs, rows), and the weights."""
    columns = samples.array()
    outputs = columns.shape[0] // 2
    return columns[:outputs, :], columns[outputs : 2 * outputs, :], columns[2 * outputs, :]
