"""How single libraries lay out a pair of tensors and its weights: PyTorch, Keras, TensorFlow 1 and optax.

Steps and alignments like those of `conventions`, which hold for several libraries.
"""

from math import prod
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DtypeError, ParameterError, ShapeError, Unsupported
from lossapi.libraries.conventions import (
    Arguments,
    Prepare,
    Shape,
    broadcast,
    chosen_axes,
    common_shape,
    floating,
    gathered,
    require_lengths,
    same_shape,
)


def torch_pair(arguments: Arguments) -> Arguments:
    """PyTorch's rule: input and target are broadcast, and weights have the input's own shape."""
    weight, prediction = arguments.get("weight"), arguments["prediction"]
    if weight is not None and weight.shape != prediction.shape:
        raise ShapeError(f"weight of input's shape {prediction.shape}", f"shape {weight.shape}", ("weight",))
    return broadcast("prediction", "target", "weight")(arguments)


def torch_variance(arguments: Arguments) -> Arguments:
    """PyTorch's variances: of input's shape, without its last axis, of size one in one axis, or one number."""
    prediction, variance = arguments["prediction"], floating("variance")(arguments)["variance"]
    shape, given = prediction.shape, variance.shape
    if given != shape and given == shape[:-1]:
        variance = variance[..., None]
    elif given not in (shape, ()):
        unlike = [n for n, m in zip(given, shape, strict=False) if n != m]
        if len(given) != len(shape) or sum(unlike) != 1:
            raise ShapeError(f"var of shape {shape}, or of size one in one axis", f"shape {given}", ("variance",))
    return broadcast("prediction", "target", "variance")(arguments | {"variance": variance})


def by_element(arguments: Arguments) -> Arguments:
    """PyTorch's divergence of single elements: each of them a row of one class, which comes last.

    `batch_mean` divides by the first size of input as it was given.
    """
    given, reduction = arguments["prediction"].shape, arguments["reduction"]
    shape = common_shape((arguments["prediction"], arguments["target"]), "target")
    laid = {name: np.broadcast_to(arguments[name], shape)[..., None] for name in ("prediction", "target")}
    laid = laid if shape else {name: array[None] for name, array in laid.items()}
    if reduction == "batch_mean" and given[:1] != shape[:1]:
        laid["weight"], reduction = np.asarray(1 / (given[0] or np.inf) if given else 1.0), "sum"
    return arguments | laid | {"shape": shape, "reduction": reduction}


def over_weights(arguments: Arguments) -> Arguments:
    """PyTorch's mean where there are weights: over the sum of the weights as they were given, before `torch_pair`."""
    weight = arguments.get("weight")
    if weight is None or arguments["reduction"] != "mean":
        return arguments
    if weight.size == prod(common_shape((arguments["prediction"], arguments["target"]), "target")):
        return arguments | {"reduction": "weighted_mean"}
    return arguments | {"reduction": "sum", "weight": weight / weight.sum(dtype=np.float64)}


def squeezed(one: Array, two: Array) -> tuple[Array, Array]:
    """Keras' rule: where ranks differ by one and the last size is 1, that axis is dropped; a vector gains it."""
    if one.ndim == two.ndim + 1 and one.shape[-1] == 1:
        return (one, two[..., None]) if two.ndim == 1 else (one[..., 0], two)
    if two.ndim == one.ndim + 1 and two.shape[-1] == 1:
        return (one[..., None], two) if one.ndim == 1 else (one, two[..., 0])
    return one, two


def keras_pair(arguments: Arguments) -> Arguments:
    """A loss of (y_true, y_pred) that Keras averages over the last axis: one rank, one shape, and a batch axis.

    A function truncates targets where predictions are integers; a class computes everything in floating point.
    """
    return keras_stretched(arguments, squeezes=True)


def keras_plain_pair(arguments: Arguments) -> Arguments:
    """The same for the few functions that take ranks as they are; their classes do not."""
    return keras_stretched(arguments, squeezes="weight" in arguments)


