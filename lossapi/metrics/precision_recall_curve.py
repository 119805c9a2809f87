"""Precision against recall at every threshold, and the areas below that curve."""

from typing import Any, Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import divided, named, weighted_mean
from lossapi.maps.scores import (
    Average,
    Curve,
    Thresholds,
    Undefined,
    curves,
    over_columns,
    precision_and_recall,
    scores,
    together,
    trapezoid,
)
from lossapi.maps.sklearn_labels import DIFFERS, occurring, one_column, ranks, whole
from lossapi.maps.sklearn_scores import finite, positives
from lossapi.maps.torchmetrics_tasks import by_task, not_macro, scored
from lossapi.states import State

ARGUMENTS = "thresholds=None, ignore_index=None"
CURVES = {
    "binary": ARGUMENTS,
    "multiclass": f"num_classes, average=None, {ARGUMENTS}",
    "multilabel": f"num_labels, {ARGUMENTS}",
    "": f"task, num_classes=None, num_labels=None, average=None, {ARGUMENTS}",
}
AREAS = {
    "binary": ARGUMENTS,
    "multiclass": f"num_classes, average='macro', {ARGUMENTS}",
    "multilabel": f"num_labels, average='macro', {ARGUMENTS}",
    "": f"task, num_classes=None, num_labels=None, average='macro', {ARGUMENTS}",
}


def of_any_labels(arguments: Arguments) -> Arguments:
    """As scikit-learn: two labels of which `pos_label` is positive, several classes, or several labels a row."""
    given = {**arguments, "average": arguments["average"] or "none"}
    pos_label = given.pop("pos_label")
    target, score = one_column(given["target"]), one_column(finite(given["prediction"], "prediction"))
    if given["average"] == "samples":
        raise Unsupported("an average over classes or labels", "samples", ("average",))
    labels = [0, 1] if target.ndim == 2 else occurring(whole(target, "target"))
    if (target.ndim == 2 or len(labels) > 2) and pos_label != 1:
        raise ParameterError("pos_label 1 with several classes or labels", repr(pos_label), ("pos_label",))
    if target.ndim == 2:
        return {**given, "target": target, "prediction": score}
    if len(labels) > 2:
        if score.ndim != 2 or score.shape[1] != len(labels):
            raise ParameterError(f"scores of {len(labels)} classes", f"shape {score.shape}", ("prediction",))
        return {**given, "target": ranks(whole(target, "target"), labels), "prediction": score}
    if len(labels) == 2 and pos_label not in labels:
        raise ParameterError(f"pos_label one of {labels}", repr(pos_label), ("pos_label",))
    return positives({**{n: v for n, v in given.items() if n != "average"}, "pos_label": pos_label})


def absent_class(arguments: Arguments) -> Arguments:
    """torchmetrics has no recall of a class that is not there, unless all are of class 0 or thresholds are given."""
    target, xp = arguments["target"], namespace(arguments["target"])
    several = arguments["task"] == "multiclass" and arguments.get("average") != "micro"
    if not several or arguments["thresholds"] is not None or xp.all(target == 0):
        return arguments
    return {**arguments, "undefined": "nan"}


def without_average(arguments: Arguments) -> Arguments:
    """Two classes have no average."""
    return {name: value for name, value in arguments.items() if name != "average" or arguments["task"] != "binary"}


@metric(
    family="classification",
    of=scores,
    like=[
        sklearn(
            "precision_recall_curve(y_true, y_score, pos_label=None, sample_weight=None, drop_intermediate=False)",
            {"y_score": "prediction"},
            prepare=positives,
            differs=DIFFERS,
        ),
        *by_task("precision_recall_curve", CURVES, prepare=steps(absent_class, scored, not_macro), averages=False),
    ],
)
def precision_recall_curve(
    state: State,
    *,
    average: Literal["micro", "none"] = "none",
    drop_intermediate: bool = False,
    undefined: Literal[1, "nan"] = 1,
    thresholds: Thresholds | None = None,
) -> dict[str, Any]:
    """Precision and recall at every threshold, from the lowest up, and at last (1, 0).

    Formula:
        precision(t) = tp(t) / (tp(t) + fp(t)), recall(t) = tp(t) / P over the elements with a score of at least t
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; thresholds (points), the others
        one more; or a list with one for each label or class
    Convention:
        As scikit-learn: without positives recall is 1, or `undefined`. With `thresholds`, as torchmetrics: what is not
        defined is NaN.
    Source:
        J. Davis and M. Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006,
        doi:10.1145/1143844.1143874
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → {"precision": [0.5, 0.6666666666666666, 0.5,
        1.0, 1.0], "recall": [1.0, 1.0, 0.5, 0.5, 0.0], "thresholds": [0.1, 0.35, 0.4, 0.8]}
    """
    found = curves(state, thresholds, pooled=average == "micro")
    kept = [stepping(each) if drop_intermediate and each.exact else each for each in found]
    xp = namespace(found[0].tp)
    both = [precision_and_recall(each, float(undefined) if each.exact else xp.nan) for each in kept]
    ends = [(xp.concat([xp.flip(p), xp.ones(1)]), xp.concat([xp.flip(r), xp.zeros(1)])) for p, r in both]
    limits = [xp.flip(each.thresholds) for each in kept]
    value = named(precision=[p for p, _ in ends], recall=[r for _, r in ends], thresholds=limits)
    return together(value, len(found), found[0].exact)


