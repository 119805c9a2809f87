"""Areas below curves seen at evenly spaced thresholds: constant memory, the numbers of Keras' streaming AUC."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from lossapi.definition import metric
from lossapi.domains import Array, Label, Probability, Weight
from lossapi.errors import Unsupported
from lossapi.functions import namespace, sigmoid
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import keras_metric, tf1
from lossapi.maps.averages import divided
from lossapi.maps.confusion import Task, is_multilabel
from lossapi.maps.keras_labels import against_scores
from lossapi.maps.scores import in_columns
from lossapi.parameters import NonNegative
from lossapi.states import Counts

Buckets = Annotated[int, Ge(3), Le(1 << 20)]
CurveName = Literal["ROC", "PR", "PRGAIN"]
Summation = Literal["interpolation", "minoring", "majoring"]


def buckets(
    prediction: Probability[Array, "batch *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    num_thresholds: Buckets = 200,
    task: Task | None = None,
) -> Counts:
    """By column how many negatives and positives lie above each threshold but not above the next."""
    score, positive, each = in_columns(prediction, target, weight, is_multilabel(prediction, target, task))
    xp, columns = namespace(score), score.shape[1]
    place = xp.astype(xp.clip(xp.ceil(score * (num_thresholds - 1)) - 1.0, 0.0, None), xp.int64)
    column = xp.broadcast_to(xp.arange(columns)[None, :], score.shape)
    wide = None if each is None else xp.broadcast_to(each, score.shape)
    counts = Counts.of_pairs(column, 2 * place + positive, (columns, 2 * num_thresholds), wide, {})
    return Counts(xp.reshape(counts.table, (columns, -1, 2)), {}, target.size)


def as_keras(arguments: Arguments) -> Arguments:
    """Keras' AUC of all elements together, or label by label; logits through the sigmoid."""
    given = dict(arguments)
    several = given.pop("multi_label")
    unknown = [name for name in ("thresholds", "num_labels", "label_weights") if given.pop(name, None) is not None]
    if unknown and unknown != ["num_labels"]:
        raise Unsupported("even thresholds, labels that weigh alike", unknown[0], (unknown[0],))
    if given.pop("from_logits"):
        given["prediction"] = sigmoid(1.0 * given["prediction"])
    if several:
        return {**given, "task": "multilabel", "align": None}
    return {**against_scores(given), "task": "binary"}


def as_tf1(arguments: Arguments) -> Arguments:
    """TensorFlow 1's AUC, which adds a little to every count."""
    method = arguments["summation_method"]
    if method == "careful_interpolation" or arguments.pop("thresholds") is not None:
        raise Unsupported(
            "even thresholds summed up by trapezoids, minoring or majoring", method, ("summation_method",)
        )
    known = {"trapezoidal": "interpolation"}
    return {**against_scores(arguments), "task": "binary", "summation_method": known.get(method, method)}


@metric(
    family="classification",
    of=buckets,
    like=[
        keras_metric(
            "metrics.AUC(y_true, y_pred, sample_weight=None, num_thresholds=200, curve='ROC', "
            "summation_method='interpolation', thresholds=None, multi_label=False, num_labels=None, "
            "label_weights=None, from_logits=False)",
            prepare=as_keras,
            differs="no thresholds of one's own, no label_weights",
        ),
        tf1(
            "metrics.auc(labels, predictions, weights=None, num_thresholds=200, curve='ROC', "
            "summation_method='trapezoidal', thresholds=None)",
            prepare=as_tf1,
            fixed={"epsilon": 1e-6},
            differs="no careful_interpolation, no thresholds of one's own",
        ),
    ],
)
def binned_roc_auc(
    counts: Counts,
    *,
    curve: CurveName = "ROC",
    summation_method: Summation = "interpolation",
    epsilon: NonNegative = 0.0,
) -> Array:
    """The area under the ROC curve (or precision against recall, or their gains) seen at evenly spaced thresholds.

    Formula:
        Σ (x_j - x_j+1) h_j over thresholds j / (T - 1), h the mean, least or greatest of neighbouring heights
    Shapes:
        prediction: probabilities (batch, *axes); target: 0 or 1; several labels a row (batch, labels): the mean
    Convention:
        As Keras: a score on a threshold is not above it, but 0 is above the first. PR with interpolation is Davis and
        Goadrich's; TensorFlow 1 adds `epsilon` 1e-6 to counts. An estimate: the exact area is a metric of its own.
    Source:
        J. Davis and M. Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006,
        doi:10.1145/1143844.1143874
    Example:
        {"prediction": [0.0, 0.5, 0.3, 0.9], "target": [0, 0, 1, 1], "num_thresholds": 3} → 0.75
    """
    xp = namespace(counts.table)
    above = xp.flip(xp.cumulative_sum(xp.flip(counts.table, axis=1), axis=1), axis=1)
    fp, tp = xp.astype(above[:, :, 0], xp.float64), xp.astype(above[:, :, 1], xp.float64)
    if curve == "PR" and summation_method == "interpolation" and epsilon == 0:
        return xp.mean(interpolated(tp, fp))
    x, y = COORDINATES[curve](tp, fp, epsilon)
    left, right = y[:, :-1], y[:, 1:]
    heights = {"interpolation": 0.5 * (left + right), "minoring": xp.minimum(left, right)}
    height = heights.get(summation_method, xp.maximum(left, right))
    return xp.mean(xp.sum((x[:, :-1] - x[:, 1:]) * height, axis=1))


def interpolated(tp: Array, fp: Array) -> Array:
    """Precision over recall between thresholds, true and false positives growing at one rate."""
    xp = namespace(tp)
    called, gained = tp + fp, tp[:, :-1] - tp[:, 1:]
    slope = divided(gained, xp.clip(called[:, :-1] - called[:, 1:], 0.0, None), 0.0)
    intercept = tp[:, 1:] - slope * called[:, 1:]
    growing = (called[:, :-1] > 0) & (called[:, 1:] > 0)
    ratio = xp.where(growing, divided(called[:, :-1], called[:, 1:], 1.0), 1.0)
    part = slope * (gained + intercept * xp.log(ratio))
    return xp.sum(divided(part, 0.0 * part + tp[:, :1], 0.0), axis=1)


def of_rates(tp: Array, fp: Array, epsilon: float) -> tuple[Array, Array]:
    """False positive rate and recall."""
    positives, negatives = tp[:, :1] + 0.0 * tp, fp[:, :1] + 0.0 * fp
    return divided(fp, negatives + epsilon, 0.0), divided(tp + epsilon, positives + epsilon, 0.0)


def of_precision(tp: Array, fp: Array, epsilon: float) -> tuple[Array, Array]:
    """Recall and precision."""
    return of_rates(tp, fp, epsilon)[1], divided(tp + epsilon, tp + fp + epsilon, 0.0)


def of_gains(tp: Array, fp: Array, epsilon: float) -> tuple[Array, Array]:
    """The gains of both over always saying yes."""
    xp = namespace(tp)
    odds = divided(tp[:, :1] + 0.0 * tp, fp[:, :1] + 0.0 * fp, 0.0)
    found = 1.0 - odds * divided(tp[:, :1] - tp, tp, 0.0)
    right = 1.0 - odds * divided(fp, tp, 0.0)
    none = tp == 0
    return xp.clip(xp.where(none, 0.0, found), 0.0, None), xp.where(none, 1.0, right)


COORDINATES = {"ROC": of_rates, "PR": of_precision, "PRGAIN": of_gains}
