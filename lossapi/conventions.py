"""How other libraries lay out what they are given, before they compute: shapes, dtypes, weights.

A *step* takes the arguments of a preset under our names, tensors as arrays, and gives them changed; `steps` runs
several. An *alignment* lines sample weights up with the shape of the rows they weigh.
"""

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

import numpy as np

from lossapi.domains import TAG, Array
from lossapi.errors import DomainError, DtypeError, ParameterError, ShapeError, TooLarge, Unsupported

Arguments = dict[str, Any]
Prepare = Callable[[Arguments], Arguments]
Align = Callable[[Array, tuple[int, ...]], Array]
Shape = tuple[int, ...]

LARGEST = 1 << 26
"""Elements that broadcasting may make of smaller tensors."""


def steps(*each: Prepare | None) -> Prepare:
    """Some steps, one after another."""

    def run(arguments: Arguments) -> Arguments:
        for step in each:
            arguments = step(arguments) if step else arguments
        return arguments

    return run


def floating(*names: str) -> Prepare:
    """Refuse integers where the library computes on floating-point tensors alone."""

    def check(arguments: Arguments) -> Arguments:
        for name in names:
            array = arguments.get(name)
            if array is not None and array.dtype.kind not in "fV":
                raise DtypeError(f"{name} of a floating dtype", f"dtype {array.dtype}", (name,))
        return arguments

    return check


def promoted(*names: str) -> Prepare:
    """Refuse integers where all of the tensors are."""

    def check(arguments: Arguments) -> Arguments:
        given = [arguments[name] for name in names if arguments.get(name) is not None]
        if all(array.dtype.kind not in "fV" for array in given):
            raise DtypeError("a floating dtype", f"dtype {given[0].dtype}", (names[0],))
        return arguments

    return check


def broadcast(*names: str) -> Prepare:
    """The tensors in their common shape, sizes of one stretched as NumPy does."""

    def stretch(arguments: Arguments) -> Arguments:
        given = {name: arguments[name] for name in names if arguments.get(name) is not None}
        shape = common_shape(given.values(), [*given][-1])
        return {**arguments, **{name: np.broadcast_to(array, shape) for name, array in given.items()}}

    return stretch


def same_shape(*names: str) -> Prepare:
    """Refuse tensors of unlike shapes."""

    def check(arguments: Arguments) -> Arguments:
        first, *rest = (arguments[name] for name in names)
        for name, array in zip(names[1:], rest, strict=True):
            if array.shape != first.shape:
                raise ShapeError(f"{name} of shape {first.shape}", f"shape {array.shape}", (name,))
        return arguments

    return check


def same_dtype(*names: str) -> Prepare:
    """Refuse tensors of unlike dtypes."""

    def check(arguments: Arguments) -> Arguments:
        first, *rest = (arguments[name] for name in names)
        for name, array in zip(names[1:], rest, strict=True):
            if array.dtype != first.dtype:
                raise DtypeError(f"{name} of dtype {first.dtype}", f"dtype {array.dtype}", (name,))
        return arguments

    return check


def without_nan(*names: str) -> Prepare:
    """Refuse NaN, where a library holds its inputs to a range that NaN is not in."""

    def check(arguments: Arguments) -> Arguments:
        for name in names:
            wrong = np.isnan(arguments[name])
            if wrong.any():
                place = (int(i) for i in np.argwhere(wrong)[0])
                raise DomainError(f"{name} that is a number", "NaN", (name, *place))
        return arguments

    return check


def stretched(name: str, *, trailing: bool = False) -> Prepare:
    """One tensor, if it is there, in the shape of the predictions, or if `trailing` in that of one row of them."""

    def stretch(arguments: Arguments) -> Arguments:
        array, shape = arguments.get(name), arguments["prediction"].shape
        if array is None or array.ndim == 0:
            return arguments
        if trailing and array.ndim < len(shape):
            shape = shape[1:]
        try:
            return {**arguments, name: np.broadcast_to(array, shape)}
        except ValueError:
            raise ShapeError(f"{name} broadcastable to {shape}", f"shape {array.shape}", (name,)) from None

    return stretch


def nan_where_negative(name: str) -> Prepare:
    """NaN instead of negative values, where the library takes their logarithm."""

    def mark(arguments: Arguments) -> Arguments:
        array = arguments[name]
        return arguments | {name: np.where(array < 0, array.dtype.type(np.nan), array)}

    return mark


def nan_where(name: str, condition: Callable[[Array, Array], Array]) -> Prepare:
    """NaN instead of values that the library answers NaN for; what it is depends on the prediction too."""

    def mark(arguments: Arguments) -> Arguments:
        given = arguments[name], arguments["prediction"]
        array, prediction = (np.broadcast_to(each, common_shape(given, name)) for each in given)
        marked = condition(array, prediction)
        return arguments | {name: np.where(marked, array.dtype.type(np.nan), array)} if marked.any() else arguments

    return mark


