"""How well scores rank the labels that a row has before those it has not."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Weight, YesNo
from lossapi.errors import DomainError, ShapeError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import Preset, sklearn, torchmetrics
from lossapi.maps.averages import divided
from lossapi.maps.row_means import mean, weighed
from lossapi.maps.sklearn_scores import finite
from lossapi.maps.torchmetrics_tasks import DIFFERS, as_task, scored, without
from lossapi.states import Counts


def indicated(arguments: Arguments) -> Arguments:
    """scikit-learn's several labels a row, and finite scores."""
    target, prediction = arguments["target"], finite(arguments["prediction"], "prediction")
    if target.ndim != 2 or target.shape[1] < 2:
        raise ShapeError("several labels a row", f"shape {target.shape}", ("target",))
    if not namespace(target).all((target == 0) | (target == 1)):
        raise DomainError("0 or 1", "others", ("target",))
    return {**arguments, "prediction": prediction}


def unsaid(arguments: Arguments) -> Arguments:
    """The task is told by the shapes."""
    if arguments.get("ignore_index") is not None:
        raise Unsupported("no ignore_index", str(arguments["ignore_index"]), ("ignore_index",))
    return without(arguments, "task", "thresholds")


def presets(theirs: str, name: str, differs: str = DIFFERS) -> list[Preset]:
    """The function of either library."""
    head = f"multilabel_{name}(preds, target, num_labels, ignore_index=None)"
    return [
        sklearn(f"{theirs}(y_true, y_score, sample_weight=None)", {"y_score": "prediction"}, prepare=indicated),
        torchmetrics(head, prepare=steps(as_task("multilabel", False), scored, unsaid), differs=differs),
    ]


def counted(target: Array, weight: Array | None) -> tuple[Array, Array, Array]:
    """Which labels are there, which are not, leaving out those without weight; and the weight of each row."""
    xp = namespace(target)
    each = xp.ones(target.shape) if weight is None else weight
    has, counts = target == 1, each != 0
    return has & counts, ~has & counts, xp.max(each, axis=1) if target.shape[1] else xp.ones(target.shape[0])


def farthest(
    prediction: Real[Array, "batch classes"],
    target: YesNo[Array, "batch classes"],
    weight: Weight[Array, "batch classes"] | None = None,
) -> Counts:
    """How many labels have at least the lowest score of those that are there."""
    xp = namespace(prediction)
    there, other, row = counted(target, weight)
    lowest = xp.min(xp.where(there, prediction, xp.inf), axis=1, keepdims=True)
    reached = (there | other) & (prediction >= lowest) & xp.any(there, axis=1, keepdims=True)
    return weighed(xp.sum(reached, axis=1), row, target.size)


def precisions(
    prediction: Real[Array, "batch classes"],
    target: YesNo[Array, "batch classes"],
    weight: Weight[Array, "batch classes"] | None = None,
) -> Counts:
    """Of the labels ranked at or above each one that is there, the share that is; averaged over these."""
    xp = namespace(prediction)
    there, other, row = counted(target, weight)
    total = xp.zeros(target.shape[0])
    for place in range(target.shape[1]):
        above = prediction >= prediction[:, place : place + 1]
        hits, all_ = xp.sum(above & there, axis=1), xp.sum(above & (there | other), axis=1)
        total = total + xp.where(there[:, place], divided(1.0 * hits, 1.0 * all_, 0.0), 0.0)
    mixed = xp.any(there, axis=1) & xp.any(other, axis=1)
    each = divided(total, 1.0 * xp.sum(there, axis=1), 1.0)
    return weighed(xp.where(mixed, each, 1.0), row, target.size)


def disorders(
    prediction: Real[Array, "batch classes"],
    target: YesNo[Array, "batch classes"],
    weight: Weight[Array, "batch classes"] | None = None,
) -> Counts:
    """The share of pairs in which a label that is there has no higher score than one that is not."""
    xp = namespace(prediction)
    there, other, row = counted(target, weight)
    wrong = xp.zeros(target.shape[0])
    for place in range(target.shape[1]):
        behind = xp.sum(there & (prediction <= prediction[:, place : place + 1]), axis=1)
        wrong = wrong + xp.where(other[:, place], behind, 0)
    pairs = 1.0 * xp.sum(there, axis=1) * xp.sum(other, axis=1)
    return weighed(divided(wrong, pairs, 0.0), row, target.size)


@metric(family="classification", of=farthest, like=presets("coverage_error", "coverage_error"))
def coverage_error(counts: Counts) -> Array:
    """How far down the ranking one must go, on average, to meet every label that is there.

    Formula:
        mean over rows of max rank of a label that is there, by score from the highest; 0 where none is
    Shapes:
        prediction: scores (batch, classes); target: 0 or 1 (batch, classes); weight: (batch)
    Convention:
        As scikit-learn: equal scores have the lowest of their ranks, that is the greatest number.
    Source:
        G. Tsoumakas, I. Katakis and I. Vlahavas, Mining Multi-label Data, 2010, doi:10.1007/978-0-387-09823-4_34
    Example:
        {"prediction": [[0.75, 0.5, 1.0], [1.0, 0.2, 0.1]], "target": [[1, 0, 0], [0, 0, 1]]} → 2.5
    """
    return mean(counts)


@metric(
    family="classification",
    of=precisions,
    like=presets("label_ranking_average_precision_score", "ranking_average_precision"),
)
def label_ranking_average_precision(counts: Counts) -> Array:
    """For each label that is there the share of such labels among those ranked at least as high, averaged.

    Formula:
        mean over rows of mean over labels j that are there of #(there, score ≥ s_j) / #(score ≥ s_j)
    Shapes:
        prediction: scores (batch, classes); target: 0 or 1 (batch, classes); weight: (batch)
    Convention:
        As scikit-learn: 1 where all labels are there, or none is.
    Source:
        G. Tsoumakas, I. Katakis and I. Vlahavas, Mining Multi-label Data, 2010, doi:10.1007/978-0-387-09823-4_34
    Example:
        {"prediction": [[0.75, 0.5, 1.0], [1.0, 0.2, 0.1]], "target": [[1, 0, 0], [0, 0, 1]]} → 0.41666666666666663
    """
    return mean(counts)


@metric(
    family="classification",
    of=disorders,
    like=presets(
        "label_ranking_loss", "ranking_loss", f"{DIFFERS}; equal scores are a wrong pair, torchmetrics orders them"
    ),
)
def label_ranking_loss(counts: Counts) -> Array:
    """The share of pairs, of a label that is there and one that is not, which the scores order wrongly.

    Formula:
        mean over rows of #(j there, k not, s_j ≤ s_k) / (#there · #not)
    Shapes:
        prediction: scores (batch, classes); target: 0 or 1 (batch, classes); weight: (batch)
    Convention:
        As scikit-learn: 0 where all labels are there, or none is; equal scores are wrong.
    Source:
        G. Tsoumakas, I. Katakis and I. Vlahavas, Mining Multi-label Data, 2010, doi:10.1007/978-0-387-09823-4_34
    Example:
        {"prediction": [[0.75, 0.5, 1.0], [1.0, 0.2, 0.1]], "target": [[1, 0, 0], [0, 0, 1]]} → 0.75
    """
    return mean(counts)
