"""Whether what is said to happen with a probability happens as often: the reliability curve and its error."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from lossapi.definition import metric
from lossapi.domains import Array, Label, Probability, Weight
from lossapi.errors import DomainError, ParameterError, Unsupported
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.presets import sklearn
from lossapi.maps.averages import divided
from lossapi.maps.confusion import require_yes_no
from lossapi.maps.scores import places
from lossapi.maps.sklearn_scores import positives
from lossapi.maps.torchmetrics_tasks import by_task, scored, without
from lossapi.states import Counts

Bins = Annotated[int, Ge(1), Le(1 << 20)]
ARGUMENTS = "n_bins=15, norm='l1'"
TASKS = {
    "binary": f"{ARGUMENTS}, ignore_index=None",
    "multiclass": f"num_classes, {ARGUMENTS}, ignore_index=None",
    "": f"task, {ARGUMENTS}, num_classes=None, ignore_index=None",
}


def reliability(
    prediction: Probability[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    n_bins: Bins = 15,
    closed: Literal["left", "right"] = "left",
) -> Counts:
    """By bin of confidence the weight, that of what came true, and the sum of the confidences."""
    xp, several = namespace(prediction), prediction.ndim > target.ndim
    if not several:
        require_yes_no(target, "target", "scores of several classes have a class axis")
    confidence = xp.reshape(xp.max(prediction, axis=1) if several else prediction, (-1,))
    true = xp.reshape(xp.argmax(prediction, axis=1) == target if several else target == 1, (-1,))
    if closed == "right":
        inner = xp.linspace(0.0, 1.0, n_bins + 1, dtype=confidence.dtype)[1:-1]
        place = xp.searchsorted(inner, confidence, side="left")
    else:
        place = places(confidence, n_bins + 1) - 1
    each = None if weight is None else xp.reshape(xp.astype(weight, xp.float64), (-1,))
    known = confidence if each is None else each * xp.where(each == 0, 0.0, confidence)
    came = Counts.of_pairs(place, true, (n_bins + 1, 2), each, {}).table
    sums = Counts.of_pairs(place, xp.zeros_like(place), (n_bins + 1, 1), known, {}).table
    return Counts(xp.concat([xp.sum(came, axis=1, keepdims=True), came[:, 1:], sums], axis=1), {}, target.size)


def by_bin(counts: Counts) -> tuple[Array, Array, Array]:
    """The weight of each bin, how often it came true, and its mean confidence; 0 where nothing is in it."""
    weight, true, confidence = (counts.table[:, column] for column in range(3))
    return weight, divided(true, weight, 0.0), divided(confidence, weight, 0.0)


def probable(arguments: Arguments) -> Arguments:
    """scikit-learn's calibration curve: probabilities, bins of one width that are closed on the right."""
    if arguments.pop("strategy") != "uniform":
        raise Unsupported('strategy "uniform"', "quantile", ("strategy",))
    given = positives(arguments)
    score, xp = given["prediction"], namespace(given["prediction"])
    if not xp.all((score >= 0) & (score <= 1)):
        raise DomainError("probabilities in [0, 1]", "others", ("prediction",))
    return given


def unsaid(arguments: Arguments) -> Arguments:
    """The task is told by the shapes."""
    if arguments["task"] == "multilabel":
        raise ParameterError("task binary or multiclass", "multilabel", ("task",))
    return without(arguments, "task", "thresholds")


@metric(
    family="classification",
    of=reliability,
    like=by_task("calibration_error", TASKS, prepare=steps(scored, unsaid), averages=False),
)
def calibration_error(counts: Counts, *, norm: Literal["l1", "l2", "max"] = "l1") -> Array:
    """How far confidence is from how often it comes true, over bins of confidence: ECE, or RMS or the maximum.

    Formula:
        l1: Σ_b (n_b / n) |true_b - confidence_b|; l2: √Σ_b (n_b / n) (true_b - confidence_b)²; max: max_b |…|
    Shapes:
        prediction: probabilities (batch, *axes) of the positive class, or (batch, classes, *axes), of which the
        highest is the confidence; target: 0 or 1, or labels (batch, *axes)
    Convention:
        As torchmetrics: bins [a, b) of one width, and one more for what is exactly 1; for two classes the probability
        of the positive one is binned. With `closed` right the bins are (a, b].
    Source:
        M. P. Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015
        C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017
    Example:
        {"prediction": [0.25, 0.25, 0.55, 0.75, 0.75], "target": [0, 0, 1, 1, 1], "n_bins": 2} → 0.29
    """
    weight, true, confidence = by_bin(counts)
    xp = namespace(weight)
    gap, share = xp.abs(true - confidence), weight / xp.sum(weight)
    if norm == "max":
        return xp.max(gap)
    return xp.sum(gap * share) if norm == "l1" else xp.sqrt(xp.sum(gap * gap * share))


@metric(
    family="classification",
    of=reliability,
    like=[
        sklearn(
            "calibration_curve(y_true, y_prob, pos_label=None, n_bins=5, strategy='uniform')",
            {"y_prob": "prediction"},
            prepare=probable,
            fixed={"closed": "right", "with_weight": False},
            differs="of sklearn.calibration; bins of one width alone",
        )
    ],
)
def calibration_curve(counts: Counts, *, with_weight: bool = True) -> dict[str, Array]:
    """How often what is said with about the same probability comes true: the reliability diagram's points.

    Formula:
        in every bin that is not empty the share that came true, the mean confidence, and the weight
    Shapes:
        prediction: probabilities (batch, *axes) or (batch, classes, *axes); each value (bins that are not empty)
    Convention:
        As sklearn.calibration, which closes its bins on the right: `closed` right.
    Source:
        M. H. DeGroot and S. E. Fienberg, The Comparison and Evaluation of Forecasters, 1983, doi:10.2307/2987588
    Example:
        {"prediction": [0.25, 0.25, 0.55, 0.75, 0.75], "target": [0, 0, 1, 1, 0], "n_bins": 2} →
        {"prob_true": [0.0, 0.6666666666666666], "prob_pred": [0.25, 0.6833333333333333], "weight": [2.0, 3.0]}
    """
    weight, true, confidence = by_bin(counts)
    there = weight > 0
    value = {"prob_true": true[there], "prob_pred": confidence[there]}
    return {**value, "weight": weight[there]} if with_weight else value
