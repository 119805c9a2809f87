"""The best that one rate can be while another is held: the operating points of a classifier."""

from collections.abc import Callable
from typing import Any

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import Preset, keras_metric
from lossapi.maps.keras_labels import against_scores
from lossapi.maps.scores import Curve, Thresholds, Undefined, curves, limits_of, precision_and_recall, rates, scores
from lossapi.maps.torchmetrics_tasks import by_task, scored, without
from lossapi.parameters import Fraction
from lossapi.states import State

Best = tuple[Array, Array]
LIMITS = "thresholds=None, ignore_index=None"


def tasks(held: str) -> dict[str, str]:
    """The arguments under each task."""
    return {
        "binary": f"{held}, {LIMITS}",
        "multiclass": f"num_classes, {held}, {LIMITS}",
        "multilabel": f"num_labels, {held}, {LIMITS}",
        "": f"task, {held}, num_classes=None, num_labels=None, {LIMITS}",
    }


def bounded(arguments: Arguments) -> Arguments:
    """The bound as a floating-point number."""
    bounds = {name: float(value) for name, value in arguments.items() if name.startswith("min_")}
    return {**without(arguments, "average"), **bounds}


OPTIONS: dict[str, Any] = {"prepare": steps(scored, bounded), "averages": False}


def as_keras(name: str, held: str) -> Preset:
    """Keras' class, which sees scores in even buckets of which the lower edge is open."""
    said = held.removeprefix("min_")
    text = f"metrics.{name}(y_true, y_pred, {said}, sample_weight=None, num_thresholds=200, class_id=None)"
    differs = "no class_id; with one class alone rates may differ"
    return keras_metric(text, {said: held}, prepare=in_buckets, differs=differs)


def in_buckets(arguments: Arguments) -> Arguments:
    """Scores as the number of their bucket, and one threshold for each."""
    given = against_scores(arguments)
    count = given.pop("num_thresholds")
    if given.pop("class_id") is not None or count < 3:
        raise Unsupported("no class_id, and three thresholds or more", str(count), ("num_thresholds",))
    given = {name: float(value) if name.startswith("min_") else value for name, value in given.items()}
    place = namespace(given["prediction"]).ceil(given["prediction"] * (count - 1)) - 1.0
    fixed = {} if "min_precision" in given or "min_recall" in given else {"undefined": 0}
    return {**given, **fixed, "prediction": place, "thresholds": [float(i) for i in range(count)], "task": "binary"}


def each_column(
    state: State, thresholds: Thresholds | None, best: Callable[[Curve], Best], with_threshold: bool
) -> Any:
    """The best of one curve or of each, perhaps with its threshold."""
    found = [best(curve) for curve in curves(state, thresholds)]
    xp = namespace(found[0][0])
    value, limit = ([xp.asarray(each[i], dtype=xp.float64) for each in found] for i in (0, 1))
    value, limit = (each[0] if len(found) == 1 else xp.stack(each) for each in (value, limit))
    return {"value": value, "threshold": limit} if with_threshold else value


def greatest(first: Array, second: Array, limits: Array, allowed: Array) -> Best:
    """Among what is allowed the greatest first, then second, then threshold; 0 at no threshold where nothing is."""
    xp = namespace(first)
    allowed = allowed & ~xp.isnan(first)
    for each in (first, second, limits):
        allowed = allowed & (each == xp.max(xp.where(allowed, each, -xp.inf)))
    place = xp.argmax(allowed)
    value = xp.where(xp.any(allowed), first[place], 0.0)
    return value, xp.where(value == 0.0, xp.nan, limits[place])


def ratios(curve: Curve) -> tuple[Array, Array]:
    """Precision and recall at each threshold; without positives all of none are found on an exact curve."""
    return precision_and_recall(curve, 1.0 if curve.exact else float("nan"))


def first_greatest(value: Array, limits: Array, allowed: Array) -> Best:
    """The greatest that is allowed, at its highest threshold; 0 at a million where none is, as torchmetrics has it."""
    xp = namespace(value)
    place = xp.argmax(xp.where(allowed, value, -xp.inf))
    any_ = xp.any(allowed)
    return xp.where(any_, value[place], 0.0), xp.where(any_, limits[place], 1e6)