def stepping(curve: Curve) -> Curve:
    """The curve without points between others of the same true positives."""
    xp = namespace(curve.tp)
    if curve.tp.shape[0] <= 2:
        return curve
    moved = xp.diff(curve.tp) != 0
    ends = xp.ones(1, dtype=xp.bool)
    kept = xp.concat([ends, moved[:-1] | moved[1:], ends])
    return curve.at(kept)


@metric(
    family="classification",
    of=scores,
    like=[
        sklearn(
            "average_precision_score(y_true, y_score, average='macro', pos_label=1, sample_weight=None)",
            {"y_score": "prediction"},
            prepare=of_any_labels,
            differs=f"{DIFFERS}; no average over samples",
        ),
        *by_task("average_precision", AREAS, prepare=steps(absent_class, scored, without_average), averages=False),
    ],
)
def average_precision(
    state: State, *, average: Average = "macro", undefined: Undefined = 0, thresholds: Thresholds | None = None
) -> Array:
    """Precision averaged over the positives found, from the highest score down.

    Formula:
        Σ (recall_n - recall_{n-1}) precision_n
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As scikit-learn: a sum of steps, without interpolation; without positives 0, or `undefined`: NaN is left out of
        means over classes.
    Source:
        C. Buckley and E. M. Voorhees, Evaluating Evaluation Measure Stability, 2000, doi:10.1145/345508.345543
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → 0.8333333333333333
    """

    def read(curve: Curve) -> Array:
        return stepwise(curve, float(undefined))

    if undefined == 0 or average not in ("macro", "weighted"):
        return over_columns(state, read, average, thresholds)
    found = curves(state, thresholds)
    return weighted_mean(*columns(found, [read(each) for each in found], average), float("nan"))


def columns(found: list[Curve], values: list[Array], average: Average) -> tuple[Array, Array]:
    """What was read of each column, and its weight in the mean."""
    xp = namespace(values[0])
    weight = [each.positives if average == "weighted" else 1.0 for each in found]
    return xp.stack(values), xp.asarray([float(each) for each in weight])


def stepwise(curve: Curve, undefined: float) -> Array:
    """The sum of precision over steps of recall."""
    xp = namespace(curve.tp)
    gained = xp.diff(curve.tp, prepend=xp.zeros(1, dtype=curve.tp.dtype))
    total = xp.sum(gained * divided(curve.tp, curve.tp + curve.fp, 0.0))
    return divided(total, xp.asarray(curve.positives, dtype=total.dtype), undefined)


@metric(family="classification", of=scores)
def pr_auc(state: State, *, average: Average = "macro", thresholds: Thresholds | None = None) -> Array:
    """The area under the precision-recall curve by trapezoids.

    Formula:
        ∫ precision d recall, straight lines between the points of the curve, from (0, 1)
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As auc(recall, precision) of scikit-learn's curve; the straight lines are too optimistic, average precision is
        not. NaN without positives.
    Source:
        J. Davis and M. Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006,
        doi:10.1145/1143844.1143874
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → 0.7916666666666666
    """

    def area(curve: Curve) -> Array:
        xp = namespace(curve.tp)
        exact, found = precision_and_recall(curve, float("nan"))
        above = xp.where(xp.isnan(exact), 1.0, exact)
        return trapezoid(xp.concat([xp.ones(1), above]), xp.concat([xp.zeros(1), found]))

    return over_columns(state, area, average, thresholds)
