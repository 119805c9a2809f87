"""How other libraries lay out classes: where their axis is, index or dense targets, labels that no class has.

Like `conventions`, steps on the arguments of a preset under our names; each leaves the classes last or, where the
library has one row without a batch, adds that axis and says the shape to give back.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DomainError, DtypeError, ParameterError, ShapeError
from lossapi.libraries.conventions import (
    Arguments,
    Prepare,
    Shape,
    chosen_axes,
    common_shape,
    gathered,
    positive_smoothing,
)
from lossapi.libraries.layouts import keras_rows, squeezed
from lossapi.libraries.presets import Preset

UNCHECKED = frozenset({"prediction", "target"})
INDICES = ("int64", "uint8")


def require_floating(array: Array, name: str) -> None:
    """Refuse integers where a library computes on floating-point tensors alone."""
    if array.dtype.kind not in "fV":
        raise DtypeError(f"{name} of a floating dtype", f"dtype {array.dtype}", (name,))


def require_shape(array: Array, shape: Shape, name: str) -> None:
    """Refuse another shape."""
    if array.shape != shape:
        raise ShapeError(f"{name} of shape {shape}", f"shape {array.shape}", (name,))


def batched(arguments: Arguments) -> Arguments:
    """One row without a batch as a batch of one, to be given back as it came."""
    if arguments["prediction"].ndim != 1:
        return arguments
    added = {name: arguments[name][None] for name in ("prediction", "target")}
    return arguments | added | {"shape": (), "class_axis": 1}


def unguarded(arguments: Arguments) -> Arguments:
    """A target of 0 for a class at -inf made NaN, where a library multiplies 0 by infinity; we call it 0."""
    prediction, target = arguments["prediction"], arguments["target"]
    infinite = np.isneginf(prediction)
    if not arguments.get("label_smoothing") and infinite.any():
        target = np.where(infinite & (target == 0), np.nan, target)
    return arguments | {"target": target}


def torch_classes(arguments: Arguments) -> Arguments:
    """PyTorch's rule: a target of the input's shape is dense; else it holds indices, and weights share the mean."""
    prediction = arguments["prediction"]
    require_floating(prediction, "prediction")
    arguments = torch_targets(arguments, prediction.shape)
    return batched(unguarded(arguments) if is_dense(arguments, prediction.shape) else arguments)


def torch_indices(arguments: Arguments) -> Arguments:
    """Class indices alone."""
    prediction, target = arguments["prediction"], arguments["target"]
    require_floating(prediction, "prediction")
    if is_dense(arguments, prediction.shape):
        raise ShapeError("a target of class indices", f"shape {target.shape}", ("target",))
    return batched(torch_targets(arguments, prediction.shape))


def is_dense(arguments: Arguments, scores: Shape) -> bool:
    """Whether a target has the shape of the scores, and so one value per class."""
    return bool(scores) and arguments["target"].shape == scores


def torch_targets(arguments: Arguments, scores: Shape) -> Arguments:
    """What PyTorch wants of the target and the weights of classes for scores of a shape."""
    arguments = positive_smoothing(arguments)
    target, weight, ignored = arguments["target"], arguments.get("class_weight"), arguments.get("ignore_index")
    if is_dense(arguments, scores):
        require_floating(target, "target")
        if ignored is not None and ignored >= 0:
            raise ParameterError("ignore_index only with class indices", str(ignored), ("ignore_index",))
        return arguments | {"ignore_index": None, "unchecked": UNCHECKED}
    if target.dtype.name not in INDICES:
        raise DtypeError("target of dtype int64 or uint8", f"dtype {target.dtype}", ("target",))
    kept = arguments["prediction"].dtype
    if weight is not None and weight.dtype != kept:
        raise DtypeError(f"weight of dtype {kept}", f"dtype {weight.dtype}", ("class_weight",))
    if len(scores) == 1 and target.shape == (1,):
        target = target.reshape(())
    require_shape(target, scores[:1] * (len(scores) > 1) + scores[2:], "target")
    reduction = "weighted_mean" if arguments["reduction"] == "mean" else arguments["reduction"]
    return arguments | {"target": target, "reduction": reduction}


def classes_last(array: Array, axis: Any, name: str = "axis") -> Array:
    """The axis that holds the classes moved to the end."""
    if isinstance(axis, bool) or not isinstance(axis, int) or not -array.ndim <= axis < array.ndim:
        raise ParameterError(f"{name} within the {array.ndim} axes", repr(axis), (name,))
    return np.moveaxis(array, axis, -1)


def keras_dense(arguments: Arguments) -> Arguments:
    """Keras' targets as distributions: one shape; smoothing spreads over the size of the last axis, whatever `axis`."""
    target, prediction, axis = (arguments.pop(name) for name in ("target", "prediction", "axis"))
    if "weight" in arguments:
        target, prediction = squeezed(target, prediction)
    elif prediction.dtype.kind not in "fV":
        if arguments.get("from_logits"):
            require_floating(prediction, "prediction")
        target = target.astype(prediction.dtype)
    if not prediction.ndim:
        raise ShapeError("y_pred with a class axis", "one number", ("prediction",))
    require_shape(target, prediction.shape, "target")
    smoothing = arguments.get("label_smoothing")
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / target.shape[-1]
    target, prediction = classes_last(target, axis), classes_last(prediction, axis)
    found = arguments | {"target": target, "prediction": prediction, "label_smoothing": None, "class_axis": -1}
    exact = arguments.get("from_logits") and arguments.get("log_floor") is None
    found = unguarded(found) if exact else found
    return keras_rows(batched(found), prediction.shape[:-1])


