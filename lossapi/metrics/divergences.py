"""How far predicted distributions are from the true ones, on average."""

from lossapi.definition import metric
from lossapi.domains import Array, MaybeLogProbability, Score, Sums
from lossapi.errors import ParameterError, ShapeError, Unsupported
from lossapi.functions import LOG_2, namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import alike
from lossapi.libraries.presets import torchmetrics
from lossapi.maps.divergences import relative_entropy
from lossapi.maps.residuals import mean_of

UNCHECKED = frozenset({"prediction", "target"})
DIFFERS = "both are divided by their sums, unless they are logarithms; rows are not kept (none)"


def _two_distributions(arguments: Arguments) -> Arguments:
    """torchmetrics' p and q of shape (rows, classes), probabilities or their logarithms, both alike."""
    reduction, log = arguments.pop("per"), arguments.pop("log_prob")
    if reduction not in ("mean", "sum"):
        error = Unsupported if reduction in ("none", None) else ParameterError
        raise error('reduction "mean" or "sum"', repr(reduction), ("per",))
    if arguments["prediction"].ndim != 2:
        raise ShapeError("q of shape (rows, classes)", f"shape {arguments['prediction'].shape}", ("prediction",))
    summed = reduction == "sum"
    laid = alike(arguments) | {"empty": 0.0} if summed else alike(arguments)
    return laid | {"summed": summed, "log_prediction": log, "log_target": log, "normalize": not log}


def _whole(x: Array, log: bool, normalize: bool) -> Array:
    """Probabilities that sum to 1."""
    xp = namespace(x)
    p = xp.exp(x) if log else x
    return p / xp.sum(p, axis=1, keepdims=True) if normalize else p


def entropies(
    prediction: Score[Array, "batch classes *axes"],
    target: MaybeLogProbability[Array, "batch classes *axes"],
    *,
    log_prediction: bool = False,
    log_target: bool = False,
    normalize: bool = False,
) -> Sums[dict[str, Array], "batch *axes"]:
    """Σ y (log y - log p) of each pair of distributions."""
    p, y = _whole(prediction, log_prediction, normalize), _whole(target, log_target, normalize)
    own_log = log_target and not normalize
    logs = prediction if log_prediction and not normalize else namespace(p).log(p)
    return {"divergence": relative_entropy(y, target if own_log else None, logs, 1)}


def mixed_entropies(
    prediction: Score[Array, "batch classes *axes"],
    target: MaybeLogProbability[Array, "batch classes *axes"],
    *,
    log_prediction: bool = False,
    log_target: bool = False,
    normalize: bool = False,
) -> Sums[dict[str, Array], "batch *axes"]:
    """½ Σ y (log y - log m) + ½ Σ p (log p - log m) of each pair of distributions, m their mean."""
    xp = namespace(prediction)
    both = _whole(prediction, log_prediction, normalize), _whole(target, log_target, normalize)
    mean = xp.log(both[0] + both[1]) - LOG_2
    halves = [0.5 * relative_entropy(each, None, mean, 1) for each in both]
    return {"divergence": halves[0] + halves[1]}


@metric(
    family="distribution",
    of=entropies,
    like=[
        torchmetrics(
            "kl_divergence(p, q, log_prob=False, reduction='mean')",
            {"p": "target", "q": "prediction", "reduction": "per"},
            prepare=_two_distributions,
            unchecked=UNCHECKED,
            differs=DIFFERS,
        )
    ],
)
def kl_divergence(sums: dict[str, Array], *, summed: bool = False) -> Array:
    """What it costs to expect the predicted distribution over classes where the target distribution holds.

    Formula:
        Σ w Σ_c y_c (log y_c - log p_c) / Σ w, 0 where y_c is 0; with `summed` not divided by Σ w
    Shapes:
        prediction, target: (batch, classes, *axes), classes at class_axis; weight: (batch, *axes)
    Units:
        nats
    Convention:
        KL(target ‖ prediction), torchmetrics' p and q. `normalize` divides both by their sums first, as torchmetrics
        does. A probability of 0 where the target has some costs infinity.
    Raises:
        domain: a probability outside [0, 1]; empty: no rows, or weights that sum to 0
    Source:
        S. Kullback, R. A. Leibler, On Information and Sufficiency, 1951, doi:10.1214/aoms/1177729694
    Example:
        {"prediction": [[0.5, 0.25, 0.25]], "target": [[0.25, 0.75, 0.0]]} → 0.6506724213610958
    """
    return sums["divergence"] if summed else mean_of(sums, "divergence")


@metric(
    family="distribution",
    of=mixed_entropies,
    like=[
        torchmetrics(
            "jensen_shannon_divergence(p, q, log_prob=False, reduction='mean')",
            {"p": "target", "q": "prediction", "reduction": "per"},
            prepare=_two_distributions,
            unchecked=UNCHECKED,
            differs=DIFFERS,
        )
    ],
)
def jensen_shannon_divergence(sums: dict[str, Array], *, summed: bool = False) -> Array:
    """How far two distributions over classes are from their mean: symmetric, and never more than log 2.

    Formula:
        Σ w (½ KL(y ‖ m) + ½ KL(p ‖ m)) / Σ w, m = (y + p) / 2; with `summed` not divided by Σ w
    Shapes:
        prediction, target: (batch, classes, *axes), classes at class_axis; weight: (batch, *axes)
    Units:
        nats; its root is a distance
    Convention:
        As torchmetrics, which divides both by their sums first (`normalize`). SciPy's function of this name is the
        root.
    Raises:
        domain: a probability outside [0, 1]; empty: no rows, or weights that sum to 0
    Source:
        J. Lin, Divergence Measures Based on the Shannon Entropy, 1991, doi:10.1109/18.61115
    Example:
        {"prediction": [[1.0, 0.0]], "target": [[0.0, 1.0]]} → 0.6931471805599453
    """
    return sums["divergence"] if summed else mean_of(sums, "divergence")
