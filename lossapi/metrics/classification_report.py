"""Precision, recall, F and support together: of each class, of their averages, or as a report of both."""

from typing import Any, Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ShapeError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import (
    Cells,
    Labels,
    Ratio,
    ZeroDivision,
    averaged,
    mean_over_classes,
    named,
    of_labels,
    one_vs_rest,
)
from lossapi.maps.confusion import confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.parameters import NonNegative
from lossapi.states import Counts

Average = Literal["binary", "micro", "macro", "weighted", "none"]
ARGUMENTS = "sample_weight=None, zero_division='warn'"


def f_ratios(beta: float) -> tuple[Ratio, Ratio, Ratio]:
    """The three ratios as numerators and denominators of counts."""
    square = beta * beta

    def f(tp: Array, fp: Array, fn: Array, tn: Array) -> tuple[Array, Array]:
        return (1 + square) * tp, (1 + square) * tp + square * fn + fp

    return lambda tp, fp, fn, tn: (tp, tp + fp), lambda tp, fp, fn, tn: (tp, tp + fn), f


def without_warnings(arguments: Arguments) -> Arguments:
    """What scikit-learn warns for changes no number."""
    if arguments["average"] == "samples":
        raise Unsupported("an average over classes", "samples", ("average",))
    return occurring_labels({name: value for name, value in arguments.items() if name != "warn_for"})


def titled(arguments: Arguments) -> Arguments:
    """The report as numbers, its classes under the names that scikit-learn gives them."""
    given = {name: value for name, value in arguments.items() if name not in ("target_names", "digits", "output_dict")}
    if not arguments["output_dict"]:
        raise Unsupported("output_dict true (the report as text is not made)", "false", ("output_dict",))
    laid = occurring_labels(given)
    names = arguments["target_names"] or _labels(given, laid)
    return {**laid, "names": [str(name) for name in names]}


def _labels(given: Arguments, laid: Arguments) -> list[Any]:
    """The labels asked for, or those that occur."""
    if given["labels"] is not None:
        return list(given["labels"])
    if laid["target"].ndim > 1:
        return list(range(laid["target"].shape[1]))
    xp = namespace(given["target"])
    both = xp.concat([xp.reshape(given[name], (-1,)) for name in ("target", "prediction")])
    return [each.item() for each in xp.sort(xp.unique_values(both))]


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "precision_recall_fscore_support(y_true, y_pred, beta=1.0, labels=None, pos_label=1, average=None, "
            f"warn_for=None, {ARGUMENTS})",
            prepare=without_warnings,
            differs=f"{DIFFERS}; no average over samples",
        )
    ],
)
def precision_recall_fscore_support(
    counts: Counts,
    *,
    beta: NonNegative = 1.0,
    average: Average = "none",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> dict[str, Array]:
    """Precision, recall and F of each class with how many there are of it, or their averages.

    Formula:
        tp / (tp + fp); tp / (tp + fn); (1 + β²) tp / ((1 + β²) tp + β² fn + fp); tp + fn
    Shapes:
        target: labels (batch, *axes); each value (classes), or a number with an average other than none
    Convention:
        As scikit-learn: the support is given for each class alone; 0/0 is `zero_division`.
    Source:
        sklearn.metrics.precision_recall_fscore_support
    Example:
        {"prediction": [1, 1, 0], "target": [1, 0, 0]} → {"precision": [1.0, 0.5], "recall": [0.5, 1.0],
        "f": [0.6666666666666666, 0.6666666666666666], "support": [2, 1]}
    """
    three = [averaged(each, counts, average, pos_label, zero_division, labels) for each in f_ratios(beta)]
    tp, _, fn, _ = of_labels(one_vs_rest(counts), labels)
    support = {"support": tp + fn} if average == "none" else {}
    return named(precision=three[0], recall=three[1], f=three[2], **support)


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "classification_report(y_true, y_pred, labels=None, target_names=None, sample_weight=None, digits=2, "
            "output_dict=False, zero_division='warn')",
            prepare=titled,
            differs=f"{DIFFERS}; numbers alone: output_dict true; no average over samples",
        )
    ],
)
def classification_report(
    counts: Counts, *, names: list[str] | None = None, zero_division: ZeroDivision = 0, labels: Labels = None
) -> dict[str, Any]:
    """Precision, recall, F1 and support of each class and of their averages, and the accuracy, by name.

    Formula:
        as each by itself
    Shapes:
        target: labels (batch, *axes); the value holds one entry per class, one per average, and the accuracy
    Convention:
        As scikit-learn with `output_dict`; where not every label counts, the pooled average instead of the accuracy.
    Source:
        sklearn.metrics.classification_report
    Example:
        {"prediction": [1, 1], "target": [1, 0]} → {"0": {"precision": 0.0, "recall": 0.0, "f1-score": 0.0,
        "support": 1.0}, "1": {"precision": 0.5, "recall": 1.0, "f1-score": 0.6666666666666666, "support": 1.0},
        "accuracy": 0.5, "macro avg": {"precision": 0.25, "recall": 0.5, "f1-score": 0.3333333333333333,
        "support": 2.0}, "weighted avg": {"precision": 0.25, "recall": 0.5, "f1-score": 0.3333333333333333,
        "support": 2.0}}
    """
    cells = of_labels(one_vs_rest(counts), labels)
    whole = counts.table.ndim == 2 and len(set(labels or range(counts.table.shape[0]))) >= counts.table.shape[0]
    called = names or [str(label) for label in labels or range(cells[0].shape[0])]
    if len(called) != cells[0].shape[0]:
        raise ShapeError(f"{cells[0].shape[0]} names", str(len(called)), ("names",))
    by_class = line(cells, "none", zero_division, bool(labels))
    found = {name: {key: each[i] for key, each in by_class.items()} for i, name in enumerate(called)}
    micro, macro, weighted = (line(cells, a, zero_division, bool(labels)) for a in ("micro", "macro", "weighted"))
    overall = named(accuracy=micro["f1-score"]) if whole else {"micro avg": micro}
    return {**found, **overall, "macro avg": macro, "weighted avg": weighted}


def line(cells: Cells, average: Any, zero_division: ZeroDivision, every: bool) -> dict[str, Array]:
    """One line of the report, or the columns of all classes."""
    three = [mean_over_classes(each, cells, average, float(zero_division), every) for each in f_ratios(1.0)]
    xp, support = namespace(cells[0]), cells[0] + cells[2]
    support = xp.astype(support if average == "none" else xp.sum(support), xp.float64)
    return {**named(precision=three[0], recall=three[1]), "f1-score": three[2], "support": support}
