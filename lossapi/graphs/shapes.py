"""Functions that move, pick, repeat or reduce entries."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.graphs.dims import Dim, Size, broadcast, product
from lossapi.graphs.graph import current
from lossapi.graphs.symbol import Shape, Symbol, common_dtype, number, symbol

Axis = int | tuple[int, ...] | None
END = np.iinfo(np.int64).max


def widened(dtype: Any) -> Any:
    """A dtype asked for by name: float64 is the graph's own wide one."""
    return current().wide if np.dtype(dtype) == np.float64 else np.dtype(dtype)


def astype(x: Array, dtype: Any, /, *, copy: bool = True) -> Symbol:
    """The same numbers in another dtype."""
    return symbol(x).astype(widened(dtype))


def asarray(x: Any, /, *, dtype: Any = None, copy: bool | None = None) -> Symbol:
    """Anything as an array."""
    return symbol(x) if dtype is None else astype(x, dtype)


def full_like(x: Array, value: Any, /, *, dtype: Any = None) -> Symbol:
    """One number in the shape of x."""
    return broadcast_to(symbol(value).astype(x.dtype if dtype is None else widened(dtype)), x.shape)


def zeros_like(x: Array, /, *, dtype: Any = None) -> Symbol:
    """0 in the shape of x."""
    return full_like(x, 0, dtype=dtype)


def ones_like(x: Array, /, *, dtype: Any = None) -> Symbol:
    """1 in the shape of x."""
    return full_like(x, 1, dtype=dtype)


def full(shape: Size | Shape, value: Any, *, dtype: Any = None) -> Symbol:
    """One number in some shape."""
    shape = shape if isinstance(shape, tuple) else (shape,)
    made = symbol(value)
    return broadcast_to(made.astype(widened(made.dtype if dtype is None else dtype)), shape)


def zeros(shape: Size | Shape, *, dtype: Any = np.float64) -> Symbol:
    """0 in some shape."""
    return full(shape, 0, dtype=dtype)


def ones(shape: Size | Shape, *, dtype: Any = np.float64) -> Symbol:
    """1 in some shape."""
    return full(shape, 1, dtype=dtype)


def arange(start: Size, /, stop: Size | None = None, step: int = 1, *, dtype: Any = np.int64) -> Symbol:
    """Whole numbers in order."""
    start, stop = (0, start) if stop is None else (start, stop)
    if isinstance(start, int) and isinstance(stop, int):
        return number(np.arange(start, stop, step, dtype=dtype))
    graph = current()
    bounds = [graph.add("Squeeze", graph.vector([bound])) for bound in (start, stop)]
    name = graph.add("Range", *bounds, graph.constant(step, np.int64))
    return Symbol(name, np.int64, (stop - start,)).astype(dtype)


def broadcast_to(x: Array, shape: Shape, /) -> Symbol:
    """x seen in a larger shape."""
    x = symbol(x)
    return Symbol(x.value, x.dtype, tuple(shape), held=x.held, constant=x.constant)


def broadcast_arrays(*arrays: Array) -> list[Symbol]:
    """All in the shape they have in common."""
    shape = broadcast(*(symbol(array).shape for array in arrays))
    return [broadcast_to(array, shape) for array in arrays]


def reshape(x: Array, /, shape: Size | Sequence[Size], *, copy: bool | None = None) -> Symbol:
    """The entries in another shape, one size of which may be -1."""
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    known = product(size for size in wanted if size != -1)
    rest = -1 if -1 not in wanted else 0 if known == 0 else x.size // known
    settled = tuple(rest if size == -1 else size for size in wanted)
    if settled == x.shape:
        return symbol(x)
    if x.constant is not None:
        return broadcast_to(number(x.constant, x.dtype), settled)
    return Symbol(current().add("Reshape", x.full(), _target(x.shape, wanted)), x.dtype, settled)


def _target(shape: Shape, wanted: Shape) -> str:
    """A shape for ONNX: 0 keeps the size in that place, one -1 is what is left."""
    sizes = [0 if isinstance(n, Dim) and shape[i : i + 1] == (n,) else n for i, n in enumerate(wanted)]
    unknown = [place for place, size in enumerate(sizes) if isinstance(size, Dim)]
    if len(unknown) == 1 and -1 not in sizes:
        sizes[unknown[0]] = -1
    clear = not any(isinstance(size, Dim) for size in sizes)
    return current().vector(sizes if clear else wanted)


