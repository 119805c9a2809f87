"""The share of the target's variance that the prediction explains."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import EmptyError, ParameterError, ShapeError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.layouts import squeezed
from lossapi.libraries.metric_layouts import FINITE, columns, nan_for_one_row, sklearn_outputs
from lossapi.libraries.presets import keras_metric, sklearn, torchmetrics
from lossapi.maps.residuals import VarianceOutput, error_squares, halves, over_outputs, require_weight, residual_moments
from lossapi.parameters import NonNegative, WholeNumber
from lossapi.states import Moments

VARIANCE = "(y_true, y_pred, sample_weight=None, multioutput='uniform_average', force_finite=True)"
AGGREGATIONS = {
    None: "raw_values",
    "uniform_average": "uniform_average",
    "variance_weighted_average": "variance_weighted",
}


def _two_rows(arguments: Arguments) -> Arguments:
    """torchmetrics refuses fewer than two rows."""
    return columns(arguments) | {"empty": None}


def _keras_outputs(arguments: Arguments) -> Arguments:
    """Keras takes (rows, outputs) alone, and calls the averages otherwise."""
    target, prediction = squeezed(arguments["target"], arguments["prediction"])
    if prediction.ndim != 2:
        raise ShapeError("y_pred of shape (rows, outputs)", f"shape {prediction.shape}", ("prediction",))
    aggregation, weight = arguments["multioutput"], arguments["weight"]
    if aggregation not in AGGREGATIONS:
        raise ParameterError(f"class_aggregation one of {list(AGGREGATIONS)}", repr(aggregation), ("multioutput",))
    if weight is not None and weight.ndim == 2 and weight.shape[1] == 1:
        weight = weight[:, 0]
    if arguments["num_regressors"] and (prediction.shape[1] != 1 or weight is not None):
        raise Unsupported("num_regressors for one output without weights", "others", ("num_regressors",))
    laid = {"target": target, "prediction": prediction, "weight": weight, "empty": float("nan")}
    return arguments | laid | {"multioutput": AGGREGATIONS[aggregation]}


@metric(
    family="regression",
    of=residual_moments,
    like=[
        sklearn(
            f"r2_score{VARIANCE}",
            prepare=steps(sklearn_outputs, nan_for_one_row),
            differs=f"{FINITE}; one row is NaN, not an error",
        ),
        torchmetrics(
            "r2_score(preds, target, adjusted=0, multioutput='uniform_average')",
            {"adjusted": "num_regressors"},
            prepare=_two_rows,
            fixed={"near_zero": 1e-4},
            differs="sums of squares up to 1e-4 count as zero, so that data of a small scale score 1",
        ),
        keras_metric(
            "metrics.R2Score(y_true, y_pred, sample_weight=None, class_aggregation='uniform_average', "
            "num_regressors=0)",
            {"class_aggregation": "multioutput"},
            prepare=_keras_outputs,
            differs="(rows, outputs) alone, one weight a row; here a constant target that is met scores 1, there NaN",
        ),
    ],
)
def r2(
    moments: Moments,
    *,
    multioutput: VarianceOutput = "uniform_average",
    force_finite: bool = True,
    num_regressors: WholeNumber = 0,
    near_zero: NonNegative = 0.0,
) -> Array:
    """The coefficient of determination: 1 is perfect, 0 as good as always predicting the mean, below 0 worse.

    Formula:
        1 - Σ w e² / Σ w (y - ȳ)²; adjusted for k regressors, 1 - (1 - R²) (n - 1) / (n - k - 1)
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: for a constant target a perfect prediction is 1 and any other 0, unless `force_finite` is
        false, when they are NaN and -Infinity. A sum of squares up to `near_zero` counts as zero. Fewer than two rows
        have no R²; with n ≤ k + 1 rows it is not adjusted. Under weights n is their sum.
    Raises:
        empty: fewer than two rows, or weights that sum to 0
    Source:
        S. Wright, Correlation and Causation, 1921; sklearn.metrics.r2_score
    Example:
        {"prediction": [2.5, 0.0, 2.0, 8.0], "target": [3.0, -0.5, 2.0, 7.0]} → 0.9486081370449679
    """
    if moments.count < 2:
        raise EmptyError("at least two rows for R²", str(moments.count))
    require_weight(moments.weight)
    spread = halves(moments.squares)[0]
    scores = explained(error_squares(moments), spread, force_finite, near_zero)
    score = over_outputs(scores, multioutput, spread)
    free = moments.weight - num_regressors - 1.0
    return score if num_regressors == 0 or free <= 0 else 1.0 - (1.0 - score) * (moments.weight - 1.0) / free


@metric(
    family="regression",
    of=residual_moments,
    like=[
        sklearn(f"explained_variance_score{VARIANCE}", prepare=sklearn_outputs, differs=FINITE),
        torchmetrics(
            "explained_variance(preds, target, multioutput='uniform_average')",
            prepare=columns,
            differs="from sums of squares, which lose digits far from zero; variance_weighted of constants is NaN",
        ),
    ],
)
def explained_variance(
    moments: Moments, *, multioutput: VarianceOutput = "uniform_average", force_finite: bool = True
) -> Array:
    """R² that forgives a constant offset: the share of the target's variance that is not left in the error's.

    Formula:
        1 - Var(e) / Var(y), e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: for a constant target an error that is constant too is 1 and any other 0, unless
        `force_finite` is false, when they are NaN and -Infinity. `variance_weighted` weighs outputs by their Var(y).
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.explained_variance_score
    Example:
        {"prediction": [2.5, 0.0, 2.0, 8.0], "target": [3.0, -0.5, 2.0, 7.0]} → 0.9571734475374732
    """
    require_weight(moments.weight)
    spread, left = halves(moments.squares)
    return over_outputs(explained(left, spread, force_finite, 0.0), multioutput, spread)


def explained(left: Array, spread: Array, force_finite: bool, near_zero: float) -> Array:
    """1 - left / spread; where the spread is nothing, 1 if nothing is left and 0 if something is."""
    xp = namespace(left)
    scores = 1.0 - left / spread
    if not force_finite:
        return scores
    nothing_left, no_spread = left <= near_zero, spread <= near_zero
    ones = xp.ones_like(scores)
    return xp.where(nothing_left, ones, xp.where(no_spread, 0.0 * ones, scores))