def keras_stretched(arguments: Arguments, squeezes: bool) -> Arguments:
    """Both tensors in one shape, and a batch axis before a lone row."""
    target, prediction = arguments["target"], arguments["prediction"]
    if "weight" not in arguments and prediction.dtype.kind not in "fV":
        target = target.astype(prediction.dtype)
    if squeezes:
        target, prediction = squeezed(target, prediction)
    shape = common_shape((target, prediction), "target")
    rows, kernel = shape[:-1], shape if len(shape) > 1 else (1, prod(shape))
    arguments = arguments | {
        "target": np.broadcast_to(target, shape).reshape(kernel),
        "prediction": np.broadcast_to(prediction, shape).reshape(kernel),
    }
    return keras_rows(arguments, rows)


def keras_axes(arguments: Arguments) -> Arguments:
    """What Keras averages over (`axis`: one axis, several, or as null, all) as one last axis; shapes must be equal."""
    target, prediction, axis = arguments["target"], arguments["prediction"], arguments["axis"]
    if "weight" in arguments:
        target, prediction = squeezed(target, prediction)
    else:
        floating("prediction")(arguments)
    pair = same_shape("prediction", "target")({"prediction": prediction, "target": target})
    axes = chosen_axes(axis, prediction.ndim)
    rest = {name: value for name, value in arguments.items() if name != "axis"}
    return rest | {name: gathered(array, axes) for name, array in pair.items()}


def keras_along(arguments: Arguments) -> Arguments:
    """A loss of (y_true, y_pred) that Keras sums over `axis`: as `keras_pair`, that axis last."""
    target, prediction = arguments["target"], arguments["prediction"]
    if "weight" not in arguments and prediction.dtype.kind not in "fV":
        target = target.astype(prediction.dtype)
    target, prediction = map(np.atleast_1d, squeezed(target, prediction))
    laid = {"prediction": prediction, "target": target}
    require_lengths(*laid)({**laid, "axis": arguments["axis"]})
    shape = common_shape(laid.values(), "target")
    axes = chosen_axes(arguments["axis"], len(shape))
    rows = tuple(n for i, n in enumerate(shape) if i not in axes)
    laid = {name: gathered(np.broadcast_to(array, shape), axes) for name, array in laid.items()}
    laid = {name: array if rows else array[None] for name, array in laid.items()}
    return keras_rows(arguments | laid | {"axis": -1}, rows)


def keras_rows(arguments: Arguments, rows: Shape) -> Arguments:
    """The rest of a Keras call whose losses have the shape `rows`: how weights spread it, and what is reduced."""
    weight, reduction = arguments.get("weight"), arguments["reduction"]
    shape = rows
    if weight is not None:
        values, aligned = squeezed(np.broadcast_to(np.float32(0), rows), weight)
        shape = common_shape((values, aligned), "weight")
        if prod(shape) != prod(rows) and prod(rows) != 1:
            raise ShapeError(f"sample_weight broadcastable to {rows}", f"shape {weight.shape}", ("weight",))
        if reduction == "weighted_mean" and aligned.size != prod(shape):
            total = aligned.sum(dtype=np.float64)
            aligned, reduction = aligned / (total or np.inf), "sum"
        weight = np.broadcast_to(aligned, shape)
        weight = weight if prod(rows) == 1 and shape else weight.reshape(rows)
    if shape == (0,):
        reduction = "none"
    elif weight is None or not shape:
        reduction = "mean" if weight is None and reduction == "weighted_mean" else reduction
        reduction = "sum" if weight is not None and reduction == "weighted_mean" else reduction
    return arguments | {"weight": weight, "reduction": reduction, "shape": shape}


def tf1_weights(arguments: Arguments) -> Arguments:
    """TensorFlow 1 has no loss without weights: 1.0 is their default, None an error."""
    if arguments.get("weight") is None:
        raise ParameterError("weights", "None", ("weight",))
    return arguments | {"weight": np.asarray(arguments["weight"])}


