"""Rows that are kept, where a value needs all of them: quantiles and ranks."""

from lossapi.domains import Array, Real, Weight
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.maps.residuals import as_columns
from lossapi.states import Samples


def kept_rows(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Samples:
    """The predictions of each output, behind them the targets."""
    return Samples.of([as_columns(prediction), as_columns(target)], weight)


def kept_errors(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Samples:
    """|e| of each output."""
    return Samples.of([as_columns(namespace(prediction).abs(prediction - target))], weight)


def require_weight(samples: Samples) -> Array | None:
    """The weights; at least one row must count."""
    weight = samples.weight()
    if weight is not None and not namespace(weight).any(weight != 0.0):
        raise EmptyError("weights that sum to something", "0", ("weight",))
    return weight
