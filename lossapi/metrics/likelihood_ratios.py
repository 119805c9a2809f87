"""By how much a positive or a negative call changes the odds."""

from collections.abc import Mapping
from math import inf, isfinite, nan
from typing import Any, Literal

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import Labels, table_of
from lossapi.maps.confusion import confusion
from lossapi.maps.sklearn_labels import DIFFERS, occurring_labels
from lossapi.states import Counts

Undefined = float | Literal["nan", "inf"]


def ratios(
    counts: Counts, no_false_positive: float, no_true_negative: float, labels: Labels = None
) -> tuple[Array, Array]:
    """Both ratios, and what each is where nothing stands below it."""
    table = 1.0 * table_of(counts.table, labels)
    if table.shape != (2, 2):
        raise ShapeError("two classes", str(len(table)), ("target",))
    tn, fp, fn, tp = table[0, 0], table[0, 1], table[1, 0], table[1, 1]
    xp = namespace(tp)
    up, down = tp * (tn + fp) / (fp * (tp + fn)), fn * (tn + fp) / (tn * (tp + fn))
    return xp.where(fp == 0, no_false_positive, up), xp.where(tn == 0, no_true_negative, down)


def two_classes(arguments: Arguments) -> Arguments:
    """As scikit-learn: two labels, in the order asked for; one number stands for both ratios."""
    asked, replaced = arguments.get("labels"), arguments.pop("replace_undefined_by")
    known = occurring_labels({**arguments, "labels": None})["num_classes"]
    given = occurring_labels(arguments)
    first = namespace(given["target"]).any(given["target"] < 2)
    if known > 2 or (asked is None and known < 2) or given.get("labels", [0, 1]) != [0, 1] or not first:
        raise ShapeError("two classes, and labels of both", f"{known} and {asked}", ("target",))
    return {**given, **_replacements(replaced)}


def _replacements(replaced: Any) -> Arguments:
    both = {"LR+": replaced, "LR-": replaced} if replaced in (1, None) or replaced != replaced else replaced
    known = isinstance(both, Mapping) and {"LR+", "LR-"} <= both.keys()
    if not known:
        raise ParameterError('replace_undefined_by NaN, 1, or {"LR+", "LR-"}', repr(replaced))
    up, down = (_bound(both[name], *bounds) for name, bounds in (("LR+", (1.0, inf)), ("LR-", (0.0, 1.0))))
    return {"no_false_positive": up, "no_true_negative": down}


def _bound(value: Any, low: float, high: float) -> Any:
    """A replacement in our words, within what the ratio may be where it is no use."""
    number = nan if value is None else float(value)
    if number == number and not low <= number <= high:
        raise ParameterError(f"a replacement in [{low:g}, {high:g}]", repr(value), ("replace_undefined_by",))
    return number if isfinite(number) else "nan" if number != number else "inf"


@metric(
    family="classification",
    of=confusion,
    like=[
        sklearn(
            "class_likelihood_ratios(y_true, y_pred, labels=None, sample_weight=None, replace_undefined_by=None)",
            prepare=two_classes,
            differs=DIFFERS,
        )
    ],
)
def likelihood_ratios(
    counts: Counts,
    *,
    no_false_positive: Undefined = "nan",
    no_true_negative: Undefined = "nan",
    labels: Labels = None,
) -> dict[str, Array]:
    """By what a positive and by what a negative call multiply the odds.

    Formula:
        (tp / (tp + fn)) / (fp / (fp + tn)) and (fn / (tp + fn)) / (tn / (fp + tn))
    Shapes:
        target: 0 or 1 (batch, *axes); prediction: 0 or 1, or scores of that shape
    Convention:
        As scikit-learn: NaN, or what is asked for, where no negative was called positive, or none negative.
    Source:
        J. J. Deeks and D. G. Altman, Diagnostic Tests 4: Likelihood Ratios, 2004, doi:10.1136/bmj.329.7458.168
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → {"positive": 1.3333333333333333,
        "negative": 0.6666666666666666}
    """
    up, down = ratios(counts, float(no_false_positive), float(no_true_negative), labels)
    return {"positive": up, "negative": down}


@metric(family="classification", of=confusion)
def positive_likelihood_ratio(counts: Counts, *, replace_undefined_by: Undefined = "nan") -> Array:
    """By what a positive call multiplies the odds: the true positive rate over the false positive rate.

    Formula:
        (tp / (tp + fn)) / (fp / (fp + tn))
    Shapes:
        target: 0 or 1 (batch, *axes); prediction: 0 or 1, or scores of that shape
    Convention:
        As scikit-learn: NaN, or `replace_undefined_by`, where no negative was called positive.
    Source:
        J. J. Deeks and D. G. Altman, Diagnostic Tests 4: Likelihood Ratios, 2004, doi:10.1136/bmj.329.7458.168
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 1.3333333333333333
    """
    return ratios(counts, float(replace_undefined_by), 0.0)[0]


@metric(family="classification", of=confusion)
def negative_likelihood_ratio(counts: Counts, *, replace_undefined_by: Undefined = "nan") -> Array:
    """By what a negative call multiplies the odds: the false negative rate over the true negative rate.

    Formula:
        (fn / (tp + fn)) / (tn / (fp + tn))
    Shapes:
        target: 0 or 1 (batch, *axes); prediction: 0 or 1, or scores of that shape
    Convention:
        As scikit-learn: NaN, or `replace_undefined_by`, where no negative was called negative.
    Source:
        J. J. Deeks and D. G. Altman, Diagnostic Tests 4: Likelihood Ratios, 2004, doi:10.1136/bmj.329.7458.168
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.6666666666666666
    """
    return ratios(counts, 0.0, float(replace_undefined_by))[1]
