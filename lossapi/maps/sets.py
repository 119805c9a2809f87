"""Sets as Keras and optax lay them out: which axes are summed over, and what is done with those that are left."""

from math import prod

from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError, ShapeError
from lossapi.functions import namespace, sigmoid, softmax
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.layouts import along_axes, keras_rows, squeezed

UNCHECKED = frozenset({"prediction", "target", "fp_weight", "fn_weight", "smooth_numerator", "smooth_denominator"})


def keras_sets(arguments: Arguments) -> Arguments:
    """Sums run along `axis`, over everything by default; one row for each entry of the other axes."""
    target, prediction = arguments["target"], arguments["prediction"]
    if "weight" in arguments:
        target, prediction = squeezed(target, prediction)
    elif prediction.dtype.kind not in "fV":
        target = target.astype(prediction.dtype)
    _same_shape(prediction, target)
    laid = along_axes("target", "prediction")(arguments | {"target": target, "prediction": prediction})
    rows = laid["shape"]
    flat = {name: laid[name].reshape(prod(rows), laid[name].shape[-1]) for name in ("target", "prediction")}
    ours = keras_rows(laid | flat | {"per_sample": True}, rows)
    weight = ours["weight"]
    return ours | {"weight": weight.reshape(prod(rows)) if weight is not None and weight.shape == rows else weight}


def optax_sets(arguments: Arguments) -> Arguments:
    """Logits with the classes last. Sums run along `axis`, over all but the first and last axis by default; of the
    axes left, the last is taken for the classes, whose losses become one as `average` says, weighed but not divided
    by the weights.
    """
    ours = {name: value for name, value in arguments.items() if name not in ("smooth", "ignore_background")}
    prediction, target = _with_classes(ours["prediction"], ours["target"])
    ours |= {"prediction": _activated(prediction, from_logits=ours.pop("from_logits")), "target": target}
    if ours.get("axis") is None:
        ours["axis"] = list(range(1, prediction.ndim - 1))
    axis = ours["axis"]
    ours = along_axes("prediction", "target")(ours)
    rows, classes = ours["shape"][:-1], ours["shape"][-1:]
    over = arguments.get("average", "none")
    dropped = 1 if arguments.get("ignore_background") and prediction.shape[-1] > 1 else 0
    left = tuple(size - dropped for size in classes)
    if not classes and (over != "none" or dropped):
        raise ParameterError("an axis that is not summed over", repr(axis), ("axis",))
    shape = (prod(rows), prod(classes), ours["target"].shape[-1])
    ours |= {name: ours[name].reshape(shape) for name in ("prediction", "target")}
    ours |= {"per_sample": True, "include_background": not dropped, "average": "none"}
    return ours | smoothed(arguments["smooth"]) | _over_classes(over, rows, left)


def smoothed(amount: float) -> Arguments:
    """The same amount in both places."""
    return {"smooth_numerator": amount, "smooth_denominator": amount}


def optax_masks(arguments: Arguments) -> Arguments:
    """The same for one set a row, whose last axis of one may be left out."""
    prediction, target = arguments["prediction"], arguments["target"]
    if prediction.ndim == target.ndim and prediction.shape[-1:] != (1,):
        arguments = arguments | {"prediction": prediction[..., None], "target": target[..., None]}
    sets = optax_sets(arguments)
    flat = {name: sets[name][:, 0, :] for name in ("prediction", "target")}
    kept = {name: arguments[name] for name in ("reduction", "empty", "unchecked")}
    return kept | flat | smoothed(2.0 * arguments["smooth"]) | {"per_sample": True, "shape": sets["shape"][:-1]}


def optax_generalized(arguments: Arguments) -> Arguments:
    """The same, each class weighed by its inverse squared frequency over everything; the weights have a mean of one."""
    target = arguments["target"]
    _same_shape(arguments["prediction"], target)
    xp = namespace(target)
    frequency = xp.sum(xp.astype(target, xp.float64), axis=tuple(range(target.ndim - 1)))
    weight = 1.0 / (frequency * frequency + 1e-7)
    weight = weight / xp.sum(weight) * weight.shape[0]
    return optax_sets(arguments) | smoothed(2.0 * arguments["smooth"]) | {"class_weight": weight, "reduction": "mean"}


def _over_classes(over: str, rows: tuple[int, ...], classes: tuple[int, ...]) -> Arguments:
    """How the losses of a row's classes become one."""
    if over not in ("mean", "sum", "none"):
        raise ParameterError("reduction to be one of 'mean', 'sum', 'none'", repr(over), ("reduction",))
    if over == "none":
        return {"shape": (*rows, *classes)}
    return {"shape": rows, "mean_axes": 1, "weight": float(prod(classes)) if over == "sum" else None}


def _with_classes(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Both with a class axis; a last axis of one where either lacks it."""
    if prediction.ndim == target.ndim - 1:
        prediction = prediction[..., None]
    if target.ndim == prediction.ndim - 1:
        target = target[..., None]
    _same_shape(prediction, target)
    if prediction.ndim == 0:
        raise ShapeError("predictions with a class axis", "shape ()", ("prediction",))
    return prediction, target


def _activated(prediction: Array, *, from_logits: bool) -> Array:
    """Probabilities: given as such, when they sum to one, or by the softmax, or the sigmoid of a single class."""
    xp = namespace(prediction)
    if from_logits:
        return sigmoid(prediction) if prediction.shape[-1] == 1 else softmax(prediction, axis=-1)
    if not xp.all(xp.abs(xp.sum(prediction, axis=-1) - 1.0) <= 1e-5):
        raise DomainError("probabilities that sum to 1 over the classes", "another sum", ("prediction",))
    return prediction


def _same_shape(prediction: Array, target: Array) -> None:
    if prediction.shape != target.shape:
        raise ShapeError(f"target of shape {prediction.shape}", f"shape {target.shape}", ("target",))
