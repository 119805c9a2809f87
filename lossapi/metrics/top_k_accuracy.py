"""How often the true class is among the highest scores."""

from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array, Label, Real, Weight
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace, pick, tally
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import keras_metric, sklearn
from lossapi.maps.row_means import mean, weighed
from lossapi.maps.sklearn_labels import DIFFERS, distinct, occurring, one_column, ranks, whole
from lossapi.maps.sklearn_scores import finite
from lossapi.parameters import Count
from lossapi.states import Counts


def among_the_highest(
    prediction: Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    k: Count = 2,
    ties: Literal["order", "in"] = "order",
) -> Counts:
    """How much of the weight has fewer than `k` classes before the true one."""
    xp = namespace(prediction)
    own = xp.expand_dims(pick(prediction, target, axis=1), axis=1)
    before = tally(prediction > own, axis=1)
    equal = prediction == own
    tied = xp.count_nonzero(equal) != own.size or xp.any(own != own)  # without ties each is equal to itself alone
    if tied and ties == "order":
        place = xp.reshape(xp.arange(prediction.shape[1]), (1, -1) + (1,) * (prediction.ndim - 2))
        before = before + tally(equal & (place > xp.expand_dims(target, axis=1)), axis=1)
    return weighed(before < k, weight, target.size)


def known_classes(arguments: Arguments) -> Arguments:
    """scikit-learn's classes, in order; of two, a score above ½ is the second, or above 0 where scores leave [0, 1]."""
    given = dict(arguments)
    target, score = whole(one_column(given["target"]), "target"), finite(given["prediction"], "prediction")
    labels, classes, xp = given.pop("labels"), occurring(target), namespace(target)
    known = classes if labels is None else distinct(labels)
    if known != sorted(known) or not set(classes) <= set(known):
        raise ParameterError("labels in order, those of the target among them", repr(labels), ("labels",))
    if len(classes) <= 2 and len(known) <= 2:
        score = one_column(score)
        if score.ndim != 1 or len(known) != 2:
            raise ShapeError("one score for each of two classes", f"shape {score.shape}", ("prediction",))
        limit = 0.5 if xp.all((score >= 0) & (score <= 1)) else 0.0
        second = xp.astype(score > limit, xp.float64)
        score = xp.stack([1.0 - second, second], axis=1)
    if score.ndim != 2 or score.shape[1] != len(known):
        raise ShapeError(f"scores of {len(known)} classes", f"shape {score.shape}", ("prediction",))
    return {**given, "target": ranks(target, known), "prediction": score}


def of_one_hot(arguments: Arguments) -> Arguments:
    """Keras' rows: classes last, the true one the greatest of its row."""
    target, xp = arguments["target"], namespace(arguments["target"])
    return of_indices({**arguments, "target": xp.argmax(target, axis=-1)})


def of_indices(arguments: Arguments) -> Arguments:
    """Keras' rows laid flat: classes last, weights of rows."""
    prediction, target, weight = (arguments[name] for name in ("prediction", "target", "weight"))
    xp = namespace(prediction)
    if arguments.pop("from_sorted_ids", False):
        raise ParameterError("scores (from_sorted_ids false)", "true", ("from_sorted_ids",))
    flat = xp.astype(xp.reshape(target, (-1,)), xp.int64)
    laid = {"prediction": xp.reshape(prediction, (-1, prediction.shape[-1])), "target": flat}
    return {**arguments, **laid, "weight": None if weight is None else xp.reshape(weight, (-1,)), "align": None}


@metric(
    family="classification",
    of=among_the_highest,
    like=[
        sklearn(
            "top_k_accuracy_score(y_true, y_score, k=2, normalize=True, sample_weight=None, labels=None)",
            {"y_score": "prediction"},
            prepare=known_classes,
            differs=DIFFERS,
        ),
        keras_metric(
            "metrics.TopKCategoricalAccuracy(y_true, y_pred, sample_weight=None, k=5)",
            prepare=of_one_hot,
            fixed={"ties": "in"},
        ),
        keras_metric(
            "metrics.SparseTopKCategoricalAccuracy(y_true, y_pred, sample_weight=None, k=5, from_sorted_ids=False)",
            prepare=of_indices,
            fixed={"ties": "in"},
            differs="scores alone: from_sorted_ids false",
        ),
    ],
)
def top_k_accuracy(counts: Counts, *, normalize: bool = True) -> Array:
    """The share of elements whose true class is among the `k` with the highest scores.

    Formula:
        #(rank of the true class ≤ k) / n
    Shapes:
        prediction: scores (batch, classes, *axes); target: labels (batch, *axes)
    Convention:
        As scikit-learn: of equal scores the class with the greater index comes first; with `ties` in, as Keras and
        TensorFlow, the true class comes before its equals.
    Source:
        sklearn.metrics.top_k_accuracy_score
    Example:
        {"prediction": [[0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.2, 0.4, 0.4]], "target": [0, 2, 0], "k": 2} →
        0.6666666666666666
    """
    return mean(counts) if normalize else counts.table[0]