def keras_sparse(arguments: Arguments) -> Arguments:
    """Keras' targets as indices, of any dtype; a last axis of one is dropped, the ignored class does not enter."""
    target, prediction, axis = (arguments.pop(name) for name in ("target", "prediction", "axis"))
    if "weight" in arguments:
        target, prediction = squeezed(target, prediction)
    if arguments.get("from_logits") and "weight" not in arguments:
        require_floating(prediction, "prediction")
    scores = classes_last(prediction, axis)
    rows = scores.shape[:-1]
    if target.ndim == prediction.ndim and target.shape[axis] == 1:
        target = np.squeeze(target, axis)
    require_shape(target, rows, "target")
    ignored, weight = arguments.get("ignore_index"), arguments.get("weight")
    labels = whole(target)
    if ignored is not None:
        labels = np.where(target == ignored, ignored, labels)
        if weight is not None:
            arguments["weight"] = squeezed(np.broadcast_to(np.float32(0), rows), weight)[1]
            require_shape(arguments["weight"], rows, "weight")
    found = arguments | {"target": labels, "prediction": scores, "class_axis": -1}
    return keras_rows(batched(found), rows)


def whole(labels: Array) -> Array:
    """Labels cut to integers, as Keras casts them."""
    if labels.dtype.kind in "fV":
        labels = labels.astype(np.float64)
        if not np.isfinite(labels).all() or (np.abs(labels) > 2.0**62).any():
            raise DomainError("labels", "NaN or infinity", ("target",))
    return labels.astype(np.int64)


def strayed(arguments: Arguments, stray: Array, outside: float) -> Arguments:
    """Labels that no class has: a row of `outside` and the label 0 give what a library gives for them."""
    prediction, target = arguments["prediction"], arguments["target"]
    if not stray.any():
        return arguments
    filled = np.where(stray[..., None], prediction.dtype.type(outside), prediction)
    return arguments | {"prediction": filled, "target": np.where(stray, 0, target)}


def optax_dense(*, guarded: bool = False, floating: bool = False, by_row: bool = True) -> Prepare:
    """optax' `axis` (one, several, or all) flattened to one last class axis; classes outside `where` take no part."""

    def lay_out(arguments: Arguments) -> Arguments:
        axis, where = arguments.pop("axis", -1), arguments.pop("where", None)
        logits, labels = arguments["prediction"], arguments["target"]
        require_floating(logits, "prediction")
        if floating:
            require_floating(labels, "target")
        shape = common_shape((logits, labels), "target")
        axes = chosen_axes(axis, len(shape))
        mask = None if where is None else optax_mask(where, axis, logits.shape, shape, by_row=by_row)
        logits, labels = np.broadcast_to(logits, shape), np.broadcast_to(labels, shape)
        if not guarded:
            labels = unguarded({"prediction": logits, "target": labels})["target"]
        if mask is not None:
            some = np.any(mask, axis=axes, keepdims=True)
            logits = np.where(mask, logits, np.where(some, -np.inf, 0.0)).astype(logits.dtype)
            labels = np.where(mask, labels, labels.dtype.type(0))
        found = {"prediction": gathered(logits, axes), "target": gathered(labels, axes), "class_axis": -1}
        return batched(arguments | found)

    return lay_out


