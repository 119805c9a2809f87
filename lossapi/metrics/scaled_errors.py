"""Squared errors against the spread, the size or the range of the target."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import POOLED, columns, pooled
from lossapi.libraries.presets import torchmetrics
from lossapi.maps.residuals import (
    MultiOutput,
    error_squares,
    halves,
    over_outputs,
    require_weight,
    residual_moments,
    residual_range,
)
from lossapi.parameters import NonNegative
from lossapi.states import Moments

Normalization = Literal["mean", "range", "std", "l2"]


def _least_spread(arguments: Arguments) -> Arguments:
    """torchmetrics holds the spread at the epsilon of the dtype."""
    arguments = columns(arguments)
    xp = namespace(arguments["prediction"])
    floating = xp.isdtype(arguments["prediction"].dtype, "real floating")
    return arguments | {"near_zero": float(xp.finfo(arguments["prediction"].dtype if floating else xp.float64).eps)}


def _columns_or_pool(arguments: Arguments) -> Arguments:
    """torchmetrics' outputs are those of a second axis."""
    return pooled(arguments if arguments["num_outputs"] == 1 else columns(arguments))


@metric(
    family="regression",
    of=residual_moments,
    like=[
        torchmetrics(
            "relative_squared_error(preds, target, squared=True)",
            prepare=_least_spread,
            differs="a spread below the dtype's epsilon counts as that",
        )
    ],
)
def relative_squared_error(
    moments: Moments,
    *,
    squared: bool = True,
    near_zero: NonNegative = 0.0,
    multioutput: MultiOutput = "uniform_average",
) -> Array:
    """The squared error against that of always predicting the mean: 0 is perfect, 1 no better than the mean.

    Formula:
        Σ w e² / max(Σ w (y - ȳ)², near_zero), e = prediction - target; its root with `squared` false
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        1 - R². A constant target that is missed makes it infinite, unless `near_zero` holds its spread.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        torchmetrics.functional.relative_squared_error
    Example:
        {"prediction": [2.5, 0.0, 2.0, 8.0], "target": [3.0, -0.5, 2.0, 7.0]} → 0.05139186295503212
    """
    require_weight(moments.weight)
    xp = namespace(moments.squares)
    relative = error_squares(moments) / xp.clip(halves(moments.squares)[0], near_zero, None)
    return over_outputs(relative if squared else xp.sqrt(relative), multioutput)


@metric(
    family="regression",
    of=residual_range,
    like=[
        torchmetrics(
            "normalized_root_mean_squared_error(preds, target, normalization='mean', num_outputs=1)",
            prepare=_columns_or_pool,
            differs=POOLED,
        )
    ],
)
def normalized_root_mean_squared_error(
    moments: Moments, *, normalization: Normalization = "mean", multioutput: MultiOutput = "uniform_average"
) -> Array:
    """The root of the mean squared error, measured by the target: its mean, its range, its spread or its length.

    Formula:
        √(Σ w e² / Σ w) / d; d = ȳ (mean), max y - min y (range), √(Σ w (y - ȳ)² / Σ w) (std) or √(Σ w y²) (l2)
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none: a fraction of d
    Convention:
        As torchmetrics: the spread divides by n, not n - 1; a negative mean makes it negative.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        torchmetrics.functional.normalized_root_mean_squared_error
    Example:
        {"prediction": [0.0, 1.0, 2.0, 3.0], "target": [0.0, 1.0, 2.0, 2.0], "normalization": "range"} → 0.25
    """
    require_weight(moments.weight)
    xp = namespace(moments.mean)
    mean, squares = halves(moments.mean)[0], halves(moments.squares)[0]
    size = {
        "mean": mean,
        "range": halves(moments.high)[0] - halves(moments.low)[0],
        "std": xp.sqrt(squares / moments.weight),
        "l2": xp.sqrt(squares + moments.weight * mean * mean),
    }[normalization]
    return over_outputs(xp.sqrt(error_squares(moments) / moments.weight) / size, multioutput)
