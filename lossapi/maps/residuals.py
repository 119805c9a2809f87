"""What is left of the target after the prediction: moments per output."""

from math import prod
from typing import Literal, TypeAlias

from lossapi.domains import Array, Real, Weight
from lossapi.errors import EmptyError, ParameterError
from lossapi.functions import namespace
from lossapi.states import WEIGHT, Comoments, Moments

MultiOutput: TypeAlias = Literal["raw_values", "uniform_average"] | list[float]
"""One value per output, their mean, or their mean under some weights."""
VarianceOutput: TypeAlias = Literal["raw_values", "uniform_average", "variance_weighted"] | list[float]


def residual_moments(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Moments:
    """The second moments of each output's target, and behind them those of its error."""
    return Moments.of([as_columns(target), as_columns(prediction - target)], weight)


def residual_range(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Moments:
    """The same with the least and the most of each."""
    return Moments.of([as_columns(target), as_columns(prediction - target)], weight, extremes=True)


def joint_moments(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Comoments:
    """The joint second moments of each output's prediction and target."""
    return Comoments.of(as_columns(prediction), as_columns(target), weight)


def as_columns(x: Array) -> Array:
    """One column for each output."""
    return namespace(x).reshape(x, (x.shape[0], prod(x.shape[1:])))


def halves(columns: Array) -> tuple[Array, Array]:
    """What stands for the targets, and what stands for the errors behind them."""
    outputs = columns.shape[0] // 2
    return columns[:outputs], columns[outputs:]


def error_squares(moments: Moments) -> Array:
    """Σwe² of each output: Σw(e - ē)² + Wē², which subtracts nothing."""
    mean = halves(moments.mean)[1]
    return halves(moments.squares)[1] + moments.weight * mean * mean


def require_weight(weight: Array) -> None:
    """Raise where the rows weigh nothing together."""
    if not weight != 0.0:
        raise EmptyError("weights that sum to something", "0", ("weight",))


def mean_of(sums: dict[str, Array], name: str) -> Array:
    """Σwx / Σw."""
    require_weight(sums[WEIGHT])
    return sums[name] / sums[WEIGHT]


def over_outputs(values: Array, multioutput: VarianceOutput, spread: Array | None = None) -> Array:
    """One value per output, or their mean: plain, under the weights given, or under each target's spread."""
    xp = namespace(values)
    if isinstance(multioutput, list):
        each = xp.reshape(values, (-1,))
        if len(multioutput) != each.shape[0] or sum(multioutput) == 0:
            expected = f"{each.shape[0]} weights of outputs, not 0 together"
            raise ParameterError(expected, f"{len(multioutput)}: {multioutput}"[:60], ("multioutput",))
        return sum(w * each[i] for i, w in enumerate(multioutput)) / sum(multioutput)
    if multioutput == "raw_values":
        return values
    if multioutput == "variance_weighted" and spread is not None and xp.any(spread != 0):
        return xp.sum(values * spread) / xp.sum(spread)
    return xp.mean(values)
