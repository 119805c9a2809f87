"""How Keras and TensorFlow 1 read labels and scores in metrics: element by element, whatever the shapes."""

from typing import Any

from lossapi.domains import Array
from lossapi.errors import DtypeError, ParameterError, ShapeError, Unsupported
from lossapi.functions import namespace

Arguments = dict[str, Any]


def elements(arguments: Arguments) -> Arguments:
    """All elements in a row, labels as integers, with their weights."""
    xp = namespace(arguments["target"])
    target, prediction = one_shape(arguments["target"], arguments["prediction"])
    weight = spread(arguments.get("weight"), target.shape)
    flat = {
        name: xp.reshape(integers(each, name), (-1,)) for name, each in (("target", target), ("prediction", prediction))
    }
    return {**plain(arguments), **flat, "weight": weight}


def against_scores(arguments: Arguments) -> Arguments:
    """All elements in a row, labels beside scores."""
    xp = namespace(arguments["target"])
    target, prediction = one_shape(arguments["target"], arguments["prediction"])
    weight = spread(arguments.get("weight"), target.shape)
    labels = xp.astype(target != 0, xp.int64)
    scores = xp.astype(prediction, prediction.dtype if _real(prediction) else xp.float64)
    return {
        **plain(arguments),
        "target": xp.reshape(labels, (-1,)),
        "prediction": xp.reshape(scores, (-1,)),
        "weight": weight,
    }


def plain(arguments: Arguments) -> Arguments:
    """Weights are laid out already; what does not enter is 0."""
    return {**arguments, "align": None}


def one_shape(target: Array, prediction: Array) -> tuple[Array, Array]:
    """Both in one shape, a last axis of one dropped where their ranks differ by it."""
    if prediction.ndim == target.ndim + 1 and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    elif target.ndim == prediction.ndim + 1 and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape != prediction.shape:
        raise ShapeError(f"target of shape {prediction.shape}", f"shape {target.shape}", ("target",))
    return target, prediction


def spread(weight: Array | None, shape: tuple[int, ...]) -> Array | None:
    """One weight for each element: of rows for all that is in them."""
    if weight is None:
        return None
    xp = namespace(weight)
    weight = weight[..., 0] if weight.ndim > len(shape) and weight.shape[-1] == 1 else weight
    wide = xp.reshape(weight, weight.shape + (1,) * (len(shape) - weight.ndim)) if weight.ndim <= len(shape) else weight
    if wide.ndim != len(shape) or any(n not in (1, m) for n, m in zip(wide.shape, shape, strict=True)):
        raise ShapeError(f"sample_weight broadcastable to {shape}", f"shape {weight.shape}", ("weight",))
    return xp.reshape(xp.broadcast_to(wide, shape), (-1,))


def integers(array: Array, name: str) -> Array:
    """Labels that may come as floating-point numbers, cut off as Keras and TensorFlow do."""
    xp = namespace(array)
    if _real(array) and not xp.all(xp.isfinite(array)):
        raise DtypeError(f"{name} as labels", "NaN or infinity", (name,))
    return xp.astype(array, xp.int64)


def indices(array: Array, axis: int) -> Array:
    """The place of the greatest along an axis."""
    if not -array.ndim <= axis < array.ndim:
        raise ParameterError(f"axis within the {array.ndim} axes", repr(axis), ("axis",))
    return namespace(array).argmax(array, axis=axis)


def one_threshold(arguments: Arguments) -> Arguments:
    """Scores above one threshold, of all classes."""
    given = dict(arguments)
    limits = given.pop("thresholds", None)
    if any(given.pop(name, None) is not None for name in ("top_k", "class_id")):
        raise Unsupported("no top_k and no class_id", "one of them", ("top_k",))
    several = isinstance(limits, list | tuple)
    if several and len(limits) != 1:
        raise Unsupported("one threshold (several: …_at_thresholds)", repr(limits), ("thresholds",))
    limit = 0.5 if limits is None else limits[0] if several else limits
    return {**against_scores(given), "threshold": float(limit)}


def one_hot(arguments: Arguments) -> Arguments:
    """Keras' rows whose classes come last, in both tensors: the greatest is the class; weights are of rows."""
    return elements({**arguments, **{name: indices(arguments[name], -1) for name in ("target", "prediction")}})


def sparse(arguments: Arguments) -> Arguments:
    """Keras' rows whose classes come last in the prediction."""
    target, prediction = arguments["target"], indices(arguments["prediction"], -1)
    target = target[..., 0] if target.ndim == prediction.ndim + 1 and target.shape[-1] == 1 else target
    return elements({**arguments, "target": target, "prediction": prediction})


def above(arguments: Arguments) -> Arguments:
    """Keras' elements whose scores lie above a threshold, beside labels as they are."""
    xp, prediction = namespace(arguments["prediction"]), arguments["prediction"]
    return elements({**arguments, "prediction": xp.astype(prediction > arguments["threshold"], xp.int64)})


def several_hot(arguments: Arguments) -> Arguments:
    """Keras' rows of classes, each yes or no: above a threshold, or without one as great as any of its row."""
    given = {**arguments, "average": arguments["average"] or "none"}
    target, prediction, limit = given["target"], given["prediction"], given.pop("threshold")
    if target.ndim != 2 or target.shape != prediction.shape:
        raise ShapeError("y_true and y_pred of one shape (rows, classes)", f"shape {target.shape}", ("target",))
    xp = namespace(prediction)
    if limit is None:
        greatest = xp.max(prediction, axis=1, keepdims=True)
        called = (prediction >= greatest) & (xp.abs(prediction) > 1e-9)
    else:
        called = prediction > limit
    return {**given, "target": integers(target, "target"), "prediction": xp.astype(called, xp.int64), "align": None}


def truths(arguments: Arguments) -> Arguments:
    """TensorFlow 1's booleans: anything but 0 is true, in labels and predictions."""
    xp = namespace(arguments["target"])
    cast = {name: xp.astype(arguments[name] != 0, xp.int64) for name in ("target", "prediction")}
    return elements({**arguments, **cast})


def _real(array: Array) -> bool:
    return bool(namespace(array).isdtype(array.dtype, "real floating"))
