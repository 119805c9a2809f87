"""How well negatives are known: specificity and negative predictive value."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.maps.averages import Labels, ZeroDivision, averaged
from lossapi.maps.confusion import SAMPLES, confusion
from lossapi.maps.torchmetrics_tasks import STATISTICS, by_task
from lossapi.parameters import Average
from lossapi.states import Counts


@metric(family="classification", of=confusion, rows=SAMPLES, like=by_task("specificity", STATISTICS))
def specificity(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of the negatives were called negative: tn / (tn + fp), the true negative rate.

    Formula:
        tn / (tn + fp)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        J. Yerushalmy, Statistical Problems in Assessing Methods of Medical Diagnosis, 1947, doi:10.2307/4586294
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.5
    """
    return averaged(lambda tp, fp, fn, tn: (tn, tn + fp), counts, average, pos_label, zero_division, labels)


@metric(
    family="classification",
    of=confusion,
    rows=SAMPLES,
    like=by_task("negative_predictive_value", STATISTICS, last="zero_division=0"),
)
def negative_predictive_value(
    counts: Counts,
    *,
    average: Average = "binary",
    pos_label: int = 1,
    zero_division: ZeroDivision = 0,
    labels: Labels = None,
) -> Array:
    """How many of those called negative are: tn / (tn + fn).

    Formula:
        tn / (tn + fn)
    Shapes:
        target: labels (batch, *axes); prediction: labels or scores of that shape, or scores with a class axis more
    Convention:
        A macro average leaves out classes that are in neither tensor; 0/0 is `zero_division`.
    Source:
        D. G. Altman and J. M. Bland, Diagnostic Tests 2: Predictive Values, 1994, doi:10.1136/bmj.309.6947.102
    Example:
        {"prediction": [1, 1, 0, 1, 0], "target": [1, 0, 0, 1, 1]} → 0.5
    """
    return averaged(lambda tp, fp, fn, tn: (tn, tn + fn), counts, average, pos_label, zero_division, labels)
