"""`x[key]` with whole numbers, slices, `...`, None and one array of places."""

from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.graphs import shapes
from lossapi.graphs.dims import Dim, Size
from lossapi.graphs.graph import current
from lossapi.graphs.symbol import Shape, Symbol, number, symbol


def getitem(x: Array, key: Any) -> Symbol:
    """The entries that a key picks."""
    steps = _whole(x, key)
    there = [step for step in steps if step is not None]
    x = _picked(_sliced(x, there), there)
    dropped = [isinstance(step, int | np.integer) for step in steps]
    left = [step for step, gone in zip(steps, dropped, strict=True) if not gone]
    new = tuple(i for i, step in enumerate(left) if step is None)
    return shapes.expand_dims(x, new) if new else x


def added(x: Symbol, key: Any, value: Array) -> Symbol:
    """An array with values added to the entries that a key of slices and whole numbers picks."""
    steps = [step for step in _whole(x, key) if step is not None]
    cuts: list[tuple[Size, Size, Size]] = []
    for size, step in zip(x.shape, steps, strict=True):
        if not isinstance(step, slice):
            cuts.append((size, 1, int(step)))
        elif _cuts(step):
            start, end = _bounds(step, size)
            cuts.append((size, _length(size, start, end), start))
    settled = tuple((n, part, start + n if isinstance(start, int) and start < 0 else start) for n, part, start in cuts)
    given = shapes.broadcast_to(value, getitem(x, key).shape)
    return Symbol(current().add("AddAt", x.full(), given.full(x.dtype), cuts=settled), x.dtype, x.shape)


def _whole(x: Array, key: Any) -> list[Any]:
    """A key with a step for every axis, and None for those that are new."""
    steps = [*key] if isinstance(key, tuple) else [key]
    named = sum(step is not None and step is not Ellipsis for step in steps)
    if not any(step is Ellipsis for step in steps):
        steps.append(Ellipsis)
    place = next(i for i, step in enumerate(steps) if step is Ellipsis)
    steps[place : place + 1] = [slice(None)] * (x.ndim - named)
    return steps


def _sliced(x: Array, steps: list[Any]) -> Symbol:
    """All slices at once."""
    bounds = [(axis, *_bounds(step, x.shape[axis])) for axis, step in enumerate(steps) if _cuts(step)]
    if not bounds:
        return symbol(x)
    shape = list(x.shape)
    for axis, start, end in bounds:
        shape[axis] = _length(x.shape[axis], start, end)
    if x.constant is not None:
        return shapes.broadcast_to(number(x.constant, x.dtype), tuple(shape))
    axes, starts, ends = zip(*bounds, strict=True)
    vectors = [current().vector(each) for each in (starts, ends, axes)]
    return Symbol(current().add("Slice", x.full(), *vectors), x.dtype, tuple(shape))


def _cuts(step: Any) -> bool:
    if isinstance(step, slice) and step.step not in (None, 1):
        raise TypeError("slices with a step cannot be traced")
    return isinstance(step, slice) and (step.start is not None or step.stop is not None) and step.start != step.stop


def _bounds(step: slice, size: Size) -> tuple[Size, Size]:
    start = 0 if step.start is None else step.start
    return start, shapes.END if step.stop is None else step.stop


def _length(size: Size, start: Size, end: Size) -> Size:
    """How many entries lie between the bounds, of an axis that is long enough for them."""
    if isinstance(size, int) and isinstance(start, int) and isinstance(end, int):
        return len(range(size)[start:end])
    start = start + size if isinstance(start, int) and start < 0 else start
    end = size if isinstance(end, int) and end == shapes.END else end
    return (end + size if isinstance(end, int) and end < 0 else end) - start


def _picked(x: Symbol, steps: list[Any]) -> Symbol:
    """Single entries along their axes, from the last axis on."""
    for axis in reversed(range(len(steps))):
        step = steps[axis]
        if isinstance(step, int | np.integer):
            x = _entry(x, int(step), axis)
        elif isinstance(step, Symbol | np.ndarray | range | Dim):
            x = shapes.take(x, step, axis=axis)
    return x


def _entry(x: Symbol, place: int, axis: int) -> Symbol:
    shape: Shape = x.shape[:axis] + x.shape[axis + 1 :]
    if x.constant is not None:
        return shapes.broadcast_to(number(x.constant, x.dtype), shape)
    return Symbol(current().add("Gather", x.full(), current().constant(place, np.int64), axis=axis), x.dtype, shape)
