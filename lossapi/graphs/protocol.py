"""NumPy's own functions, called with symbols: so the table of derivatives, written for NumPy, builds graphs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.graphs import indexing, shapes
from lossapi.graphs.graph import current
from lossapi.graphs.namespace import NAMESPACE
from lossapi.graphs.symbol import Symbol, symbol

RENAMED = {
    "true_divide": "divide",
    "absolute": "abs",
    "power": "pow",
    "invert": "bitwise_invert",
    "transpose": "permute_dims",
    "concatenate": "concat",
    "arccos": "acos",
    "arcsin": "asin",
    "arctan": "atan",
}
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


def ufunc(called: Any, method: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """A function of elements, or its reduction over axes."""
    if method == "reduce":
        left = {name: value for name, value in options.items() if name in ("axis", "dtype", "keepdims")}
        return getattr(NAMESPACE, REDUCTIONS[called.__name__])(arguments[0], **left)
    return getattr(NAMESPACE, RENAMED.get(called.__name__, called.__name__))(*arguments)


def function(called: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Any other function of NumPy's, by its name here or in the namespace."""
    name = RENAMED.get(called.__name__, called.__name__)
    own: Any = OWN.get(name) or getattr(NAMESPACE, name, None) or getattr(NAMESPACE.linalg, name)
    return own(*arguments, **options)


def swapaxes(x: Array, one: int, two: int) -> Symbol:
    """Two axes exchanged."""
    order = list(range(x.ndim))
    order[one], order[two] = order[two], order[one]
    return shapes.permute_dims(x, order)


def bincount(x: Array, weights: Array, minlength: Any = 0) -> Symbol:
    """Weights added up by the places they go to."""
    weights = symbol(weights)
    return scattered(shapes.zeros((minlength,), dtype=weights.dtype), x, weights, "add")


def put_along_axis(x: Symbol, indices: Array, values: Array, axis: int) -> None:
    """Entries of each slice set to other values, in place."""
    index = symbol(indices)
    inputs = x.full(), index.full(np.int64), shapes.broadcast_to(values, index.shape).full(x.dtype)
    x.become(Symbol(current().add("ScatterElements", *inputs, axis=axis % x.ndim), x.dtype, x.shape))


def assigned(x: Symbol, key: Any, value: Any) -> Symbol:
    """An array in which the entries that a key picks have other values."""
    places = indexing.getitem(numbered(x), key)
    values = shapes.broadcast_to(value, places.shape)
    flat = scattered(shapes.reshape(x, (-1,)), shapes.reshape(places, (-1,)), shapes.reshape(values, (-1,)), "none")
    return shapes.reshape(flat, x.shape)


def added(x: Symbol, key: Any, value: Array) -> Symbol:
    """An array with values added to the entries that a key of slices and whole numbers picks, none of them twice."""
    if current().by_axes:
        return indexing.added(x, key, value)
    return assigned(x, key, indexing.getitem(x, key) + value)


def added_along(x: Symbol, indices: Array, values: Array, axis: int) -> Symbol:
    """An array with values added at places along an axis."""
    index = shapes.broadcast_to(symbol(indices), values.shape)
    inputs = x.full(), index.full(np.int64), symbol(values).full(x.dtype)
    name = current().add("ScatterElements", *inputs, axis=axis % x.ndim, reduction="add")
    return Symbol(name, x.dtype, x.shape)


def numbered(x: Array) -> Symbol:
    """The places of an array's entries, in its shape."""
    return shapes.reshape(shapes.arange(x.size), x.shape)


def scattered(x: Symbol, places: Array, values: Array, reduction: str) -> Symbol:
    """A vector with values put, or added, at some places."""
    inputs = x.full(), symbol(places).full(np.int64), symbol(values).full(x.dtype)
    return Symbol(current().add("ScatterElements", *inputs, axis=0, reduction=reduction), x.dtype, x.shape)


OWN = {"swapaxes": swapaxes, "bincount": bincount, "put_along_axis": put_along_axis}
