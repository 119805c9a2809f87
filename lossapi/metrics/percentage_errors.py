"""Errors measured against the size of the target."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Sums
from lossapi.errors import ShapeError
from lossapi.functions import clip, namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.metric_layouts import (
    FINITE,
    POOLED,
    STREAMED,
    keras_samples,
    pooled,
    sklearn_outputs,
    tf1_elements,
)
from lossapi.libraries.presets import keras_metric, sklearn, tf1, torchmetrics
from lossapi.maps.errors import relative
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs
from lossapi.parameters import NonNegative, Positive

EPS = 1.17e-6
"""What torchmetrics holds its divisors at."""


def relative_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"], *, eps: NonNegative = 2.0**-52
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e| / max(|y|, eps) of each output."""
    return {"relative": relative(prediction, target, eps)}


@metric(
    family="regression",
    of=relative_residuals,
    like=[
        sklearn(
            "mean_absolute_percentage_error(y_true, y_pred, sample_weight=None, multioutput='uniform_average')",
            prepare=sklearn_outputs,
            differs=FINITE,
        ),
        torchmetrics(
            "mean_absolute_percentage_error(preds, target)", prepare=pooled, fixed={"eps": EPS}, differs="eps 1.17e-6"
        ),
        keras_metric(
            "metrics.MeanAbsolutePercentageError(y_true, y_pred, sample_weight=None)",
            prepare=keras_samples,
            fixed={"eps": 1e-7, "scale": 100.0},
            differs="in percent, eps 1e-7",
        ),
    ],
)
def mean_absolute_percentage_error(
    sums: dict[str, Array], *, scale: Positive = 1.0, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """By what fraction of the target a prediction is off, on average.

    Formula:
        scale · Σ w |e| / max(|y|, eps) / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        a fraction of the target; percent with scale 100
    Convention:
        As scikit-learn: a fraction, |y| held at 2.2e-16 or more, so that a target of 0 makes it huge. The loss of this
        name, as Keras, is in percent and holds |y| at 1e-7.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        sklearn.metrics.mean_absolute_percentage_error
    Example:
        {"prediction": [9.0, 3.0], "target": [10.0, 2.0]} → 0.3
    """
    return scale * over_outputs(mean_of(sums, "relative"), multioutput)


def symmetric_residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"], *, eps: NonNegative = EPS
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ2|e| / max(|y| + |p|, eps) of each output."""
    xp = namespace(prediction)
    return {"relative": 2.0 * xp.abs(prediction - target) / clip(xp.abs(target) + xp.abs(prediction), low=eps)}


@metric(
    family="regression",
    of=symmetric_residuals,
    like=[torchmetrics("symmetric_mean_absolute_percentage_error(preds, target)", prepare=pooled, differs=POOLED)],
)
def symmetric_mean_absolute_percentage_error(
    sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """The error as a fraction of the mean of prediction and target: between 0 and 2, and finite where the target is 0.

    Formula:
        Σ w 2|e| / max(|y| + |p|, eps) / Σ w, e = p - y
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none: in [0, 2]
    Convention:
        The mean of both sizes below the line, as in torchmetrics; some authors have their sum, which gives half.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        S. Makridakis, Accuracy Measures: Theoretical and Practical Concerns, 1993, doi:10.1016/0169-2070(93)90079-3
    Example:
        {"prediction": [3.0, 0.0], "target": [1.0, 0.0]} → 0.5
    """
    return over_outputs(mean_of(sums, "relative"), multioutput)


def sizes(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e| and Σ|y| of each output."""
    xp = namespace(prediction)
    return {"absolute": xp.abs(prediction - target), "target": xp.abs(target)}


@metric(
    family="regression",
    of=sizes,
    like=[
        torchmetrics(
            "weighted_mean_absolute_percentage_error(preds, target)",
            prepare=lambda arguments: pooled(arguments) | {"empty": 0.0},
            differs="0 for no elements",
        )
    ],
)
def weighted_mean_absolute_percentage_error(
    sums: dict[str, Array], *, eps: NonNegative = EPS, multioutput: MultiOutput = "uniform_average"
) -> Array:
    """All of the error over all of the target: percentage errors in which each target counts by its size.

    Formula:
        Σ w |e| / max(Σ w |y|, eps), e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        a fraction of the target
    Convention:
        As torchmetrics, but one value per output, averaged; a single zero target does no harm. "Weighted" are the
        elements by their targets; `weight` weighs rows beside that.
    Raises:
        empty: no rows
    Source:
        S. Kolassa, W. Schütz, Advantages of the MAD/MEAN Ratio over the MAPE, 2007, Foresight 6
    Example:
        {"prediction": [3.0, 0.0], "target": [2.0, 2.0]} → 0.75
    """
    return over_outputs(sums["absolute"] / clip(sums["target"], low=eps), multioutput)


def _normalized(arguments: Arguments) -> Arguments:
    """tf.metrics stretches the normalizer over the predictions."""
    shape, normalizer = arguments["prediction"].shape, arguments["normalizer"]
    if normalizer.shape != shape:
        raise ShapeError(f"normalizer of shape {shape}", f"shape {normalizer.shape}", ("normalizer",))
    laid = tf1_elements(arguments)
    return laid | {"normalizer": normalizer.reshape(-1)[: laid["prediction"].shape[0]]}


def normalized_residuals(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    normalizer: Real[Array, "batch *outputs"],
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e| / normalizer of each output, 0 where that is 0."""
    xp = namespace(prediction)
    zero = normalizer == 0.0
    error = xp.abs(prediction - target) / xp.where(zero, xp.ones_like(normalizer), normalizer)
    return {"relative": xp.where(zero, xp.zeros_like(error), error)}


@metric(
    family="regression",
    of=normalized_residuals,
    like=[
        tf1(
            "metrics.mean_relative_error(labels, predictions, normalizer, weights=None, metrics_collections=None, "
            "updates_collections=None, name=None)",
            prepare=steps(_normalized),
            differs=STREAMED,
        )
    ],
)
def mean_relative_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The absolute error against a size that is given for each element.

    Formula:
        Σ w |e| / n / Σ w, e = prediction - target, n the normalizer; 0 where n is 0
    Shapes:
        prediction, target, normalizer: (batch, *outputs); weight: (batch)
    Units:
        the target's over the normalizer's
    Convention:
        As tf.metrics: an element without a size counts as met.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        tf.compat.v1.metrics.mean_relative_error
    Example:
        {"prediction": [9.0, 3.0], "target": [10.0, 2.0], "normalizer": [10.0, 0.0]} → 0.05
    """
    return over_outputs(mean_of(sums, "relative"), multioutput)
