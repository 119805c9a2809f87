"""The share of wrong answers: of rows, or of the labels in them."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import mean_over_classes, one_vs_rest
from lossapi.maps.confusion import confusion, right_rows
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import STATISTICS, by_task
from lossapi.states import Counts


def over_all(arguments: Arguments) -> Arguments:
    """Two classes have no average of their own: all elements count."""
    return {**arguments, "average": "micro"} if arguments["average"] == "binary" else arguments


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "zero_one_loss(y_true, y_pred, normalize=True, sample_weight=None)",
            prepare=occurring_labels,
            differs=DIFFERS,
        )
    ],
)
def zero_one_loss(counts: Counts, *, normalize: bool = True) -> Array:
    """The share of elements whose label was predicted wrong; with `normalize` false, their number.

    Formula:
        #(prediction ≠ target) / n = 1 - accuracy
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: where a row holds several labels, it is wrong if one of them is.
    Source:
        sklearn.metrics.zero_one_loss
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.25
    """
    right, rows = right_rows(counts)
    return 1.0 - right / rows if normalize else rows - right


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn("hamming_loss(y_true, y_pred, sample_weight=None)", prepare=occurring_labels, differs=DIFFERS),
        *by_task("hamming_distance", STATISTICS, prepare=over_all),
    ],
)
def hamming_loss(counts: Counts, *, average: Literal["micro", "macro", "weighted", "none"] = "micro") -> Array:
    """The share of labels that were predicted wrong.

    Formula:
        #(prediction ≠ target) / #labels; of class c, fn / (tp + fn), or where rows hold several labels (fp + fn) / n
    Shapes:
        target: labels (batch, *axes) or several a row (batch, labels); prediction: labels or scores
    Convention:
        Pooled (micro) as scikit-learn; torchmetrics takes the mean over classes (macro) unless told otherwise.
    Source:
        R. W. Hamming, Error Detecting and Error Correcting Codes, 1950, doi:10.1002/j.1538-7305.1950.tb00463.x
    Example:
        {"prediction": [[1, 0], [1, 1]], "target": [[1, 1], [1, 1]]} → 0.25
    """
    cells, several = one_vs_rest(counts), counts.table.ndim == 3

    def wrong(tp: Array, fp: Array, fn: Array, tn: Array) -> tuple[Array, Array]:
        return (fp + fn, tp + fp + fn + tn) if several else (fn, tp + fn)

    return mean_over_classes(wrong, cells, average, 1.0, several)