def positive_smoothing(arguments: Arguments) -> Arguments:
    """Label smoothing below 0 is none."""
    smoothing = arguments.get("label_smoothing")
    return arguments if smoothing is None else {**arguments, "label_smoothing": max(smoothing, 0.0)}


def unbatched(rank: int, *names: str) -> Prepare:
    """One row without a batch axis: where the first tensor has `rank` axes, all gain one, and the loss has none."""

    def stretch(arguments: Arguments) -> Arguments:
        if arguments[names[0]].ndim != rank:
            return arguments
        given = {name: arguments[name][None] for name in names if arguments.get(name) is not None}
        return {**arguments, **given, "shape": ()}

    return stretch


def common_shape(arrays: Iterable[Array], name: str) -> Shape:
    """The shape that arrays are stretched to together; `name` is at fault where there is none."""
    shapes = [array.shape for array in arrays]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        rest = " and ".join(map(str, shapes[:-1]))
        raise ShapeError(f"{name} broadcastable to {rest}", f"shape {shapes[-1]}", (name,)) from None
    if prod(shape) > max(LARGEST, *map(prod, shapes)):
        raise TooLarge(f"at most {LARGEST} elements after broadcasting", f"{prod(shape)}", (name,))
    return shape


def broadcast_groups(events: Mapping[str, int], *names: str) -> Prepare:
    """The parameters of distributions in their common batch shape; `events` says which have axes of their own."""

    def stretch(arguments: Arguments) -> Arguments:
        groups = {name: arguments[name] for name in names if isinstance(arguments[name], Mapping)}
        laid = {name: {k: v if k == TAG else _array(v) for k, v in g.items()} for name, g in groups.items()}
        rank = {name: events.get(str(group.get(TAG)), 0) for name, group in laid.items()}
        parts = [(name, k, v) for name, group in laid.items() for k, v in group.items() if k != TAG]
        batch = {(name, k): np.empty(v.shape[: max(v.ndim - rank[name], 0)], bool) for name, k, v in parts}
        shape = common_shape(batch.values(), names[-1]) if batch else ()
        for name, k, v in parts if shape else ():
            laid[name][k] = np.broadcast_to(v, (*shape, *v.shape[batch[name, k].ndim :]))
        return arguments | laid

    return stretch


def nan_in_group(name: str, kind: str, member: str, condition: Callable[[Array], Array]) -> Prepare:
    """NaN instead of values of one parameter of one kind of distribution, where the library answers NaN."""

    def mark(arguments: Arguments) -> Arguments:
        group = arguments[name]
        if not isinstance(group, Mapping) or group.get(TAG) != kind or member not in group:
            return arguments
        array = _array(group[member])
        return arguments | {name: {**group, member: np.where(condition(array), np.nan, array)}}

    return mark


def _array(value: Any) -> Array:
    return value if hasattr(value, "dtype") else np.asarray(value)


def zero_target(arguments: Arguments) -> Arguments:
    """A missing target is zero everywhere."""
    if arguments["target"] is not None:
        return arguments
    return arguments | {"target": np.zeros_like(arguments["prediction"])}


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


def gathered(array: Array, axes: tuple[int, ...]) -> Array:
    """Some axes moved to the end, in their order, and flattened to one."""
    kept = tuple(i for i in range(array.ndim) if i not in axes)
    shape = tuple(array.shape[i] for i in kept)
    return np.transpose(array, kept + axes).reshape(*shape, prod(array.shape[i] for i in axes))


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


def require_lengths(*names: str) -> Prepare:
    """Refuse vectors of unlike lengths along `axis`, where each is measured before they are broadcast."""

    def check(arguments: Arguments) -> Arguments:
        shapes = [arguments[name].shape for name in names]
        rank, axis = max(map(len, shapes)), arguments["axis"]
        padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        unlike = any(shape[i] != padded[0][i] for shape in padded for i in chosen_axes(axis, rank) if rank)
        from_front = len({*map(len, shapes)}) > 1 and not (isinstance(axis, int) and axis < 0)
        if unlike or from_front:
            raise ShapeError(f"{names[1]} as long as {names[0]} along axis {axis}", f"shape {shapes[1]}", (names[1],))
        return arguments

    return check


def negated(arguments: Arguments) -> Arguments:
    """What the library gives is minus our rows."""
    return arguments | {"weight": np.float32(-1.0)}


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


def chosen_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """One axis, several, or all of them, counted from the front."""
    axes = range(rank) if axis is None else axis if isinstance(axis, list | tuple) else (axis,)
    for each in axes:
        if isinstance(each, bool) or not isinstance(each, int) or not -rank <= each < rank:
            raise ParameterError(f"axis within the {rank} axes", repr(axis), ("axis",))
    found = tuple(sorted({each % rank for each in axes}))
    if len(found) != len(axes):
        raise ParameterError("every axis once", repr(axis), ("axis",))
    return found
