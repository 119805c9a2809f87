"""How alike vectors are, and how far apart."""

from typing import Annotated

from annotated_types import Ge

from lossapi.definition import metric
from lossapi.domains import Array, Real, Sums
from lossapi.errors import ParameterError, ShapeError, Unsupported
from lossapi.functions import namespace, unit
from lossapi.libraries.conventions import Arguments, chosen_axes, gathered
from lossapi.libraries.metric_layouts import POOLED, STREAMED, alike, keras_vectors, pooled, tf1_stretched
from lossapi.libraries.presets import keras_metric, tf1, torchmetrics
from lossapi.maps.residuals import mean_of
from lossapi.parameters import NonNegative


def cosines(
    prediction: Real[Array, "batch *axes dim"],
    target: Real[Array, "batch *axes dim"],
    *,
    axis: int = -1,
    normalize: bool = True,
    eps: NonNegative = 1e-7,
) -> Sums[dict[str, Array], "batch *axes"]:
    """Σpy of every pair of vectors, brought to length 1 by `normalize`."""
    if normalize:
        prediction, target = unit(prediction, floor=eps), unit(target, floor=eps)
    return {"cosine": namespace(prediction).sum(prediction * target, axis=-1)}


def _reduced(arguments: Arguments) -> Arguments:
    """torchmetrics' rows of vectors, summed unless `reduction` says otherwise."""
    reduction = arguments.pop("per")
    if reduction not in ("sum", "mean"):
        known = reduction in ("none", None)
        error = Unsupported if known else ParameterError
        raise error('reduction "sum" or "mean"', repr(reduction), ("per",))
    if arguments["prediction"].ndim != 2:
        raise ShapeError("preds of shape (rows, dim)", f"shape {arguments['prediction'].shape}", ("prediction",))
    summed = reduction == "sum"
    return alike(arguments) | {"summed": summed, "empty": 0.0 if summed else float("nan")}


def _along_dim(arguments: Arguments) -> Arguments:
    """tf.metrics sums over `dim`, leaves it with size one for the weights, and takes vectors to be of length 1."""
    prediction, target, weight = (arguments[name] for name in ("prediction", "target", "weight"))
    if prediction.shape != target.shape:
        raise ShapeError(f"labels of shape {prediction.shape}", f"shape {target.shape}", ("target",))
    (place,) = axes = chosen_axes((arguments["dim"],), prediction.ndim)
    xp = namespace(prediction)
    laid = {name: gathered(arguments[name], axes).reshape(-1, prediction.shape[place]) for name in PAIR}
    rows = tuple(1 if i == place else n for i, n in enumerate(prediction.shape))
    weight = None if weight is None else tf1_stretched(weight, rows).reshape(-1)
    if weight is not None and not xp.sum(weight) > 0.0:
        laid, weight = {name: array[:0] for name, array in laid.items()}, None
    return {"empty": 1.0, "normalize": False, "weight": weight, **laid}


PAIR = ("prediction", "target")


@metric(
    family="regression",
    of=cosines,
    like=[
        torchmetrics(
            "cosine_similarity(preds, target, reduction='sum')",
            {"reduction": "per"},
            prepare=_reduced,
            fixed={"eps": 0.0},
            differs="the sum of the cosines, not their mean; a zero vector gives NaN; rows are not kept (none)",
        ),
        keras_metric(
            "metrics.CosineSimilarity(y_true, y_pred, sample_weight=None, axis=-1)",
            prepare=keras_vectors,
            differs="several axes may be summed over",
        ),
    ],
)
def cosine_similarity(sums: dict[str, Array], *, summed: bool = False) -> Array:
    """The mean cosine of the angle between prediction and target: 1 where they point the same way, -1 opposite.

    Formula:
        Σ w Σ p y / (max(‖p‖, eps) · max(‖y‖, eps)) / Σ w, over `axis`; with `summed` not divided by Σ w
    Shapes:
        prediction, target: (batch, *axes, dim), dim at `axis`; weight: (batch, *axes)
    Units:
        none: a cosine, in [-1, 1]
    Convention:
        The cosine itself, as Keras' metric; the loss of this name is minus it. A zero vector counts as 0, as in Keras;
        torchmetrics answers NaN for it, and the sum, not the mean.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        keras.metrics.CosineSimilarity, https://keras.io/api/metrics/regression_metrics/
    Example:
        {"prediction": [[3.0, 4.0], [1.0, 0.0]], "target": [[4.0, 3.0], [0.0, 2.0]]} → 0.48
    """
    return sums["cosine"] if summed else mean_of(sums, "cosine")


@metric(
    family="regression",
    of=cosines,
    like=[
        tf1(
            "metrics.mean_cosine_distance(labels, predictions, dim, weights=None, metrics_collections=None, "
            "updates_collections=None, name=None)",
            prepare=_along_dim,
            differs=f"takes both for unit vectors; {STREAMED.replace('0 where', '1 where')}",
        )
    ],
)
def mean_cosine_distance(sums: dict[str, Array]) -> Array:
    """One minus the mean cosine of the angle between prediction and target.

    Formula:
        1 - Σ w Σ p y / (max(‖p‖, eps) · max(‖y‖, eps)) / Σ w; without `normalize`, 1 - Σ w Σ p y / Σ w
    Shapes:
        prediction, target: (batch, *axes, dim), dim at `axis`; weight: (batch, *axes)
    Units:
        none: in [0, 2] under `normalize`
    Convention:
        Lengths are divided out; tf.metrics expects unit vectors and does not.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        tf.compat.v1.metrics.mean_cosine_distance
    Example:
        {"prediction": [[3.0, 4.0], [1.0, 0.0]], "target": [[4.0, 3.0], [0.0, 2.0]]} → 0.52
    """
    return 1.0 - mean_of(sums, "cosine")


def residual_powers(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    *,
    p: Annotated[float, Ge(1)] = 2.0,
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e|^p of each output."""
    return {"power": namespace(prediction).abs(prediction - target) ** p}


def _pooled_power(arguments: Arguments) -> Arguments:
    """torchmetrics' distance of nothing from nothing is 0; any number from 1 on is a power."""
    power = arguments["p"]
    if isinstance(power, bool) or not isinstance(power, int | float):
        raise ParameterError("p: a number", repr(power), ("p",))
    return pooled(arguments) | {"p": float(power), "empty": 0.0}


@metric(
    family="regression",
    of=residual_powers,
    like=[
        torchmetrics(
            "minkowski_distance(preds, targets, p)", {"targets": "target"}, prepare=_pooled_power, differs=POOLED
        )
    ],
)
def minkowski_distance(sums: dict[str, Array], *, p: Annotated[float, Ge(1)] = 2.0) -> Array:
    """How far apart prediction and target are as two points: Manhattan distance at 1, Euclidean at 2.

    Formula:
        (Σ w |e|^p)^(1/p), e = prediction - target, over all elements
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        As torchmetrics: one distance, no mean; it grows with the number of elements.
    Raises:
        parameter: p below 1; empty: no rows
    Source:
        H. Minkowski, Geometrie der Zahlen, 1896
    Example:
        {"prediction": [3.0, 0.0], "target": [0.0, 4.0], "p": 2.0} → 5.0
    """
    return namespace(sums["power"]).sum(sums["power"]) ** (1.0 / p)
