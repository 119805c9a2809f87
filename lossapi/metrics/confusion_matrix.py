"""The confusion matrix and its four cells."""

from collections.abc import Mapping
from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import Preset, keras_metric, sklearn, tf1
from lossapi.maps.averages import Labels, divided, one_vs_rest, table_of
from lossapi.maps.confusion import confusion
from lossapi.maps.keras_labels import one_threshold, truths
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import by_task
from lossapi.states import Counts

CellAverage = Literal["binary", "micro", "none"]
TASKS = {
    "binary": "threshold=0.5, normalize=None, ignore_index=None",
    "multiclass": "num_classes, normalize=None, ignore_index=None",
    "multilabel": "num_labels, threshold=0.5, normalize=None, ignore_index=None",
    "": "task, threshold=0.5, num_classes=None, num_labels=None, normalize=None, ignore_index=None",
}


def of_one_label(arguments: Arguments) -> Arguments:
    """scikit-learn takes one label a row here, and of the labels asked for one that is there."""
    given = occurring_labels(arguments)
    if given["target"].ndim != 1:
        raise ShapeError("one label a row", f"shape {given['target'].shape}", ("target",))
    if given.get("labels") and not namespace(given["target"]).any(given["target"] < len(given["labels"])):
        raise ParameterError("labels of which one is there", repr(arguments["labels"]), ("labels",))
    return given


def none_is_none(arguments: Arguments) -> Arguments:
    """torchmetrics' "none" is None."""
    return {**arguments, "normalize": None} if arguments["normalize"] == "none" else arguments


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "confusion_matrix(y_true, y_pred, labels=None, sample_weight=None, normalize=None)",
            prepare=of_one_label,
            differs=DIFFERS,
        ),
        *by_task("confusion_matrix", TASKS, prepare=none_is_none, averages=False),
    ],
)
def confusion_matrix(
    counts: Counts, *, normalize: Literal["true", "pred", "all"] | None = None, labels: Labels = None
) -> Array:
    """How often each class was taken for each: rows true, columns predicted.

    Formula:
        C_ij = the (weighted) number of elements of class i that were called j
    Shapes:
        target: labels (batch, *axes); value: (classes, classes), binary [[tn, fp], [fn, tp]]; for several labels
        a row (labels, 2, 2)
    Convention:
        As scikit-learn; `normalize` divides by the row (true), the column (pred) or everything (all).
    Source:
        K. Pearson, On the Theory of Contingency, 1904
    Example:
        {"prediction": [0, 2, 1, 2], "target": [0, 1, 1, 2]} → [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    """
    table = table_of(counts.table, labels)
    xp = namespace(table)
    if normalize is None:
        return table
    axis: Mapping[str, int | tuple[int, int]] = {"true": -1, "pred": -2, "all": (-2, -1)}
    return divided(table, xp.sum(table, axis=axis[normalize], keepdims=True) + 0.0 * table, 0.0)


def as_keras(name: str, older: str) -> tuple[Preset, Preset]:
    """Keras' class and TensorFlow 1's function."""
    text = f"metrics.{name}(y_true, y_pred, sample_weight=None, thresholds=None)"
    return (
        keras_metric(text, prepare=one_threshold, fixed={"task": "binary"}, differs="one threshold"),
        tf1(f"metrics.{older}(labels, predictions, weights=None)", prepare=truths, fixed={"task": "binary"}),
    )


def _cell(counts: Counts, index: int, average: CellAverage) -> Array:
    """One of tp, fp, fn, tn: of class 1, summed over the classes, or of each class."""
    cell = one_vs_rest(counts)[index]
    if average == "binary" and counts.table.shape == (2, 2):
        return cell[1]
    return cell if average == "none" else namespace(cell).sum(cell)


@metric(family="classification", of=confusion, like=as_keras("TruePositives", "true_positives"))
def true_positives(counts: Counts, *, average: CellAverage = "binary") -> Array:
    """How many positives were called positive.

    Formula:
        #(target = c and prediction = c)
    Shapes:
        target: labels (batch, *axes); a number, or with average none one per class
    Convention:
        With two classes those of class 1, otherwise (or under micro) summed over the classes.
    Source:
        K. Pearson, On the Theory of Contingency, 1904
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 2
    """
    return _cell(counts, 0, average)


@metric(family="classification", of=confusion, like=as_keras("FalsePositives", "false_positives"))
def false_positives(counts: Counts, *, average: CellAverage = "binary") -> Array:
    """How many negatives were called positive: false alarms.

    Formula:
        #(target ≠ c and prediction = c)
    Shapes:
        target: labels (batch, *axes); a number, or with average none one per class
    Convention:
        With two classes those of class 1, otherwise (or under micro) summed over the classes.
    Source:
        K. Pearson, On the Theory of Contingency, 1904
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 1
    """
    return _cell(counts, 1, average)


@metric(family="classification", of=confusion, like=as_keras("FalseNegatives", "false_negatives"))
def false_negatives(counts: Counts, *, average: CellAverage = "binary") -> Array:
    """How many positives were called negative: misses.

    Formula:
        #(target = c and prediction ≠ c)
    Shapes:
        target: labels (batch, *axes); a number, or with average none one per class
    Convention:
        With two classes those of class 1, otherwise (or under micro) summed over the classes.
    Source:
        K. Pearson, On the Theory of Contingency, 1904
    Example:
        {"prediction": [1, 0, 0, 1], "target": [1, 1, 0, 1]} → 1
    """
    return _cell(counts, 2, average)


@metric(family="classification", of=confusion, like=as_keras("TrueNegatives", "true_negatives"))
def true_negatives(counts: Counts, *, average: CellAverage = "binary") -> Array:
    """How many negatives were called negative.

    Formula:
        #(target ≠ c and prediction ≠ c)
    Shapes:
        target: labels (batch, *axes); a number, or with average none one per class
    Convention:
        With two classes those of class 1, otherwise (or under micro) summed over the classes.
    Source:
        K. Pearson, On the Theory of Contingency, 1904
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 1
    """
    return _cell(counts, 3, average)
