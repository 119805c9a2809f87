"""How good predicted quantiles are, the median among them."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Sums
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.libraries.conventions import steps
from lossapi.libraries.metric_layouts import FINITE, nan_for_one_row, sklearn_outputs
from lossapi.libraries.presets import sklearn
from lossapi.maps.errors import tilted
from lossapi.maps.kept import kept_errors, kept_rows, require_weight
from lossapi.maps.residuals import MultiOutput, halves, mean_of, over_outputs
from lossapi.order import quantile as weighted_quantile
from lossapi.parameters import Fraction
from lossapi.states import Samples

ROWS = f"{FINITE}; one row is NaN, not an error"


def tilted_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"], *, quantile: Fraction = 0.5
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ max(q e, (q - 1) e) of each output."""
    return {"tilted": tilted(target - prediction, quantile)}


@metric(
    family="regression",
    of=tilted_residuals,
    like=[
        sklearn(
            "mean_pinball_loss(y_true, y_pred, sample_weight=None, alpha=0.5, multioutput='uniform_average')",
            {"alpha": "quantile"},
            prepare=sklearn_outputs,
            differs=FINITE,
        )
    ],
)
def mean_pinball_loss(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """What a predicted quantile costs: at 0.9, falling short of the target costs nine times what exceeding it costs.

    Formula:
        Σ w max(q e, (q - 1) e) / Σ w, e = target - prediction
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        As scikit-learn, which calls the quantile `alpha`. At 0.5 it is half the mean absolute error.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        R. Koenker, G. Bassett, Regression Quantiles, 1978, doi:10.2307/1913643
    Example:
        {"prediction": [1.0, 3.0], "target": [2.0, 2.0], "quantile": 0.9} → 0.5
    """
    return over_outputs(mean_of(sums, "tilted"), multioutput)


@metric(
    family="regression",
    of=kept_errors,
    like=[
        sklearn(
            "median_absolute_error(y_true, y_pred, multioutput='uniform_average', sample_weight=None)",
            prepare=sklearn_outputs,
            differs=FINITE,
        )
    ],
)
def median_absolute_error(samples: Samples, *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The error that half of the rows stay below: outliers, however far, count for no more than their number.

    Formula:
        median |e|, e = prediction - target; weighted, the least |e| that half of the weight does not exceed
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        As scikit-learn: where half of the weight ends between two errors, their mean.
    Raises:
        empty: no rows, or weights that are all 0; limit: more rows than are kept
    Source:
        sklearn.metrics.median_absolute_error
    Example:
        {"prediction": [2.5, 0.0, 2.0, 8.0], "target": [3.0, -0.5, 2.0, 7.0]} → 0.5
    """
    weight, errors = require_weight(samples), samples.array()
    medians = namespace(errors).asarray([weighted_quantile(each, weight, 0.5) for each in errors])
    return over_outputs(medians, multioutput)


@metric(
    family="regression",
    of=kept_rows,
    like=[
        sklearn(
            "d2_pinball_score(y_true, y_pred, sample_weight=None, alpha=0.5, multioutput='uniform_average')",
            {"alpha": "quantile"},
            prepare=steps(sklearn_outputs, nan_for_one_row),
            differs=ROWS,
        )
    ],
)
def d2_pinball_score(
    samples: Samples, *, quantile: Fraction = 0.5, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """The share of the pinball loss that a prediction spares, against always predicting the target's own quantile.

    Formula:
        1 - Σ w pinball(y, p) / Σ w pinball(y, y_q), y_q the weighted quantile of the targets
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: where the targets' own quantile costs nothing, 1 for a perfect prediction and 0 for others.
    Raises:
        empty: fewer than two rows, or weights that are all 0; limit: more rows than are kept
    Source:
        R. Koenker, J. Machado, Goodness of Fit and Related Inference Processes for Quantile Regression, 1999,
        doi:10.1080/01621459.1999.10473882
    Example:
        {"prediction": [1.0, 2.0, 4.0], "target": [1.0, 2.0, 3.0], "quantile": 0.9} → 0.6666666666666667
    """
    return over_outputs(spared(samples, quantile), multioutput)


@metric(
    family="regression",
    of=kept_rows,
    like=[
        sklearn(
            "d2_absolute_error_score(y_true, y_pred, sample_weight=None, multioutput='uniform_average')",
            prepare=steps(sklearn_outputs, nan_for_one_row),
            differs=ROWS,
        )
    ],
)
def d2_absolute_error_score(samples: Samples, *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The share of the absolute error that a prediction spares, against always predicting the target's median.

    Formula:
        1 - Σ w |y - p| / Σ w |y - ỹ|, ỹ the weighted median of the targets
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: where the median costs nothing, 1 for a perfect prediction and 0 for others.
    Raises:
        empty: fewer than two rows, or weights that are all 0; limit: more rows than are kept
    Source:
        sklearn.metrics.d2_absolute_error_score
    Example:
        {"prediction": [1.0, 2.0, 4.0], "target": [1.0, 2.0, 3.0]} → 0.5
    """
    return over_outputs(spared(samples, 0.5), multioutput)


def spared(samples: Samples, quantile: float) -> Array:
    """One less what is left of each output's pinball loss."""
    if samples.count < 2:
        raise EmptyError("at least two rows for D²", str(samples.count))
    weight = require_weight(samples)
    prediction, target = halves(samples.array())
    xp = namespace(target)
    own = xp.asarray([[weighted_quantile(y, weight, quantile)] for y in target])
    w = 1.0 if weight is None else weight
    left = xp.sum(w * tilted(target - prediction, quantile), axis=1)
    null = xp.sum(w * tilted(target - own, quantile), axis=1)
    ones = xp.ones_like(left)
    return xp.where(left == 0.0, ones, xp.where(null == 0.0, 0.0 * ones, 1.0 - left / null))
