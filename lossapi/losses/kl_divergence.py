"""How far a predicted distribution is from the true one."""

from lossapi.definition import loss
from lossapi.domains import Array, MaybeLogProbability, Rows, Score
from lossapi.functions import clip, floored_log, log_softmax, namespace
from lossapi.libraries.conventions import Arguments, floating, nan_where, steps
from lossapi.libraries.layouts import along_axes, by_element, keras_plain_pair
from lossapi.libraries.presets import keras, optax, torch
from lossapi.maps.divergences import relative_entropy
from lossapi.parameters import LogFloor

PAIR = ("prediction", "target")
UNCHECKED = frozenset(PAIR)
LAST = {"class_axis": -1, "log_prediction": True}


def _nothing_times_infinity(arguments: Arguments) -> Arguments:
    """PyTorch and optax multiply 0 by an infinite log-probability, or by an infinite log-target."""
    if arguments.get("log_target"):
        return nan_where("target", lambda target, _: target == float("-inf"))(arguments)
    return nan_where("target", lambda target, logs: (target == 0) & (abs(logs) == float("inf")))(arguments)


@loss(
    family="distribution",
    like=[
        torch(
            "kl_div(input, target, reduction='mean', log_target=False)",
            reductions={"batchmean": "batch_mean"},
            prepare=steps(floating(*PAIR), _nothing_times_infinity, by_element),
            fixed=LAST,
            unchecked=UNCHECKED,
            differs="takes log-probabilities; never summed over classes: `mean` divides by every element, `batchmean` "
            "by the rows; a target of 0 under a log-probability of -inf gives NaN",
        ),
        *keras(
            "kl_divergence(y_true, y_pred)",
            "KLDivergence",
            metric="KLDivergence",
            aliases=("kullback_leibler_divergence", "kld", "KLD"),
            prepare=keras_plain_pair,
            fixed={"class_axis": -1, "log_floor": 1e-7},
            unchecked=UNCHECKED,
            differs="probabilities of targets and predictions are held in [1e-7, 1]; summed over the last axis",
        ),
        optax(
            "kl_divergence(log_predictions, targets, axis=-1, where=None)",
            {"log_predictions": "prediction"},
            prepare=steps(floating(*PAIR), _nothing_times_infinity, along_axes(*PAIR)),
            tensors=("where",),
            fixed=LAST,
            unchecked=UNCHECKED,
            differs="takes log-probabilities; a target of 0 under a log-probability of -inf gives NaN",
        ),
        optax(
            "kl_divergence_with_log_targets(log_predictions, log_targets, axis=-1, where=None)",
            {"log_predictions": "prediction", "log_targets": "target"},
            prepare=steps(
                floating(*PAIR),
                lambda arguments: _nothing_times_infinity(arguments | {"log_target": True}),
                along_axes(*PAIR),
            ),
            tensors=("where",),
            fixed={**LAST, "log_target": True},
            unchecked=UNCHECKED,
            differs="takes log-probabilities of both; a log-target of -inf gives NaN",
        ),
    ],
)
def kl_divergence(
    prediction: Score[Array, "batch classes *axes"] | Score[Array, "classes"],
    target: MaybeLogProbability[Array, "batch classes *axes"] | MaybeLogProbability[Array, "classes"],
    *,
    from_logits: bool = False,
    log_prediction: bool = False,
    log_target: bool = False,
    log_floor: LogFloor | None = None,
) -> Rows[Array, "batch *axes"]:
    """What it costs to expect the predicted distribution over classes where the target distribution holds.

    Formula:
        Σ_c y_c (log y_c - log p_c), 0 where y_c is 0; p = softmax(prediction) under from_logits
    Shapes:
        prediction, target: (batch, classes, *axes), classes at class_axis, or one distribution (classes); one value
        per (batch, *axes)
    Units:
        nats
    Convention:
        Divergence of the prediction from the target, KL(target ‖ prediction), summed over the classes, then reduced
        over the rows, as in Keras and optax; PyTorch's `mean` divides by the classes too. Exact: a probability of 0
        where the target has some costs infinity. `log_floor` 1e-7 holds both in [1e-7, 1], as Keras does.
    Errata:
        The divergence is not symmetric: Σ y log(y/p) is not Σ p log(p/y). It is the cross-entropy minus the
        entropy of the target, once, not n times.
    Raises:
        domain: a probability outside [0, 1]; parameter: `log_floor` above 0 of what are no probabilities
    Source:
        S. Kullback, R. A. Leibler, On Information and Sufficiency, 1951, doi:10.1214/aoms/1177729694
    Example:
        {"prediction": [[0.5, 0.25, 0.25]], "target": [[0.25, 0.75, 0.0]]} → 0.6506724213610958
    """
    xp, axis = namespace(prediction), min(prediction.ndim - 1, 1)
    y = xp.exp(target) if log_target else target
    if log_floor is not None and log_floor > 0:
        prediction, y, log_floor = clip(prediction, low=log_floor, high=1.0), clip(y, low=log_floor, high=1.0), None
    if from_logits:
        logs = log_softmax(prediction, axis=axis)
    else:
        logs = prediction if log_prediction else floored_log(prediction, floor=log_floor)
    return relative_entropy(y, target if log_target else None, logs, axis)