def tf1_align(weight: Array, rows: Shape) -> Array:
    """TensorFlow 1's rule: weights are one number, or have the rank of the losses."""
    if weight.ndim not in (0, len(rows)):
        raise ShapeError(f"one weight, or weights of rank {len(rows)}", f"shape {weight.shape}", ("weight",))
    return weight


def tf1_row_weights(arguments: Arguments, reason: str) -> Arguments:
    """TensorFlow 1's weights of elements added up to one per row; refused, for a reason, where some are 0."""
    weight, shape = arguments["weight"], arguments["target"].shape
    if tf1_align(weight, shape).ndim < 2:
        return arguments
    try:
        absent = (np.broadcast_to(weight, shape) == 0).reshape(shape[0], -1)
    except ValueError:
        raise ShapeError(f"weights broadcastable to {shape}", f"shape {weight.shape}", ("weight",)) from None
    if (absent.any(axis=1) & ~absent.all(axis=1)).any():
        raise Unsupported(f"weights that can be reproduced ({reason})", "some of 0", ("weight",))
    return arguments | {"weight": weight.sum(axis=tuple(range(1, weight.ndim)), dtype=np.float64)}


def squeeze_weight(axis: int) -> Prepare:
    """TensorFlow 1's weights for losses that keep an axis of one: without that axis."""

    def squeeze(arguments: Arguments) -> Arguments:
        weight, rank = arguments["weight"], arguments["prediction"].ndim
        if tf1_align(weight, (1,) * rank).ndim and weight.shape[axis] != 1:
            raise ShapeError(f"weights of size 1 along axis {axis}", f"shape {weight.shape}", ("weight",))
        return arguments | {"weight": weight.squeeze(axis) if weight.ndim else weight}

    return squeeze


def keras_align(weight: Array, rows: Shape) -> Array:
    """Keras' rule: a last axis of one is dropped or added, then sizes are stretched as NumPy does, from the right."""
    _, aligned = squeezed(np.broadcast_to(np.float32(0), rows), weight)
    try:
        return np.broadcast_to(aligned, rows)
    except ValueError:
        raise ShapeError(f"sample_weight broadcastable to {rows}", f"shape {weight.shape}", ("weight",)) from None


def along_axes(*names: str, fill: float = 0.0) -> Prepare:
    """Move what `axis` names (one, several or, as null, all) to one last axis; entries outside `where` become 0.

    optax' way to say over what a loss is summed. `axis` and `where` are taken out; the loss sums over its last axis.
    The first tensor's entries become `fill` instead.
    """

    def lay_out(arguments: Arguments) -> Arguments:
        rest = {name: value for name, value in arguments.items() if name not in ("axis", "where")}
        where, axis = arguments.get("where"), arguments.get("axis", -1)
        arrays = [arguments[name] for name in names]
        shape = common_shape(arrays, names[-1])
        axes = chosen_axes(axis, len(shape))
        kept = tuple(n for i, n in enumerate(shape) if i not in axes)
        for name, array in zip(names, arrays, strict=True):
            stretched = np.broadcast_to(array, shape)
            if where is not None:
                blank = fill if name == names[0] else 0.0
                stretched = np.where(_mask(where, shape), stretched, stretched.dtype.type(blank))
            moved = np.moveaxis(stretched, axes, range(len(shape) - len(axes), len(shape)))
            rest[name] = moved.reshape(*(kept or (1,)), prod(shape[i] for i in axes))
        return rest | {"shape": kept}

    return lay_out


def _mask(where: Any, shape: Shape) -> Array:
    mask = np.asarray(where)
    if mask.dtype.kind != "b":
        raise DtypeError("where as true and false", f"dtype {mask.dtype}", ("where",))
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ShapeError(f"where broadcastable to {shape}", f"shape {mask.shape}", ("where",)) from None
