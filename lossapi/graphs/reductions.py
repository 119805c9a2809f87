"""Sums, extremes and their kin over axes; sorting and running sums; products of matrices."""

from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.graphs import elements, shapes
from lossapi.graphs.dims import Size, broadcast
from lossapi.graphs.graph import current
from lossapi.graphs.shapes import Axis
from lossapi.graphs.symbol import Symbol, common_dtype, symbol


def reduced(operator: str, x: Array, axis: Axis, keepdims: bool, name: str = "") -> Symbol:
    """An operator over some axes, or over all of them."""
    places = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    places = tuple(sorted(place % x.ndim for place in places)) if x.ndim else ()
    if not places:
        return symbol(x)
    axes = [] if len(places) == x.ndim else [current().constant(places, np.int64)]
    value = current().add(operator, name or x.full(), *axes, keepdims=int(keepdims))
    kept = tuple(1 if i in places else n for i, n in enumerate(x.shape))
    shape = kept if keepdims else tuple(n for i, n in enumerate(x.shape) if i not in places)
    return Symbol(value, x.dtype, shape)


def sum(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Symbol:
    """The sum, in a dtype if one is given; truth values are counted."""
    wanted = np.dtype(np.int64) if x.dtype.kind == "b" else x.dtype
    return reduced("ReduceSum", x.astype(wanted if dtype is None else shapes.widened(dtype)), axis, keepdims)


def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """The mean."""
    return reduced("ReduceMean", x, axis, keepdims)


def prod(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """The product."""
    return reduced("ReduceProd", x, axis, keepdims)


def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """The largest, or NaN where there is one."""
    return _poisoned(x, reduced("ReduceMax", x, axis, keepdims), axis, keepdims)


def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """The least, or NaN where there is one."""
    return _poisoned(x, reduced("ReduceMin", x, axis, keepdims), axis, keepdims)


def _poisoned(x: Array, found: Symbol, axis: Axis, keepdims: bool) -> Symbol:
    """ONNX Runtime's extremes overlook NaN: add up those there are."""
    if x.dtype.kind != "f" or not x.ndim or not current().overlooks_nan:
        return found
    return elements.add(found, sum(elements.where(elements.truth("isnan")(x), x, 0.0), axis=axis, keepdims=keepdims))


def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """Whether one is true."""
    return reduced("ReduceMax", x.astype(np.bool_).astype(np.int32), axis, keepdims).astype(np.bool_)


def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """Whether all are true."""
    return reduced("ReduceMin", x.astype(np.bool_).astype(np.int32), axis, keepdims).astype(np.bool_)


def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Symbol:
    """How many are not 0."""
    return sum(x.astype(np.bool_), axis=axis, keepdims=keepdims)


def argmax(x: Array, /, *, axis: int, keepdims: bool = False) -> Symbol:
    """Where the largest stands, the first of several."""
    return _where_extreme("ArgMax", x, axis, keepdims)


def argmin(x: Array, /, *, axis: int, keepdims: bool = False) -> Symbol:
    """Where the least stands, the first of several."""
    return _where_extreme("ArgMin", x, axis, keepdims)


def _where_extreme(operator: str, x: Array, axis: int, keepdims: bool) -> Symbol:
    place = axis % x.ndim
    shape = x.shape[:place] + ((1,) if keepdims else ()) + x.shape[place + 1 :]
    return Symbol(current().add(operator, x.full(), axis=place, keepdims=int(keepdims)), np.int64, shape)


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Symbol:
    """In rising order along an axis."""
    return Symbol(_ordered(x, axis, descending)[0], x.dtype, x.shape)


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Symbol:
    """The places of the entries in rising order, equal ones in theirs."""
    return Symbol(_ordered(x, axis, descending)[1], np.int64, x.shape)


def _ordered(x: Array, axis: int, descending: bool) -> tuple[str, str]:
    graph, place = current(), axis % x.ndim
    count = graph.vector([x.shape[place]])
    index = graph.add("TopK", x.full(), count, outputs=2, axis=place, largest=int(descending), sorted=1)
    values = graph.add("GatherElements", x.full(), index, axis=place)
    return values, index


def cumulative_sum(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Symbol:
    """Running sums along an axis, from 0 on if the initial one is included."""
    place = (axis or 0) % x.ndim
    x = x.astype(np.int64 if x.dtype.kind == "b" else x.dtype) if dtype is None else shapes.astype(x, dtype)
    if include_initial:
        first = shapes.zeros((*x.shape[:place], 1, *x.shape[place + 1 :]), dtype=x.dtype)
        x = shapes.concat([first, x], axis=place)
    return Symbol(current().add("CumSum", x.full(), current().constant(place, np.int64)), x.dtype, x.shape)


def cumulative_prod(x: Array, /, *, axis: int | None = None, include_initial: bool = False) -> Symbol:
    """Running products along an axis of known size."""
    place = (axis or 0) % x.ndim
    size = x.shape[place]
    if not isinstance(size, int):
        raise TypeError("a running product along an axis of unknown size cannot be traced")
    parts = [shapes.take(x, np.array([i]), axis=place) for i in range(size)]
    running = [shapes.ones_like(parts[0])] if include_initial else parts[:1]
    for part in parts if include_initial else parts[1:]:
        running.append(elements.multiply(running[-1], part))
    return shapes.concat(running, axis=place)


def matmul(x: Array, y: Array, /) -> Symbol:
    """The product of matrices, or of stacks of them."""
    x, y = symbol(x), symbol(y)
    dtype = common_dtype([x, y])
    rows: tuple[Size, ...] = x.shape[-2:-1] if x.ndim > 1 else ()
    columns: tuple[Size, ...] = y.shape[-1:] if y.ndim > 1 else ()
    shape = broadcast(x.shape[:-2], y.shape[:-2]) + rows + columns
    return Symbol(current().add("MatMul", x.full(dtype), y.full(dtype)), dtype, shape)


def vecdot(x: Array, y: Array, /, *, axis: int = -1) -> Symbol:
    """The sum of the products along an axis."""
    return sum(elements.multiply(x, y), axis=axis)


def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Symbol:
    """(Σ|x|^p)^(1/p), with its limits."""
    if ord == 2:
        return elements.sqrt(sum(elements.square(x), axis=axis, keepdims=keepdims))
    size = elements.absolute(x)
    if ord in (np.inf, -np.inf):
        return (max if ord > 0 else min)(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(size, axis=axis, keepdims=keepdims)
    return elements.power(sum(elements.power(size, float(ord)), axis=axis, keepdims=keepdims), 1.0 / ord)
