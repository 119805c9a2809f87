"""The four rates of error: of the negatives, of the positives, of those called positive and called negative."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.maps.averages import Labels, ZeroDivision, averaged
from lossapi.maps.confusion import SAMPLES, confusion
from lossapi.parameters import Average
from lossapi.states import Counts


@metric(family="classification", of=confusion, rows=SAMPLES)
def false_positive_rate(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of the negatives were called positive: fp / (fp + tn), the fall-out.

    Formula:
        fp / (fp + tn) = 1 - specificity
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        T. Fawcett, An Introduction to ROC Analysis, 2006, doi:10.1016/j.patrec.2005.10.010
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.5
    """
    return averaged(lambda tp, fp, fn, tn: (fp, fp + tn), counts, average, pos_label, zero_division, labels)


@metric(family="classification", of=confusion, rows=SAMPLES)
def false_negative_rate(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of the positives were missed: fn / (fn + tp), the miss rate.

    Formula:
        fn / (fn + tp) = 1 - recall
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        T. Fawcett, An Introduction to ROC Analysis, 2006, doi:10.1016/j.patrec.2005.10.010
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.3333333333333333
    """
    return averaged(lambda tp, fp, fn, tn: (fn, fn + tp), counts, average, pos_label, zero_division, labels)


@metric(family="classification", of=confusion, rows=SAMPLES)
def false_discovery_rate(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of those called positive are not: fp / (fp + tp).

    Formula:
        fp / (fp + tp) = 1 - precision
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        Y. Benjamini and Y. Hochberg, Controlling the False Discovery Rate, 1995, doi:10.1111/j.2517-6161.1995.tb02031.x
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.3333333333333333
    """
    return averaged(lambda tp, fp, fn, tn: (fp, fp + tp), counts, average, pos_label, zero_division, labels)


@metric(family="classification", of=confusion, rows=SAMPLES)
def false_omission_rate(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of those called negative are positive: fn / (fn + tn).

    Formula:
        fn / (fn + tn) = 1 - negative predictive value
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        D. G. Altman and J. M. Bland, Diagnostic Tests 2: Predictive Values, 1994, doi:10.1136/bmj.309.6947.102
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.5
    """
    return averaged(lambda tp, fp, fn, tn: (fn, fn + tn), counts, average, pos_label, zero_division, labels)