@metric(
    family="classification",
    of=scores,
    like=[
        *by_task("recall_at_fixed_precision", tasks("min_precision"), fixed={"with_threshold": True}, **OPTIONS),
        as_keras("RecallAtPrecision", "min_precision"),
    ],
)
def recall_at_precision(
    state: State,
    *,
    min_precision: Fraction,
    with_threshold: bool = False,
    thresholds: Thresholds | None = None,
) -> Any:
    """The greatest recall among the thresholds whose precision is at least `min_precision`.

    Formula:
        max recall(t) over t with precision(t) ≥ min_precision
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: among equals that of greater precision, then of higher threshold; 0 where none is so good.
    Source:
        torchmetrics.functional.classification.binary_recall_at_fixed_precision
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "min_precision": 0.9} → 0.5
    """

    def best(curve: Curve) -> Best:
        exact, found = ratios(curve)
        return greatest(found, exact, curve.thresholds, exact >= min_precision)

    return each_column(state, thresholds, best, with_threshold)


@metric(
    family="classification",
    of=scores,
    like=[
        *by_task("precision_at_fixed_recall", tasks("min_recall"), fixed={"with_threshold": True}, **OPTIONS),
        as_keras("PrecisionAtRecall", "min_recall"),
    ],
)
def precision_at_recall(
    state: State,
    *,
    min_recall: Fraction,
    with_threshold: bool = False,
    thresholds: Thresholds | None = None,
) -> Any:
    """The greatest precision among the thresholds whose recall is at least `min_recall`.

    Formula:
        max precision(t) over t with recall(t) ≥ min_recall
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: among equals that of greater recall, then of higher threshold; 0 where none is so good.
    Source:
        torchmetrics.functional.classification.binary_precision_at_fixed_recall
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "min_recall": 0.9} → 0.6666666666666666
    """

    def best(curve: Curve) -> Best:
        exact, found = ratios(curve)
        return greatest(exact, found, curve.thresholds, found >= min_recall)

    return each_column(state, thresholds, best, with_threshold)


@metric(
    family="classification",
    of=scores,
    like=[
        *by_task(
            "sensitivity_at_specificity",
            tasks("min_specificity"),
            fixed={"with_threshold": True, "undefined": 0},
            **OPTIONS,
        ),
        as_keras("SensitivityAtSpecificity", "min_specificity"),
    ],
)
def sensitivity_at_specificity(
    state: State,
    *,
    min_specificity: Fraction,
    with_threshold: bool = False,
    undefined: Undefined = "nan",
    thresholds: Thresholds | None = None,
) -> Any:
    """The greatest sensitivity among the thresholds whose specificity is at least `min_specificity`.

    Formula:
        max tpr(t) over t with 1 - fpr(t) ≥ min_specificity
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: among equals the highest threshold; 0 (at a threshold of a million) where none is so good.
    Source:
        J. Yerushalmy, Statistical Problems in Assessing Methods of Medical Diagnosis, 1947, doi:10.2307/4586294
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "min_specificity": 0.5} → 1.0
    """

    def best(curve: Curve) -> Best:
        fpr, tpr = rates(curve, undefined)
        return first_greatest(tpr, limits_of(curve, "one"), 1.0 - fpr >= min_specificity)

    return each_column(state, thresholds, best, with_threshold)


@metric(
    family="classification",
    of=scores,
    like=[
        *by_task(
            "specificity_at_sensitivity",
            tasks("min_sensitivity"),
            fixed={"with_threshold": True, "undefined": 0},
            **OPTIONS,
        ),
        as_keras("SpecificityAtSensitivity", "min_sensitivity"),
    ],
)
def specificity_at_sensitivity(
    state: State,
    *,
    min_sensitivity: Fraction,
    with_threshold: bool = False,
    undefined: Undefined = "nan",
    thresholds: Thresholds | None = None,
) -> Any:
    """The greatest specificity among the thresholds whose sensitivity is at least `min_sensitivity`.

    Formula:
        max 1 - fpr(t) over t with tpr(t) ≥ min_sensitivity
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        As torchmetrics: among equals the highest threshold; 0 (at a threshold of a million) where none is so good.
    Source:
        J. Yerushalmy, Statistical Problems in Assessing Methods of Medical Diagnosis, 1947, doi:10.2307/4586294
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "min_sensitivity": 0.9} → 0.5
    """

    def best(curve: Curve) -> Best:
        fpr, tpr = rates(curve, undefined)
        return first_greatest(1.0 - fpr, limits_of(curve, "one"), tpr >= min_sensitivity)

    return each_column(state, thresholds, best, with_threshold)
