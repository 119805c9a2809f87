"""The share of the target's variance that the prediction explains."""

from typing import Any, Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.maps.residuals import over_outputs, target_moments
from lossapi.presets import sklearn
from lossapi.states import Moments


def nan_for_one_row(arguments: dict[str, Any]) -> dict[str, Any]:
    """scikit-learn answers NaN for a single row, and refuses none at all."""
    return {**arguments, "empty": float("nan")} if arguments["target"].shape[:1] == (1,) else arguments


@metric(
    family="regression",
    of=target_moments,
    like=[
        sklearn(
            "r2_score(y_true, y_pred, sample_weight=None, multioutput='uniform_average', force_finite=True)",
            prepare=nan_for_one_row,
            differs="one row is NaN, not an error",
        )
    ],
)
def r2(
    moments: Moments,
    *,
    multioutput: Literal["raw_values", "uniform_average", "variance_weighted"] = "uniform_average",
    force_finite: bool = True,
) -> Array:
    """The coefficient of determination: 1 is perfect, 0 as good as always predicting the mean, below 0 worse.

    Formula:
        1 - Σ w e² / Σ w (y - ȳ)²
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: for a constant target a perfect prediction is 1 and any other 0, unless `force_finite` is
        false, when they are NaN and -Infinity. Fewer than two rows have no R².
    Raises:
        empty: fewer than two rows
    Source:
        S. Wright, Correlation and Causation, 1921; sklearn.metrics.r2_score
    Example:
        {"prediction": [2.5, 0.0, 2.0, 8.0], "target": [3.0, -0.5, 2.0, 7.0]} → 0.9486081370449679
    """
    if moments.count < 2:
        raise EmptyError("at least two rows for R²", str(moments.count))
    residual, spread = moments.sums["squared"], moments.squares
    xp = namespace(residual)
    scores = 1.0 - residual / spread
    if force_finite:
        constant = xp.where(residual == 0, xp.ones_like(residual), xp.zeros_like(residual))
        scores = xp.where(spread == 0, constant, scores)
    if multioutput == "variance_weighted" and xp.any(spread > 0):
        return xp.sum(scores * spread) / xp.sum(spread)
    return over_outputs(scores, "raw_values" if multioutput == "raw_values" else "uniform_average")
