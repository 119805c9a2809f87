"""The stable spellings of `lossapi.functions` that ONNX has an operator for, and those that need one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossapi import functions
from lossapi.domains import Array
from lossapi.graphs import dims, elements, reductions, shapes
from lossapi.graphs.dims import Size
from lossapi.graphs.graph import current, information
from lossapi.graphs.symbol import Symbol


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


def scan(first: Array, step: Callable[..., Any], carry: Any) -> Any:
    """A loop over the leading axis, its body traced once."""
    from onnx import helper

    graph, (start, form) = current(), flattened(carry)
    trips = graph.add("Squeeze", graph.vector([first.shape[0]]))
    entries, whole = first.full(), first.shape[1:]
    with graph.body() as nodes:
        place, go = graph.name(), graph.name()
        held = [Symbol(graph.name(), each.dtype, each.shape) for each in start]
        entry = Symbol(graph.add("Gather", entries, place, axis=0), first.dtype, whole)
        after, _ = flattened(step(rebuilt(form, held), entry))
        outputs = [graph.add("Identity", go)]
        outputs += [graph.add("Identity", each.full(one.dtype)) for each, one in zip(after, start, strict=True)]
    said = [information(place, np.int64, ()), information(go, np.bool_, ())]
    said += [information(each.value, each.dtype, each.shape) for each in held]
    given = [information(outputs[0], np.bool_, ())]
    given += [information(name, one.dtype, one.shape) for name, one in zip(outputs[1:], start, strict=True)]
    body = helper.make_graph(nodes, "step", said, given)
    names = graph.all("Loop", trips, "", *(each.full() for each in start), outputs=len(start), body=body)
    return rebuilt(form, [Symbol(name, one.dtype, one.shape) for name, one in zip(names, start, strict=True)])


def flattened(carry: Any) -> tuple[list[Symbol], Any]:
    """The arrays of nested tuples, and the form to put them back into."""
    if not isinstance(carry, tuple):
        return [carry], None
    parts = [flattened(each) for each in carry]
    return [array for arrays, _ in parts for array in arrays], tuple((len(arrays), form) for arrays, form in parts)


def rebuilt(form: Any, arrays: list[Symbol]) -> Any:
    """Arrays in their form."""
    if form is None:
        return arrays[0]
    parts, place = [], 0
    for size, inner in form:
        parts.append(rebuilt(inner, arrays[place : place + size]))
        place += size
    return tuple(parts)
