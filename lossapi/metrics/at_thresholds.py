"""Counts and their ratios at every threshold, or at those that are asked for."""

from lossapi.definition import metric
from lossapi.domains import Array, Label, Real, Weight
from lossapi.functions import namespace
from lossapi.libraries.presets import Preset, sklearn, tf1
from lossapi.maps.averages import ZeroDivision, divided
from lossapi.maps.confusion import Task, is_multilabel
from lossapi.maps.keras_labels import against_scores
from lossapi.maps.scores import Curve, Thresholds, ascending, collected, curves, in_columns, one_column, scores
from lossapi.maps.sklearn_labels import DIFFERS
from lossapi.maps.sklearn_scores import positives
from lossapi.score_tables import Table
from lossapi.states import Counts, State


def above_thresholds(
    prediction: Real[Array, "batch *axes"] | Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    thresholds: Thresholds,
    task: Task | None = None,
) -> Table | Counts:
    """How many positives and negatives lie between the thresholds; what equals one is not above it."""
    score, positive, weight = in_columns(prediction, target, weight, is_multilabel(prediction, target, task))
    return collected(score, positive, weight, target.size, thresholds, inclusive=False)


def as_tf1(name: str) -> Preset:
    """TensorFlow 1's function of all elements together."""
    return tf1(
        f"metrics.{name}(labels, predictions, thresholds, weights=None)",
        prepare=against_scores,
        fixed={"task": "binary"},
        differs="without the 1e-7 that it adds to divisors",
    )


def at_each(curve: Curve, thresholds: Thresholds) -> tuple[Array, Array]:
    """True and false positives at the thresholds, in the order they were asked for."""
    xp = namespace(curve.tp)
    if isinstance(thresholds, int):
        return xp.flip(curve.tp), xp.flip(curve.fp)
    places = xp.searchsorted(xp.asarray(ascending(thresholds)), xp.asarray(thresholds))
    return xp.take(xp.flip(curve.tp), places), xp.take(xp.flip(curve.fp), places)


@metric(
    family="classification",
    of=scores,
    like=[
        sklearn(
            "confusion_matrix_at_thresholds(y_true, y_score, pos_label=None, sample_weight=None)",
            {"y_score": "prediction"},
            prepare=positives,
            differs=DIFFERS,
        ),
        sklearn(
            "metric_at_thresholds(y_true, y_score, metric_func, sample_weight=None, metric_params=None)",
            refused="it calls a function of Python at each threshold; here the four cells at every threshold are one "
            "answer, from which any such metric follows",
        ),
    ],
)
def confusion_matrix_at_thresholds(state: State, *, thresholds: Thresholds | None = None) -> dict[str, Array]:
    """The four cells at every score that occurs (or at `thresholds`), from the highest down.

    Formula:
        tn(t), fp(t), fn(t), tp(t), positive being a score of at least t
    Shapes:
        target: 0 or 1 (batch, *axes); each value (thresholds)
    Convention:
        As scikit-learn.
    Source:
        sklearn.metrics.confusion_matrix_at_thresholds
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1]} → {"tns": [2.0, 1.0, 1.0, 0.0],
        "fps": [0.0, 1.0, 1.0, 2.0], "fns": [1.0, 1.0, 0.0, 0.0], "tps": [1.0, 1.0, 2.0, 2.0],
        "thresholds": [0.8, 0.4, 0.35, 0.1]}
    """
    one_column(state)
    (curve,) = curves(state, thresholds)
    fp, tp = curve.fp, curve.tp
    return {
        "tns": curve.negatives - fp,
        "fps": fp,
        "fns": curve.positives - tp,
        "tps": tp,
        "thresholds": curve.thresholds,
    }


@metric(family="classification", of=above_thresholds, like=[as_tf1("precision_at_thresholds")])
def precision_at_thresholds(state: State, *, thresholds: Thresholds, zero_division: ZeroDivision = 0) -> Array:
    """How many of those with a score above each threshold are positive.

    Formula:
        tp(t) / (tp(t) + fp(t)) over the elements with a score above t
    Shapes:
        target: 0 or 1 (batch, *axes); value: (thresholds); several labels or classes: (classes, thresholds)
    Convention:
        As Keras and TensorFlow 1: a score that equals the threshold is not above it; 0/0 is `zero_division`.
    Source:
        tf.compat.v1.metrics.precision_at_thresholds
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "thresholds": [0.3, 0.4]} →
        [0.6666666666666666, 1.0]
    """
    found = [at_each(curve, thresholds) for curve in curves(state, thresholds)]
    values = [divided(tp, tp + fp, float(zero_division)) for tp, fp in found]
    return values[0] if len(values) == 1 else namespace(values[0]).stack(values)


@metric(family="classification", of=above_thresholds, like=[as_tf1("recall_at_thresholds")])
def recall_at_thresholds(state: State, *, thresholds: Thresholds, zero_division: ZeroDivision = 0) -> Array:
    """How many of the positives have a score above each threshold.

    Formula:
        tp(t) / P, tp(t) being the positives with a score above t
    Shapes:
        target: 0 or 1 (batch, *axes); value: (thresholds); several labels or classes: (classes, thresholds)
    Convention:
        As Keras and TensorFlow 1: a score that equals the threshold is not above it; 0/0 is `zero_division`.
    Source:
        tf.compat.v1.metrics.recall_at_thresholds
    Example:
        {"prediction": [0.1, 0.4, 0.35, 0.8], "target": [0, 0, 1, 1], "thresholds": [0.3, 0.4]} → [1.0, 0.5]
    """
    found = [(at_each(curve, thresholds)[0], curve.positives) for curve in curves(state, thresholds)]
    values = [divided(tp, every + 0 * tp, float(zero_division)) for tp, every in found]
    return values[0] if len(values) == 1 else namespace(values[0]).stack(values)
