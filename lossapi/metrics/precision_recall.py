"""Precision, recall and their harmonic means."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.libraries.presets import Preset, keras_metric, sklearn, tf1
from lossapi.maps.averages import Labels, ZeroDivision, averaged
from lossapi.maps.confusion import SAMPLES, confusion
from lossapi.maps.keras_labels import one_threshold, several_hot, truths
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import STATISTICS, by_task
from lossapi.parameters import Average, NonNegative
from lossapi.states import Counts

BETA = {
    task: text.replace("task,", "task, beta=1.0,") if not task else f"beta, {text}" for task, text in STATISTICS.items()
}


def as_sklearn(head: str) -> Preset:
    """The scikit-learn function of that name and first arguments; these share the others."""
    text = f"{head}, labels=None, pos_label=1, average='binary', sample_weight=None, zero_division='warn')"
    return sklearn(text, prepare=occurring_labels, differs=DIFFERS)


def as_keras_f(name: str, options: str) -> Preset:
    """Keras' class of rows of classes, each yes or no."""
    text = f"metrics.{name}(y_true, y_pred, sample_weight=None, {options})"
    return keras_metric(text, prepare=several_hot, fixed={"task": "multilabel"})


def as_keras(name: str, older: str) -> tuple[Preset, Preset]:
    """Keras' class and TensorFlow 1's function."""
    text = f"metrics.{name}(y_true, y_pred, sample_weight=None, thresholds=None, top_k=None, class_id=None)"
    said = "one threshold (several: …_at_thresholds); no top_k, no class_id; scores outside [0, 1] are taken"
    return (
        keras_metric(text, prepare=one_threshold, fixed={"task": "binary"}, differs=said),
        tf1(f"metrics.{older}(labels, predictions, weights=None)", prepare=truths, fixed={"task": "binary"}),
    )


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=[
        as_sklearn("precision_score(y_true, y_pred"),
        *by_task("precision", STATISTICS, last="zero_division=0"),
        *as_keras("Precision", "precision"),
    ],
)
def precision(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of those called positive are: tp / (tp + fp).

    Formula:
        tp / (tp + fp)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: a macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        A. Kent et al., Machine Literature Searching VIII, 1955, doi:10.1002/asi.5090060209
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.6666666666666666
    """
    return averaged(lambda tp, fp, fn, tn: (tp, tp + fp), counts, average, pos_label, zero_division, labels)


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=[
        as_sklearn("recall_score(y_true, y_pred"),
        *by_task("recall", STATISTICS, last="zero_division=0"),
        *as_keras("Recall", "recall"),
    ],
)
def recall(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of the positives were found: tp / (tp + fn).

    Formula:
        tp / (tp + fn)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn: a macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        A. Kent et al., Machine Literature Searching VIII, 1955, doi:10.1002/asi.5090060209
    Example:
        {"prediction": [1, 1, 0, 0], "target": [1, 0, 1, 0]} → 0.5
    """
    return averaged(lambda tp, fp, fn, tn: (tp, tp + fn), counts, average, pos_label, zero_division, labels)


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=[
        as_sklearn("f1_score(y_true, y_pred"),
        *by_task("f1_score", STATISTICS, last="zero_division=0"),
        as_keras_f("F1Score", "average=None, threshold=None"),
    ],
)
def f1(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """The harmonic mean of precision and recall: 2tp / (2tp + fp + fn).

    Formula:
        2 tp / (2 tp + fp + fn) = 2 · precision · recall / (precision + recall)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn. On one set it equals the dice coefficient; a mean of per-image dice is not the F1 of the set.
    Source:
        C. J. van Rijsbergen, Information Retrieval, 1979
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → 0.8
    """
    return averaged(
        lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn), counts, average, pos_label, zero_division, labels
    )


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=[
        as_sklearn("fbeta_score(y_true, y_pred, beta"),
        *by_task("fbeta_score", BETA, last="zero_division=0"),
        as_keras_f("FBetaScore", "average=None, beta=1.0, threshold=None"),
    ],
)
def f_beta(
    counts: Counts,
    *,
    beta: NonNegative = 1.0,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """The weighted harmonic mean of precision and recall, in which recall counts `beta` times as much.

    Formula:
        (1 + β²) tp / ((1 + β²) tp + β² fn + fp)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        As scikit-learn; β = 0 is precision, β = 1 is F1.
    Source:
        C. J. van Rijsbergen, Information Retrieval, 1979
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1], "beta": 2.0} → 0.9090909090909091
    """
    square = beta * beta

    def ratio(tp: Array, fp: Array, fn: Array, tn: Array) -> tuple[Array, Array]:
        return (1 + square) * tp, (1 + square) * tp + square * fn + fp

    return averaged(ratio, counts, average, pos_label, zero_division, labels)