def optax_sparse(arguments: Arguments) -> Arguments:
    """optax' indices into one axis, or into several taken as one; a label that no class has gives NaN."""
    axis, where = arguments.pop("axis"), arguments.pop("where")
    logits, labels = arguments["prediction"], arguments["target"]
    require_floating(logits, "prediction")
    if labels.dtype.kind not in "iu":
        raise DtypeError("labels as integers", f"dtype {labels.dtype}", ("target",))
    if axis is None:
        raise ParameterError("axis as an integer or several", "None", ("axis",))
    chosen_axes(axis, logits.ndim)
    axes = tuple(each % logits.ndim for each in (axis if isinstance(axis, list | tuple) else (axis,)))
    scores = gathered(logits, axes)
    rows = common_shape((np.empty(scores.shape[:-1], bool), labels), "target")
    labels = np.broadcast_to(labels, rows).astype(np.int64)
    labels = np.where(labels < 0, labels + scores.shape[-1], labels)
    stray = (labels < 0) | (labels >= scores.shape[-1])
    scores = np.broadcast_to(scores, (*rows, scores.shape[-1]))
    found = strayed({"prediction": scores, "target": labels}, stray, np.nan)
    if where is not None:
        mask = gathered(optax_mask(where, axis, logits.shape, logits.shape), axes)
        found |= masked(found["prediction"], found["target"], np.broadcast_to(mask, found["prediction"].shape))
    return batched(arguments | found | {"class_axis": -1})


def masked(scores: Array, labels: Array, mask: Array) -> Arguments:
    """Scores without the classes outside the mask; a row with none left costs 0."""
    some = np.any(mask, axis=-1)
    inside = np.take_along_axis(mask, labels[..., None], axis=-1)[..., 0]
    if (some & ~inside).any():
        raise DomainError("labels among the classes that `where` holds", "a label outside", ("target",))
    kept = np.where(mask, scores, np.where(some[..., None], -np.inf, 0.0)).astype(scores.dtype)
    return {"prediction": kept, "target": np.where(some, labels, -1), "ignore_index": -1}


def optax_mask(where: Any, axis: Any, logits: Shape, shape: Shape, *, by_row: bool = True) -> Array:
    """`where` in the shape of the logits, or of their rows; if not `by_row`, as it is stretched by NumPy's rule too."""
    mask = np.asarray(where)
    if mask.dtype.kind != "b":
        raise DtypeError("where as true and false", f"dtype {mask.dtype}", ("where",))
    if mask.ndim != len(logits):
        if axis is None:
            raise ShapeError(f"where of shape {logits}", f"shape {mask.shape}", ("where",))
        expanded = np.expand_dims(mask, tuple(axis) if isinstance(axis, list) else axis)
        if not by_row and not np.array_equal(_masked_to(mask, shape), _masked_to(expanded, shape)):
            raise ShapeError(f"where of shape {logits}", f"shape {mask.shape}", ("where",))
        mask = expanded
    return _masked_to(mask, shape)


def _masked_to(mask: Array, shape: Shape) -> Array:
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ShapeError(f"where broadcastable to {shape}", f"shape {mask.shape}", ("where",)) from None


def keras_one_hot(arguments: Arguments) -> Arguments:
    """Keras' indices made one-hot over the last axis: a label below 0 meets no probability."""
    prediction, target = arguments["prediction"], whole(arguments["target"])
    if not prediction.ndim:
        raise ShapeError("y_pred with a class axis", "one number", ("prediction",))
    require_shape(target, prediction.shape[:-1], "target")
    found = strayed(arguments | {"target": target, "class_axis": -1}, target < 0, 0.0)
    return keras_rows(batched(found), target.shape)


def defaulted(preset: Preset, **defaults: Any) -> Preset:
    """A preset whose class has defaults that its function lacks."""
    return replace(preset, arguments={**preset.arguments, **defaults})
