"""The stable spellings of `lossapi.functions` that ONNX has an operator for, and those that need one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lossapi import functions
from lossapi.domains import Array
from lossapi.graphs import dims, elements, reductions, shapes
from lossapi.graphs.dims import Size
from lossapi.graphs.graph import current, information
from lossapi.graphs.symbol import Symbol, symbol
from lossapi.scans import Arrays, Sweep


def _element(operator: str, x: Array) -> Symbol:
    return Symbol(current().add(operator, x.name()), x.dtype, x.shape, held=x.held)


def _along(operator: str, x: Array, axis: int) -> Symbol:
    return Symbol(current().add(operator, x.full(), axis=axis % x.ndim), x.dtype, x.shape)


def log1p(x: Array) -> Symbol:
    """log(1 + x) for x in [0, 1]; there is no operator of ONNX."""
    return spelt("log1p")(x) if current().whole else _element("Log1pUnit", x)


def sigmoid(x: Array) -> Symbol:
    """1 / (1 + exp(-x))."""
    return _element("Sigmoid", x)


def softplus(x: Array) -> Symbol:
    """log(1 + exp(x)); ONNX Runtime has the operator in float32 alone, and takes thrice as long as the text does."""
    return _element("Softplus", x) if current().brief and x.dtype == np.float32 else spelt("softplus")(x)


def relu(x: Array) -> Symbol:
    """max(x, 0)."""
    return _element("Relu", x)


def clip(x: Array, *, low: Any = None, high: Any = None) -> Symbol:
    """x held within [low, high]."""
    return elements.clip(x, low, high)


def log_softmax(x: Array, *, axis: int = -1) -> Symbol:
    """x - logsumexp(x); the operator's float64 loses NaN."""
    whole = current().whole and x.dtype == np.float32
    return _along("LogSoftmax", x, axis) if whole else elements.subtract(*_shifted(x, axis))


def softmax(x: Array, *, axis: int = -1) -> Symbol:
    """exp(x) / Σ exp(x)."""
    if not current().whole:
        return spelt("softmax")(x, axis=axis)
    return _along("Softmax", x, axis) if x.dtype == np.float32 else elements.exp(log_softmax(x, axis=axis))


def surprisal(x: Array, label: Array, *, axis: int = 1) -> Array:
    """Minus the log-softmax of x at `label`."""
    return elements.same("negative")(pick(log_softmax(x, axis=axis), label, axis=axis))


def pick(x: Array, label: Array, *, axis: int = 1) -> Symbol:
    """The entry of x at `label` along an axis."""
    entries = shapes.take_along_axis(x, shapes.expand_dims(label, axis=axis), axis=axis)
    return shapes.squeeze(entries, axis=axis)


def product(w: Array, x: Array) -> Symbol:
    """w·x, and 0 where w is 0 and x infinite."""
    whole = w * x
    return elements.where((w == 0.0) & elements.truth("isinf")(x), shapes.zeros_like(whole), whole)


def _shifted(x: Array, axis: int) -> tuple[Symbol, Symbol]:
    """x - max x, and the log of the sum of its powers: NaN reaches the sum whatever the maximum is."""
    shifted = elements.subtract(x, reductions.reduced("ReduceMax", x, axis, True))
    return shifted, elements.log(reductions.sum(elements.exp(shifted), axis=axis, keepdims=True))


def count(x: Array, *, axis: int | tuple[int, ...]) -> Size:
    """How many entries x has along some axes, known or not."""
    return dims.product(x.shape[each] for each in ((axis,) if isinstance(axis, int) else axis))


def spelt(name: str) -> Callable[..., Symbol]:
    """A spelling by its own text."""
    text: Callable[..., Symbol] = getattr(functions, name).__wrapped__
    return text


def sweep(first: Array, others: Sequence[Array], step: Sweep, carry: Arrays, *, reverse: bool = False) -> Any:
    """A loop over the leading axis: the recorder's own, or one of ONNX."""
    arrays, start = [symbol(each) for each in (first, *others)], [symbol(each) for each in carry]
    own = getattr(current(), "swept", looped)
    return own(arrays, step, start, reverse)


def looped(arrays: Sequence[Symbol], step: Sweep, start: Sequence[Symbol], reverse: bool) -> tuple[Arrays, Arrays]:
    """ONNX's loop, its body traced once."""
    from onnx import helper

    graph, size = current(), arrays[0].shape[0]
    trips = graph.add("Squeeze", graph.vector([size]))
    whole = [each.full() for each in arrays]
    with graph.body() as nodes:
        turn, go = graph.name(), graph.name()
        held = [Symbol(graph.name(), each.dtype, each.shape) for each in start]
        place = turn
        if reverse:
            place = graph.add("Sub", graph.add("Sub", trips, graph.constant(1, np.int64)), turn)
        entries = [
            Symbol(graph.add("Gather", name, place, axis=0), each.dtype, each.shape[1:])
            for name, each in zip(whole, arrays, strict=True)
        ]
        after, given = step(tuple(held), tuple(entries))
        outputs = [graph.add("Identity", go)]
        outputs += [graph.add("Identity", each.full(one.dtype)) for each, one in zip(after, start, strict=True)]
        outputs += [graph.add("Identity", each.full()) for each in given]
    said = [information(turn, np.int64, ()), information(go, np.bool_, ())]
    said += [information(each.value, each.dtype, each.shape) for each in held]
    results = [information(outputs[0], np.bool_, ())]
    kinds = [*start, *given]
    results += [information(name, one.dtype, one.shape) for name, one in zip(outputs[1:], kinds, strict=True)]
    body = helper.make_graph(nodes, "step", said, results)
    names = graph.all("Loop", trips, "", *(each.full() for each in start), outputs=len(kinds), body=body)
    carried = [Symbol(name, one.dtype, one.shape) for name, one in zip(names, start, strict=False)]
    stacked = [
        Symbol(name, one.dtype, (size, *one.shape)) for name, one in zip(names[len(start) :], given, strict=True)
    ]
    return tuple(carried), tuple(shapes.flip(each, axis=0) if reverse else each for each in stacked)
