"""The four cells of every class at once, as scores or as tables."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import Labels, of_labels, one_vs_rest, positive
from lossapi.maps.confusion import confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.maps.torchmetrics_tasks import STATISTICS, by_task
from lossapi.parameters import Average
from lossapi.states import Counts


def by_column(arguments: Arguments) -> Arguments:
    """One table for each class; not one for each row."""
    if arguments.pop("samplewise"):
        raise Unsupported("samplewise false", "true", ("samplewise",))
    return occurring_labels(arguments)


@metric(family="classification", of=confusion, like=by_task("stat_scores", STATISTICS))
def stat_scores(counts: Counts, *, average: Average = "binary") -> Array:
    """True and false positives, true and false negatives and the support, of two classes or of each.

    Formula:
        [tp, fp, tn, fn, tp + fn]
    Shapes:
        target: labels (batch, *axes); value: (5), or with average none (classes, 5)
    Convention:
        As torchmetrics: micro sums over the classes, macro takes the mean, weighted that by support.
    Source:
        torchmetrics.functional.stat_scores
    Example:
        {"prediction": [1, 1, 0, 1], "target": [1, 0, 0, 1]} → [2, 1, 1, 0, 2]
    """
    if average == "samples":
        raise Unsupported("an average over classes", "samples", ("average",))
    cells = one_vs_rest(counts)
    tp, fp, fn, tn = positive(counts, cells) if average == "binary" else cells
    xp = namespace(tp)
    scores = xp.stack([tp, fp, tn, fn, tp + fn], axis=-1)
    if average in ("binary", "none"):
        return scores
    if average == "micro":
        return xp.sum(scores, axis=0)
    share = (tp + fn) / xp.sum(tp + fn) if average == "weighted" else xp.ones(tp.shape) / tp.shape[0]
    return xp.sum(scores * share[:, None], axis=0)


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "multilabel_confusion_matrix(y_true, y_pred, sample_weight=None, labels=None, samplewise=False)",
            prepare=by_column,
            differs=f"{DIFFERS}; not samplewise",
        )
    ],
)
def multilabel_confusion_matrix(counts: Counts, *, labels: Labels = None) -> Array:
    """A table [[tn, fp], [fn, tp]] for every label, or for every class against the rest.

    Formula:
        of class c: tn = #(target ≠ c, prediction ≠ c), fp, fn, tp likewise
    Shapes:
        target: labels (batch, *axes) or several a row (batch, labels); value: (classes, 2, 2)
    Convention:
        As scikit-learn.
    Source:
        sklearn.metrics.multilabel_confusion_matrix
    Example:
        {"prediction": [[1, 0], [1, 1]], "target": [[1, 1], [0, 1]]} → [[[0, 1], [0, 1]], [[0, 0], [1, 1]]]
    """
    tp, fp, fn, tn = of_labels(one_vs_rest(counts), labels)
    xp = namespace(tp)
    return xp.reshape(xp.stack([tn, fp, fn, tp], axis=-1), (-1, 2, 2))
