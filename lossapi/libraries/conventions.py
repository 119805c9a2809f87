"""How other libraries lay out what they are given, before they compute: shapes, dtypes, weights.

A *step* takes the arguments of a preset under our names, tensors as arrays, and gives them changed; `steps` runs
several. An *alignment* lines sample weights up with the shape of the rows they weigh.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from lossapi.domains import TAG, Array
from lossapi.errors import DomainError, DtypeError, LossError, ParameterError, ShapeError, TooLarge
from lossapi.functions import stop_gradient

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


def constant(*names: str) -> Prepare:
    """Let no gradient through to tensors that the library takes for constants."""

    def hold(arguments: Arguments) -> Arguments:
        given = [name for name in names if arguments.get(name) is not None]
        return arguments | {name: stop_gradient(arguments[name]) for name in given}

    return hold


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
    return _alike("shape", ShapeError, names)


def same_dtype(*names: str) -> Prepare:
    """Refuse tensors of unlike dtypes."""
    return _alike("dtype", DtypeError, names)


def _alike(what: str, error: type[LossError], names: Sequence[str]) -> Prepare:
    def check(arguments: Arguments) -> Arguments:
        first, *rest = (getattr(arguments[name], what) for name in names)
        for name, other in zip(names[1:], rest, strict=True):
            if other != first:
                raise error(f"{name} of {what} {first}", f"{what} {other}", (name,))
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


def gathered(array: Array, axes: tuple[int, ...]) -> Array:
    """Some axes moved to the end, in their order, and flattened to one."""
    kept = tuple(i for i in range(array.ndim) if i not in axes)
    shape = tuple(array.shape[i] for i in kept)
    return np.transpose(array, kept + axes).reshape(*shape, prod(array.shape[i] for i in axes))


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
