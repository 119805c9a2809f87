"""How prediction and target go together."""

from lossapi.definition import metric, row_mode
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import columns, keras_vectors
from lossapi.libraries.presets import keras_metric, torchmetrics
from lossapi.maps.residuals import MultiOutput, joint_moments, over_outputs, require_weight
from lossapi.parameters import NonNegative
from lossapi.states import Comoments

BY_ROW = "the mean of one coefficient a row, along `axis`"


def _each_output(arguments: Arguments) -> Arguments:
    """torchmetrics has one coefficient for each output."""
    return columns(arguments) | {"multioutput": "raw_values", "empty": None}


def _nan_of_constants(arguments: Arguments) -> Arguments:
    """torchmetrics goes by Pearson's coefficient, which a constant does not have."""
    arguments = _each_output(arguments)
    given = [arguments["prediction"], arguments["target"]]
    xp = namespace(*given)
    if not given[0].shape[0]:
        return arguments
    constant = [xp.all(each == each[:1], axis=0, keepdims=True) for each in given]
    spoilt = xp.where(constant[0] | constant[1], xp.asarray(xp.nan), xp.astype(given[1], xp.float64))
    return arguments | {"target": spoilt}


def row_correlation(
    prediction: Real[Array, "batch *axes dim"], target: Real[Array, "batch *axes dim"]
) -> Rows[Array, "batch *axes"]:
    """Pearson's coefficient within each row."""
    xp = namespace(prediction)
    p, y = (each - xp.mean(each, axis=-1, keepdims=True) for each in (prediction, target))
    return xp.sum(p * y, axis=-1) / xp.sqrt(xp.sum(p * p, axis=-1) * xp.sum(y * y, axis=-1))


@metric(
    family="regression",
    of=joint_moments,
    rows=row_mode("per_sample", True, row_correlation),
    like=[
        torchmetrics(
            "pearson_corrcoef(preds, target)",
            prepare=_each_output,
            differs="one coefficient per output; there a spread far below the largest deviation is NaN too",
        ),
        keras_metric(
            "metrics.PearsonCorrelation(y_true, y_pred, sample_weight=None, axis=-1)",
            prepare=keras_vectors,
            fixed={"per_sample": True},
            differs=BY_ROW,
        ),
    ],
)
def pearson_corrcoef(moments: Comoments, *, multioutput: MultiOutput = "uniform_average") -> Array:
    """Pearson's correlation: how near prediction and target are to lie on a line, 1 or -1 if they do, 0 if unrelated.

    Formula:
        Σ w (p - p̄)(y - ȳ) / √(Σ w (p - p̄)² Σ w (y - ȳ)²)
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch); with per_sample (batch, *axes, dim), along dim
    Convention:
        One coefficient over all rows of each output, as in torchmetrics; with `per_sample` one within each row, and
        their mean, as in Keras. A constant has none: NaN.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        K. Pearson, Notes on Regression and Inheritance in the Case of Two Parents, 1895, doi:10.1098/rspl.1895.0041
    Example:
        {"prediction": [1.0, 2.0, 3.0, 5.0], "target": [1.0, 3.0, 2.0, 4.0]} → 0.8315218406202999
    """
    require_weight(moments.weight)
    xp = namespace(moments.cross)
    coefficient = moments.cross / xp.sqrt(moments.squares[0, :] * moments.squares[1, :])
    return over_outputs(xp.clip(coefficient, -1.0, 1.0), multioutput)


def row_concordance(
    prediction: Real[Array, "batch *axes dim"], target: Real[Array, "batch *axes dim"], *, eps: NonNegative = 0.0
) -> Rows[Array, "batch *axes"]:
    """Lin's coefficient within each row."""
    xp = namespace(prediction)
    means = [xp.mean(each, axis=-1, keepdims=True) for each in (prediction, target)]
    p, y = prediction - means[0], target - means[1]
    gap = means[0] - means[1]
    apart = xp.mean(p * p + y * y + gap * gap, axis=-1)
    return 2.0 * xp.mean(p * y, axis=-1) / (apart + eps)


@metric(
    family="regression",
    of=joint_moments,
    rows=row_mode("per_sample", True, row_concordance),
    like=[
        torchmetrics(
            "concordance_corrcoef(preds, target)",
            prepare=_nan_of_constants,
            differs="one coefficient per output; a constant tensor is NaN",
        ),
        keras_metric(
            "metrics.ConcordanceCorrelation(y_true, y_pred, sample_weight=None, axis=-1)",
            prepare=keras_vectors,
            fixed={"per_sample": True, "eps": 1e-7},
            differs=f"{BY_ROW}; variances divide by n; 1e-7 is added below the line",
        ),
    ],
)
def concordance_corrcoef(
    moments: Comoments,
    *,
    unbiased: bool = True,
    eps: NonNegative = 0.0,
    multioutput: MultiOutput = "uniform_average",
) -> Array:
    """Lin's concordance: correlation that also asks for the same mean and the same spread; 1 only where both are equal.

    Formula:
        2 s_py / (s_pp + s_yy + (p̄ - ȳ)² + eps), s the (co)variances, over n - 1, or over n unless `unbiased`
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch); with per_sample (batch, *axes, dim), along dim
    Convention:
        Variances over n - 1, as in torchmetrics; Lin himself and Keras divide by n. With `per_sample` (by n) one within
        each row, and their mean, as in Keras. Under weights n is their sum.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        L. Lin, A Concordance Correlation Coefficient to Evaluate Reproducibility, 1989, doi:10.2307/2532051
    Example:
        {"prediction": [3.0, -0.5, 2.0, 7.0], "target": [2.5, 0.0, 2.0, 8.0]} → 0.9777347531461763
    """
    require_weight(moments.weight)
    gap = moments.mean[0, :] - moments.mean[1, :]
    free = moments.weight - 1.0 if unbiased else moments.weight
    apart = (moments.squares[0, :] + moments.squares[1, :]) / namespace(gap).asarray(free) + gap * gap
    return over_outputs(2.0 * moments.cross / free / (apart + eps), multioutput)
