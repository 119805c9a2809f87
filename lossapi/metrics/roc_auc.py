"""The area under the ROC curve: of two classes, of each against the rest or each other, exact or between thresholds."""

from typing import Annotated, Literal

from annotated_types import Gt, Le

from lossapi.definition import metric, row_mode
from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import sklearn
from lossapi.maps.scores import (
    Average,
    Curve,
    Thresholds,
    Undefined,
    curves,
    over_columns,
    pairs_of_classes,
    rates,
    scores,
    trapezoid,
)
from lossapi.maps.sklearn_labels import DIFFERS
from lossapi.maps.sklearn_scores import of_classes
from lossapi.maps.torchmetrics_tasks import by_task, scored
from lossapi.states import State

Part = Annotated[float, Gt(0), Le(1)]
ARGUMENTS = "thresholds=None, ignore_index=None"
TASKS = {
    "binary": f"max_fpr=None, {ARGUMENTS}",
    "multiclass": f"num_classes, average='macro', {ARGUMENTS}",
    "multilabel": f"num_labels, average='macro', {ARGUMENTS}",
    "": f"task, num_classes=None, num_labels=None, average='macro', max_fpr=None, {ARGUMENTS}",
}


def distributions(arguments: Arguments) -> Arguments:
    """scikit-learn's ways with several classes: said, of probabilities, and not in part."""
    given = of_classes(arguments)
    score, several = given["prediction"], given["prediction"].ndim > given["target"].ndim
    way, weighted = given.pop("multi_class"), given.get("weight") is not None
    given |= {"average": given["average"] or "none"}
    if given["average"] == "samples":
        raise Unsupported("an average over classes or labels", "samples", ("average",))
    if not several:
        return given
    xp = namespace(score)
    if way not in ("ovr", "ovo"):
        raise ParameterError('multi_class "ovr" or "ovo"', repr(way), ("multi_class",))
    if given["max_fpr"] not in (None, 1.0):
        raise ParameterError("no max_fpr with several classes", repr(given["max_fpr"]), ("max_fpr",))
    if not xp.all(xp.abs(xp.sum(score, axis=1) - 1.0) <= 1e-8 + 1e-5 * xp.abs(xp.sum(score, axis=1))):
        raise DomainError("probabilities that sum to 1 over the classes", "another sum", ("prediction",))
    if way == "ovo" and (weighted or given["average"] not in ("macro", "weighted")):
        raise ParameterError("a macro or weighted average without weights", given["average"], ("average",))
    return {**given, "multi_class": way}


def without_labels(arguments: Arguments) -> Arguments:
    """torchmetrics takes max_fpr for two classes alone."""
    return arguments if arguments["task"] == "binary" else {**arguments, "max_fpr": None}


@metric(
    family="classification",
    of=scores,
    rows=row_mode("multi_class", "ovo", pairs_of_classes),
    like=[
        sklearn(
            "roc_auc_score(y_true, y_score, average='macro', sample_weight=None, max_fpr=None, multi_class='raise', "
            "labels=None)",
            {"y_score": "prediction"},
            prepare=distributions,
            differs=f"{DIFFERS}; no average over samples",
        ),
        *by_task(
            "auroc",
            TASKS,
            prepare=steps(scored, without_labels),
            averages=False,
            fixed={"undefined": 0},
        ),
    ],
)
def roc_auc(
    state: State,
    *,
    average: Average = "macro",
    multi_class: Literal["ovr", "ovo"] = "ovr",
    max_fpr: Part | None = None,
    undefined: Undefined = "nan",
    thresholds: Thresholds | None = None,
) -> Array:
    """The chance that a positive has a higher score than a negative: the area under the ROC curve.

    Formula:
        (#(positive above negative) + ½ #(equal)) / (P N) = ∫ TPR dFPR; up to m = max_fpr, ½ (1 + (A - ½m²) / (m - ½m²))
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; prediction: scores of that
        shape, or of every class (batch, classes, *axes)
    Convention:
        As scikit-learn: NaN (or `undefined`) where only one class is there; `ovr` each class against the rest, `ovo`
        against each other (Hand and Till), of the classes that are there. With `thresholds` counted between them, in
        constant memory: the area of what is seen at them.
    Source:
        J. A. Hanley and B. J. McNeil, The Meaning and Use of the Area under a ROC Curve, 1982,
        doi:10.1148/radiology.143.1.7063747
        D. J. Hand and R. J. Till, A Simple Generalisation of the Area Under the ROC Curve for Multiple Class
        Classification Problems, 2001, doi:10.1023/A:1010920819831
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → 0.75
    """
    if multi_class == "ovo":
        return between_pairs(state, average, undefined)
    return over_columns(state, lambda curve: area(curve, max_fpr, undefined), average, thresholds)


def area(curve: Curve, most: float | None, undefined: Undefined) -> Array:
    """The area under one curve, or its part up to a rate, so standardised that chance is one half."""
    xp = namespace(curve.tp)
    if curve.positives == 0 or curve.negatives == 0:
        return xp.asarray(float(undefined))
    if most is None or most == 1.0:
        first = 0.5 * curve.tp[0] * curve.fp[0] if curve.exact else 0.0
        return (first + trapezoid(curve.tp, curve.fp)) / (1.0 * curve.positives * curve.negatives)
    fpr, tpr = rates(curve)
    stop = int(xp.searchsorted(fpr, xp.asarray(most, dtype=fpr.dtype), side="right"))
    share = (most - fpr[stop - 1]) / (fpr[stop] - fpr[stop - 1])
    cut = xp.reshape(tpr[stop - 1] + share * (tpr[stop] - tpr[stop - 1]), (1,))
    part = trapezoid(xp.concat([tpr[:stop], cut]), xp.concat([fpr[:stop], xp.asarray([most], dtype=fpr.dtype)]))
    least = 0.5 * most * most
    return 0.5 * (1.0 + (part - least) / (most - least))


def between_pairs(state: State, average: Average, undefined: Undefined) -> Array:
    """The mean over pairs of classes of how well either score parts them; weighted by how many there are of both."""
    if average not in ("macro", "weighted"):
        raise ParameterError('average "macro" or "weighted" of pairs of classes', repr(average), ("average",))
    found = [each for each in curves(state) if each.positives * each.negatives != 0]
    if not found:
        return namespace(curves(state)[0].tp).asarray(float(undefined))
    xp = namespace(found[0].tp)
    areas = xp.stack([area(each, None, undefined) for each in found])
    both = xp.stack([xp.asarray(each.positives + each.negatives, dtype=xp.float64) for each in found])
    weight = both if average == "weighted" else xp.ones_like(both)
    return xp.sum(weight * areas) / xp.sum(weight)
