"""The area under the precision-recall-gain curve."""

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.maps.scores import Average, Curve, Thresholds, over_columns, scores, trapezoid
from lossapi.states import State


@metric(family="classification", of=scores)
def precision_recall_gain_auc(
    state: State, *, average: Average = "macro", thresholds: Thresholds | None = None
) -> Array:
    """The area under the curve of precision gain against recall gain, which counts from always saying yes.

    Formula:
        gain(x) = (x - π) / ((1 - π) x), π = P / (P + N); ∫ gain(precision) d gain(recall) over recall gains from 0
    Shapes:
        target: 0 or 1 (batch, *axes), several labels a row (batch, labels), or classes; a number, or one for each
    Convention:
        Between its points, and back to where the recall gain is 0, the curve is a straight line, as Flach and Kull
        show; precision gains below 0 count as they are. NaN where only one class is there.
    Source:
        P. Flach and M. Kull, Precision-Recall-Gain Curves: PR Analysis Done Right, NeurIPS 2015
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → 0.25
    """
    return over_columns(state, gain, average, thresholds)


def gain(curve: Curve) -> Array:
    """The area of one curve, from where as many are found as by always saying yes to a share of π."""
    xp = namespace(curve.tp)
    if not curve.positives * curve.negatives > 0:
        return xp.asarray(xp.nan)
    odds = curve.positives / curve.negatives
    every = ((curve.tp, curve.positives), (curve.fp, curve.negatives))
    tp, fp = (xp.concat([xp.zeros(1), each, xp.reshape(all_, (1,))]) for each, all_ in every)
    first = curve.positives * curve.positives / (curve.positives + curve.negatives)
    after = int(xp.searchsorted(tp, xp.asarray(first, dtype=tp.dtype), side="right"))
    share = (first - tp[after - 1]) / (tp[after] - tp[after - 1])
    crossing = xp.reshape(fp[after - 1] + share * (fp[after] - fp[after - 1]), (1,))
    found = xp.concat([xp.asarray([first], dtype=tp.dtype), tp[after:]])
    wrong = xp.concat([crossing, fp[after:]])
    return trapezoid(1.0 - odds * wrong / found, 1.0 - odds * (curve.positives - found) / found)
