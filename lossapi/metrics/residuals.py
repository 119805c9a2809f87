"""Mean squared and mean absolute error, per output or averaged over them."""

from math import prod

from lossapi.conventions import Arguments
from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import ShapeError
from lossapi.functions import namespace
from lossapi.maps.residuals import MultiOutput, over_outputs, residuals
from lossapi.presets import sklearn, tf1

DIFFERS = "every element counts by itself; the value alone, of one update; 0 where the weights sum to nothing"


def _elements(arguments: Arguments) -> Arguments:
    """As tf.metrics: a last axis of one is dropped where ranks differ, weights are stretched, elements laid flat."""
    target, prediction, weight = arguments["target"], arguments["prediction"], arguments["weight"]
    if prediction.ndim == target.ndim + 1 and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    elif target.ndim == prediction.ndim + 1 and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape != prediction.shape:
        raise ShapeError(f"labels of shape {prediction.shape}", f"shape {target.shape}", ("target",))
    size = prod(prediction.shape)
    if weight is not None:
        weight = _stretched(weight, prediction.shape)
        size = size if weight.sum() > 0.0 else 0
        weight = weight.reshape(-1)[:size]
    flat = {"target": target.reshape(-1)[:size], "prediction": prediction.reshape(-1)[:size]}
    return {name: arguments[name] for name in ("empty", "unchecked")} | flat | {"weight": weight}


def _stretched(weight: Array, shape: tuple[int, ...]) -> Array:
    """Weights in the shape of the elements: one number, or sizes that are theirs or one."""
    if weight.ndim == len(shape) + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    elif weight.ndim + 1 == len(shape) and weight.ndim:
        weight = weight[..., None]
    if weight.ndim not in (0, len(shape)) or any(n not in (1, m) for n, m in zip(weight.shape, shape, strict=False)):
        raise ShapeError(f"one weight, or weights broadcastable to {shape}", f"shape {weight.shape}", ("weight",))
    return namespace(weight).broadcast_to(weight, shape)


@metric(
    family="regression",
    of=residuals,
    like=[
        sklearn("mean_squared_error(y_true, y_pred, sample_weight=None, multioutput='uniform_average')"),
        tf1(
            "metrics.mean_squared_error(labels, predictions, weights=None, metrics_collections=None, "
            "updates_collections=None)",
            prepare=_elements,
            differs=DIFFERS,
        ),
    ],
)
def mean_squared_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The weighted mean of the squared differences.

    Formula:
        Σ w e² / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the square of the target's unit
    Convention:
        Divides by the sum of the weights, as scikit-learn, Keras' metric and tf.metrics do.
    Source:
        sklearn.metrics.mean_squared_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 7.0
    """
    return over_outputs(sums["squared"] / sums["weight"], multioutput)


@metric(
    family="regression",
    of=residuals,
    like=[
        sklearn("mean_absolute_error(y_true, y_pred, sample_weight=None, multioutput='uniform_average')"),
        tf1(
            "metrics.mean_absolute_error(labels, predictions, weights=None, metrics_collections=None, "
            "updates_collections=None)",
            prepare=_elements,
            differs=DIFFERS,
        ),
    ],
)
def mean_absolute_error(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The weighted mean of the absolute differences.

    Formula:
        Σ w |e| / Σ w, e = prediction - target
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        Divides by the sum of the weights, as scikit-learn, Keras' metric and tf.metrics do.
    Source:
        sklearn.metrics.mean_absolute_error
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "weight": [1, 0, 3]} → 2.5
    """
    return over_outputs(sums["absolute"] / sums["weight"], multioutput)
