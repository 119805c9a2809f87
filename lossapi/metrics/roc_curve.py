"""The curves of errors against each other: ROC and detection error tradeoff, and where its two errors are equal."""

from typing import Any, Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import DomainError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import sklearn
from lossapi.maps.scores import (
    Average,
    Curve,
    Thresholds,
    Undefined,
    begun,
    curves,
    limits_of,
    one_column,
    over_columns,
    rates,
    scores,
    together,
)
from lossapi.maps.sklearn_labels import DIFFERS, occurring, whole
from lossapi.maps.sklearn_scores import positives
from lossapi.maps.torchmetrics_tasks import by_task, not_macro, scored
from lossapi.states import State

ARGUMENTS = "thresholds=None, ignore_index=None"
TASKS = {
    "binary": ARGUMENTS,
    "multiclass": f"num_classes, average=None, {ARGUMENTS}",
    "multilabel": f"num_labels, {ARGUMENTS}",
    "": f"task, num_classes=None, num_labels=None, average=None, {ARGUMENTS}",
}
CurveAverage = Literal["micro", "none"]


@metric(
    family="classification",
    of=scores,
    like=[
        sklearn(
            "roc_curve(y_true, y_score, pos_label=None, sample_weight=None, drop_intermediate=True)",
            {"y_score": "prediction"},
            prepare=positives,
            differs=DIFFERS,
        ),
        *by_task(
            "roc",
            TASKS,
            prepare=steps(scored, not_macro),
            averages=False,
            fixed={"drop_intermediate": False, "undefined": 0, "start": "one"},
        ),
    ],
)
def roc_curve(
    state: State,
    *,
    average: CurveAverage = "none",
    drop_intermediate: bool = True,
    start: Literal["inf", "one"] = "inf",
    undefined: Undefined = "nan",
    thresholds: Thresholds | None = None,
) -> dict[str, Any]:
    """The rates of false and of true positives at every threshold, from the highest down.

    Formula:
        fpr(t) = fp(t) / N, tpr(t) = tp(t) / P over the elements with a score of at least t
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; each value (points), or a list
        with one for each label or class
    Convention:
        As scikit-learn: begins at (0, 0) with the threshold Infinity (`start` one: 1); points on a straight line are
        left out, unless `drop_intermediate` is false; rates of a class that is not there are NaN, or `undefined`.
    Source:
        T. Fawcett, An Introduction to ROC Analysis, 2006, doi:10.1016/j.patrec.2005.10.010
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → {"fpr": [0.0, 0.0, 0.5, 0.5, 1.0],
        "tpr": [0.0, 0.5, 0.5, 1.0, 1.0], "thresholds": [Infinity, 0.8, 0.4, 0.35, 0.1]}
    """
    found = curves(state, thresholds, pooled=average == "micro")
    points = [corners(each) if drop_intermediate and each.exact else each for each in found]
    both = [rates(each, undefined) for each in points]
    limits = [limits_of(each, start) for each in points]
    value = {"fpr": [each[0] for each in both], "tpr": [each[1] for each in both], "thresholds": limits}
    return together(value, len(found), found[0].exact)


def corners(curve: Curve) -> Curve:
    """The curve without points that lie on the line between their neighbours."""
    xp = namespace(curve.tp)
    if curve.tp.shape[0] <= 2:
        return curve
    bent = (xp.diff(curve.fp, n=2) != 0) | (xp.diff(curve.tp, n=2) != 0)
    ends = xp.ones(1, dtype=xp.bool)
    kept = xp.concat([ends, bent, ends])
    return curve.at(kept)


def of_both(arguments: Arguments) -> Arguments:
    """scikit-learn wants two labels here, neither more nor fewer."""
    labels = len(occurring(whole(arguments["target"], "target")))
    if labels != 2:
        raise DomainError("two labels", str(labels), ("target",))
    return positives(arguments)


@metric(
    family="classification",
    of=scores,
    like=[
        sklearn(
            "det_curve(y_true, y_score, pos_label=None, sample_weight=None, drop_intermediate=False)",
            {"y_score": "prediction"},
            prepare=of_both,
            differs=DIFFERS,
        )
    ],
)
def det_curve(state: State, *, drop_intermediate: bool = False, thresholds: Thresholds | None = None) -> dict[str, Any]:
    """The rates of false positives and of misses against each other: the detection error tradeoff.

    Formula:
        fpr(t) = fp(t) / N, fnr(t) = 1 - tp(t) / P over the elements with a score of at least t
    Shapes:
        target: 0 or 1 (batch, *axes); each value (points)
    Convention:
        As scikit-learn: from the lowest threshold that misses none up to the highest that has no false positive; the
        rate of a class that is not there is NaN.
    Source:
        A. Martin et al., The DET Curve in Assessment of Detection Task Performance, 1997
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → {"fpr": [0.5, 0.5, 0.0],
        "fnr": [0.0, 0.5, 0.5], "thresholds": [0.35, 0.4, 0.8]}
    """
    one_column(state)
    (curve,) = curves(state, thresholds)
    curve = edges(curve) if drop_intermediate and curve.exact else curve
    (fp, tp), limits = begun(curve), limits_of(curve)
    xp = namespace(fp)
    first = max(int(xp.searchsorted(fp, fp[0], side="right")) - 1, 0)
    last = int(xp.searchsorted(tp, tp[-1])) + 1
    fpr, fnr = fp / curve.negatives, (curve.positives - tp) / curve.positives
    return {name: xp.flip(each[first:last]) for name, each in (("fpr", fpr), ("fnr", fnr), ("thresholds", limits))}


def edges(curve: Curve) -> Curve:
    """The curve without the points between others of the same true positives, as scikit-learn drops them."""
    xp = namespace(curve.tp)
    tp = xp.concat([xp.zeros(1, dtype=curve.tp.dtype), curve.tp])
    if tp.shape[0] <= 2:
        return curve
    moved = xp.diff(tp) != 0
    kept = xp.concat([moved[:-1] | moved[1:], xp.ones(1, dtype=xp.bool)])
    return curve.at(kept)


@metric(
    family="classification",
    of=scores,
    like=by_task("eer", TASKS, prepare=steps(scored, not_macro), averages=False, fixed={"undefined": 0}),
)
def equal_error_rate(
    state: State, *, average: Average = "none", undefined: Undefined = "nan", thresholds: Thresholds | None = None
) -> Array:
    """The error rate at the threshold where as many negatives are let through as positives are missed.

    Formula:
        (fpr(t) + fnr(t)) / 2 at the first t, from the highest down, where |fpr - fnr| is least
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: no interpolation between thresholds; NaN (or `undefined` rates) where a class is not there.
    Source:
        A. Martin et al., The DET Curve in Assessment of Detection Task Performance, 1997
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → 0.5
    """

    def equal(curve: Curve) -> Array:
        fpr, tpr = rates(curve, undefined)
        xp = namespace(fpr)
        place = xp.argmin(xp.abs(fpr - (1.0 - tpr)))
        return (fpr[place] + (1.0 - tpr[place])) / 2.0

    return over_columns(state, equal, average, thresholds)