def expand_dims(x: Array, /, axis: int | tuple[int, ...] = 0) -> Symbol:
    """New axes of size one."""
    axes = (axis,) if isinstance(axis, int) else axis
    rank = x.ndim + len(axes)
    places = sorted(place % rank for place in axes)
    shape = list(x.shape)
    for place in places:
        shape.insert(place, 1)
    return _moved(x, tuple(shape), "Unsqueeze", places)


def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Symbol:
    """Axes of size one left out."""
    places = sorted(place % x.ndim for place in ((axis,) if isinstance(axis, int) else axis))
    return _moved(x, tuple(n for i, n in enumerate(x.shape) if i not in places), "Squeeze", places)


def _moved(x: Array, shape: Shape, operator: str, places: list[int]) -> Symbol:
    if x.constant is not None:
        return broadcast_to(number(x.constant, x.dtype), shape)
    return Symbol(current().add(operator, x.full(), current().constant(places, np.int64)), x.dtype, shape)


def permute_dims(x: Array, /, axes: Sequence[int]) -> Symbol:
    """The axes in another order."""
    order = [axis % x.ndim for axis in axes]
    if order == sorted(order):
        return symbol(x)
    shape = tuple(x.shape[axis] for axis in order)
    if x.constant is not None:
        return broadcast_to(number(x.constant, x.dtype), shape)
    return Symbol(current().add("Transpose", x.full(), perm=[int(axis) for axis in order]), x.dtype, shape)


def moveaxis(x: Array, source: int, destination: int, /) -> Symbol:
    """One axis in another place."""
    order = [axis for axis in range(x.ndim) if axis != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return permute_dims(x, order)


def matrix_transpose(x: Array, /) -> Symbol:
    """The last two axes exchanged."""
    return moveaxis(x, -1, -2)


def concat(arrays: Iterable[Array], /, *, axis: int | None = 0) -> Symbol:
    """Arrays one after another."""
    parts = [symbol(array) if axis is not None else reshape(array, (-1,)) for array in arrays]
    dtype, place = common_dtype(parts), (axis or 0) % parts[0].ndim
    shape = list(parts[0].shape)
    for part in parts[1:]:
        shape[place] = shape[place] + part.shape[place]
    return Symbol(current().add("Concat", *(part.full(dtype) for part in parts), axis=place), dtype, tuple(shape))


def stack(arrays: Iterable[Array], /, *, axis: int = 0) -> Symbol:
    """Arrays side by side along a new axis."""
    parts = [symbol(array) for array in arrays]
    place = axis % (parts[0].ndim + 1)
    return concat([expand_dims(part, axis=place) for part in parts], axis=place)


def flip(x: Array, /, *, axis: Axis = None) -> Symbol:
    """The order along some axes turned round."""
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    places = [place % x.ndim for place in axes]
    graph = current()
    vectors = ([-1] * len(places), [-END] * len(places), places, [-1] * len(places))
    return Symbol(graph.add("Slice", x.full(), *(graph.constant(v, np.int64) for v in vectors)), x.dtype, x.shape)


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Symbol:
    """Entries by their places along one axis."""
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    place, index = axis % x.ndim, symbol(indices if not isinstance(indices, range) else np.array(indices))
    shape = x.shape[:place] + index.shape + x.shape[place + 1 :]
    return Symbol(current().add("Gather", x.full(), index.full(np.int64), axis=place), x.dtype, shape)


def take_along_axis(x: Array, indices: Array, /, axis: int = -1) -> Symbol:
    """One entry of each slice by its place in it."""
    place, index = axis % x.ndim, symbol(indices)
    shape = broadcast((*x.shape[:place], 1, *x.shape[place + 1 :]), index.shape)
    whole = (*shape[:place], x.shape[place], *shape[place + 1 :])
    inputs = broadcast_to(x, whole).full(), broadcast_to(index, shape).full(np.int64)
    return Symbol(current().add("GatherElements", *inputs, axis=place), x.dtype, shape)
