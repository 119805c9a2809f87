"""The share of right answers."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import keras_metric, sklearn, tf1
from lossapi.maps.averages import mean_over_classes, one_vs_rest
from lossapi.maps.confusion import confusion, right_rows
from lossapi.maps.keras_labels import above, elements, one_hot, sparse
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import STATISTICS, by_task
from lossapi.states import Counts

MULTICLASS = {"task": "multiclass"}
TASKS = {**STATISTICS, "multiclass": STATISTICS["multiclass"].replace("num_classes,", "num_classes=None,")}


def over_all(arguments: Arguments) -> Arguments:
    """Two classes have no average of their own: all elements count."""
    return {**arguments, "average": "micro"} if arguments["average"] == "binary" else arguments


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "accuracy_score(y_true, y_pred, normalize=True, sample_weight=None)",
            prepare=occurring_labels,
            differs=DIFFERS,
        ),
        *by_task("accuracy", TASKS, prepare=over_all),
        keras_metric("metrics.Accuracy(y_true, y_pred, sample_weight=None)", prepare=elements, fixed=MULTICLASS),
        keras_metric(
            "metrics.BinaryAccuracy(y_true, y_pred, sample_weight=None, threshold=0.5)",
            prepare=above,
            fixed=MULTICLASS,
        ),
        keras_metric(
            "metrics.CategoricalAccuracy(y_true, y_pred, sample_weight=None)", prepare=one_hot, fixed=MULTICLASS
        ),
        keras_metric(
            "metrics.SparseCategoricalAccuracy(y_true, y_pred, sample_weight=None)", prepare=sparse, fixed=MULTICLASS
        ),
        tf1("metrics.accuracy(labels, predictions, weights=None)", prepare=elements, fixed=MULTICLASS),
    ],
)
def accuracy(
    counts: Counts,
    *,
    normalize: bool = True,
    average: Literal["micro", "macro", "weighted", "none"] | None = None,
) -> Array:
    """The share of elements whose label was predicted right; with `normalize` false, their number.

    Formula:
        #(prediction = target) / n; of class c, tp / (tp + fn), or where rows hold several labels (tp + tn) / n
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: where a row holds several labels, it is right if all of them are. With `average` every label
        counts by itself: pooled (micro), per class (none), or the mean over classes, as torchmetrics takes it.
    Source:
        sklearn.metrics.accuracy_score
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.75
    """
    if average is None:
        right, rows = right_rows(counts)
        return right / rows if normalize else right
    cells, several = one_vs_rest(counts), counts.table.ndim == 3

    def found(tp: Array, fp: Array, fn: Array, tn: Array) -> tuple[Array, Array]:
        return (tp + tn, tp + fp + fn + tn) if several else (tp, tp + fn)

    return mean_over_classes(found, cells, average, 0.0, several)
