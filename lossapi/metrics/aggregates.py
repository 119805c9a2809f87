"""Plain statistics of one tensor of values."""

from math import prod
from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array, NonNegativeReal, Real, Rows, Sums, Weight
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import STREAMED, keras_values, tf1_stretched, tf1_values
from lossapi.libraries.presets import keras_metric, tf1
from lossapi.maps.residuals import mean_of
from lossapi.states import WEIGHT, Extremes
from lossapi.states import Sums as Weighed

STREAM = "weights=None, metrics_collections=None, updates_collections=None, name=None)"


@metric(
    family="aggregation",
    like=[
        keras_metric("metrics.Mean(values, sample_weight=None)", prepare=keras_values, differs="0 of nothing"),
        tf1(f"metrics.mean(values, {STREAM}", prepare=tf1_values, differs=STREAMED),
    ],
)
def mean(values: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
    """The mean of all values.

    Formula:
        Σ w v / Σ w
    Shapes:
        values: (batch, *axes); weight: one per row, or per element
    Units:
        the values' unit
    Convention:
        Divides by the sum of the weights, as Keras and tf.metrics; of nothing it is an error, there 0.
    Raises:
        empty: no values, or weights that sum to 0
    Source:
        keras.metrics.Mean, https://keras.io/api/metrics/reduction_metrics/
    Example:
        {"values": [1.0, 3.0, 5.0, 7.0], "weight": [1, 1, 0, 0]} → 2.0
    """
    return values


def added(values: Real[Array, "batch *axes"]) -> Sums[dict[str, Array], "batch *axes"]:
    """Σv."""
    return {"total": values}


@metric(
    family="aggregation",
    of=added,
    like=[keras_metric("metrics.Sum(values, sample_weight=None)", prepare=keras_values, differs="0 of nothing")],
)
def sum_(sums: dict[str, Array]) -> Array:
    """The sum of all values.

    Formula:
        Σ w v
    Shapes:
        values: (batch, *axes); weight: one per row, or per element
    Units:
        the values' unit
    Convention:
        In float64 whatever the dtype.
    Raises:
        empty: no values
    Source:
        keras.metrics.Sum, https://keras.io/api/metrics/reduction_metrics/
    Example:
        {"values": [1.0, 3.0, 5.0, 7.0], "weight": [1, 1, 0, 0]} → 4.0
    """
    return sums["total"]


def extremes(values: Real[Array, "batch *axes"], weight: Weight[Array, "batch"] | None = None) -> Extremes:
    """The least and the most of the values, over each place of the axes."""
    xp = namespace(values)
    return Extremes.of(xp.reshape(values, (values.shape[0], prod(values.shape[1:]))), weight)


@metric(family="aggregation", of=extremes)
def max_(found: Extremes) -> Array:
    """The largest of all values.

    Formula:
        max v
    Shapes:
        values: (batch, *axes); weight: one per row
    Units:
        the values' unit
    Convention:
        Rows of weight 0 do not count; other weights change nothing. NaN propagates.
    Raises:
        empty: no values, or weights that are all 0
    Source:
        torchmetrics.MaxMetric
    Example:
        {"values": [1.0, 3.0, 2.0]} → 3.0
    """
    _require_rows(found)
    return namespace(found.high).max(found.high)


@metric(family="aggregation", of=extremes)
def min_(found: Extremes) -> Array:
    """The smallest of all values.

    Formula:
        min v
    Shapes:
        values: (batch, *axes); weight: one per row
    Units:
        the values' unit
    Convention:
        Rows of weight 0 do not count; other weights change nothing. NaN propagates.
    Raises:
        empty: no values, or weights that are all 0
    Source:
        torchmetrics.MinMetric
    Example:
        {"values": [1.0, 3.0, 2.0]} → 1.0
    """
    _require_rows(found)
    return namespace(found.low).min(found.low)


def _require_rows(found: Extremes) -> None:
    if found.count == 0 or 0 in found.high.shape:
        raise EmptyError("rows with a weight", "none", ("weight",))


def logarithms(values: NonNegativeReal[Array, "batch *axes"]) -> Sums[dict[str, Array], "batch *axes"]:
    """Σlog v."""
    return {"log": namespace(values).log(values)}


@metric(family="aggregation", of=logarithms)
def geometric_mean(sums: dict[str, Array]) -> Array:
    """The factor that, taken as often as there are values, gives their product.

    Formula:
        exp(Σ w log v / Σ w)
    Shapes:
        values: (batch, *axes); weight: one per row, or per element
    Units:
        the values' unit
    Convention:
        0 as soon as one value is 0, as in SciPy.
    Raises:
        domain: a negative value; empty: no values, or weights that sum to 0
    Source:
        scipy.stats.gmean
    Example:
        {"values": [1.0, 2.0, 4.0]} → 2.0
    """
    return namespace(sums["log"]).exp(mean_of(sums, "log"))


def weighed_places(
    values: Real[Array, "batch *places"], weight: Weight[Array, "batch *places"] | None = None
) -> Sums[dict[str, Array], "batch *places"]:
    """Σwv and Σw of each place."""
    xp = namespace(values)
    each = xp.ones_like(values) if weight is None else xp.broadcast_to(weight, values.shape)
    return {"total": each * values, "each": each}


def _one_update(arguments: Arguments) -> Arguments:
    """tf.metrics takes one tensor at a time: a batch of one; 0 where nothing was weighed."""
    values, weight = arguments["values"], arguments["weight"]
    weight = None if weight is None else tf1_stretched(weight, values.shape)[None]
    return {"values": values[None], "weight": weight, "absent": 0, "empty": 0.0}


@metric(
    family="aggregation",
    of=weighed_places,
    like=[
        tf1(
            f"metrics.mean_tensor(values, {STREAM}",
            prepare=_one_update,
            differs="of one update; 0 at places whose weights sum to nothing",
        )
    ],
)
def mean_tensor(sums: dict[str, Array], *, absent: Literal[0, "nan"] = "nan") -> Array:
    """The mean of each place of tensors of one shape.

    Formula:
        Σ w v / Σ w over the batch, at each place
    Shapes:
        values: (batch, *places); weight: one per row, or per element; value: (*places)
    Units:
        the values' unit
    Convention:
        As tf.metrics; a place whose weights sum to nothing is `absent`.
    Raises:
        empty: no rows
    Source:
        tf.compat.v1.metrics.mean_tensor
    Example:
        {"values": [[1.0, 2.0], [3.0, 6.0]], "weight": [[1, 1], [1, 3]]} → [2.0, 5.0]
    """
    xp = namespace(sums["total"])
    nothing = sums["each"] == 0.0
    found = sums["total"] / xp.where(nothing, xp.ones_like(sums["each"]), sums["each"])
    return xp.where(nothing, xp.asarray(float(absent)), found)


def below(
    values: Real[Array, "batch *axes"], weight: Weight[Array, "batch *axes"] | None = None, *, threshold: float
) -> Weighed:
    """Σw of the values below a threshold, and of all."""
    xp = namespace(values)
    each = xp.ones(values.shape) if weight is None else xp.broadcast_to(weight, values.shape)
    under = xp.where(values < threshold, each, xp.zeros_like(each))
    return Weighed({"below": xp.sum(under), WEIGHT: xp.sum(each)}, values.size)


@metric(
    family="aggregation",
    of=below,
    like=[tf1(f"metrics.percentage_below(values, threshold, {STREAM}", prepare=tf1_values, differs=STREAMED)],
)
def percentage_below(sums: dict[str, Array]) -> Array:
    """The share of the values that lie below a threshold.

    Formula:
        Σ w [v < threshold] / Σ w
    Shapes:
        values: (batch, *axes); weight: one per row, or per element
    Units:
        none: a fraction, not a percentage, as in tf.metrics
    Convention:
        A value at the threshold is not below it, nor is NaN.
    Raises:
        empty: no values, or weights that sum to 0
    Source:
        tf.compat.v1.metrics.percentage_below
    Example:
        {"values": [1.0, 2.0, 3.0, 4.0], "threshold": 3.0} → 0.5
    """
    return mean_of(sums, "below")
