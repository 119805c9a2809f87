"""How cotangents flow back through functions whose derivative takes more than a line, as plain NumPy.

A pull takes the cotangent `g` of the result, the result `o`, and the call's own arguments, and gives what reaches
the argument, in the result's shape where broadcasting made it larger (the tape adds it up).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lossapi.domains import Array

Pull = Callable[..., Any]
Pulls = Mapping[str, "tuple[Pull | Into | None, ...]"]
Axis = int | tuple[int, ...] | None

ARRAYS = (np.ndarray, np.generic)
SMALL = 1024
BITS: Mapping[Any, Any] = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
SIGN: Mapping[Any, Any] = {np.dtype(np.float32): np.int32(-(2**31)), np.dtype(np.float64): np.int64(-(2**63))}


class Into(NamedTuple):
    """A pull that adds into the argument's own cotangent: what only reads some entries touches no others."""

    add: Pull


def known(x: Array) -> bool:
    """Whether an array has values to look at; one of a graph to be has none yet."""
    return isinstance(x, ARRAYS)


def select(mask: Array, g: Array) -> Array:
    """g where the mask holds, else 0 whatever g is; as bits, a tenth of the time that `where` takes."""
    bits = BITS.get(g.dtype)
    if bits is None or not known(g):
        return np.where(mask, g, 0.0).astype(g.dtype, copy=False)
    if mask.shape != g.shape:
        mask = np.broadcast_to(mask, g.shape)
    return np.bitwise_and(g.view(bits), -mask.astype(bits)).view(g.dtype)


def scaled(factor: float, g: Array) -> Array:
    """factor · g; where g is one number seen everywhere, so is this."""
    if known(g) and g.size > SMALL and not any(g.strides):
        return np.broadcast_to(factor * g[(0,) * g.ndim], g.shape)
    return factor * g


def spread(g: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """What a reduction gave, with its axes back as axes of size one."""
    if keepdims or x.ndim == 0:
        return g
    return np.reshape(g, (1,) * x.ndim) if axis is None else np.expand_dims(g, axis)


def over(g: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The cotangent of a sum, seen by each of its terms, in their dtype."""
    return np.broadcast_to(spread(g, x, axis, keepdims).astype(x.dtype, copy=False), x.shape)


def signed(g: Array, o: Array, x: Array) -> Array:
    """g under the sign of x, 0 at 0; as bits where |x|, which is o, has neither 0 nor NaN."""
    bits = BITS.get(g.dtype)
    if bits is None or not known(x) or not np.minimum.reduce(o, axis=None, initial=np.inf) > 0.0:
        return g * np.sign(x)
    return np.bitwise_xor(g.view(bits), np.bitwise_and(x.view(bits), SIGN[g.dtype])).view(g.dtype)


def halved(g: Array, x: Array, other: Array, largest: bool) -> Array:
    """The share of x in a maximum (or minimum): all, none, or half at a tie."""
    taken = select(~(x < other) if largest else ~(x > other), g)
    tie = x == other
    return np.where(tie, 0.5 * taken, taken) if not known(tie) or tie.any() else taken


def shared(g: Array, o: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The share of each entry in the maximum (or minimum) over an axis: even among ties."""
    mask = x == spread(o, x, axis, keepdims)
    ties = np.maximum(np.count_nonzero(mask, axis=axis, keepdims=True), 1)
    return select(mask, np.broadcast_to(spread(g, x, axis, keepdims) / ties.astype(x.dtype), x.shape))


def held(g: Array, _: Array, x: Array, min: Any = None, max: Any = None) -> Array:
    """The cotangent of a clip: all of it inside and on the bounds."""
    if min is not None:
        g = select(x >= min, g)
    return g if max is None else select(x <= max, g)


def powered(g: Array, o: Array, x: Array, a: Any) -> Array:
    """a·x^(a-1) by the exponents that occur most, and 0 for an exponent of 0."""
    if isinstance(a, int | float) and a in (0, 2):
        return scaled(2.0, g) * x if a else 0.0 * g
    slope = g * (a * x ** (a - 1.0))
    return slope if isinstance(a, int | float) else np.where(a == 0.0, 0.0, slope)


def exponent(g: Array, o: Array, x: Array, a: Array) -> Array:
    """x^a·log x, and 0 for a base of 0 under an exponent that is not negative."""
    return np.where((x == 0.0) & (a >= 0.0), 0.0, g * o * np.log(x))


def others(x: Array, axis: int) -> Array:
    """The product of all the other entries along an axis, without a division."""
    ahead = np.cumulative_prod(x, axis=axis, include_initial=True)
    behind = np.flip(np.cumulative_prod(np.flip(x, axis=axis), axis=axis, include_initial=True), axis=axis)
    n = x.shape[axis]
    return np.take(ahead, range(n), axis=axis) * np.take(behind, range(1, n + 1), axis=axis)


def multiplied(g: Array, _: Array, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The cotangent of a product times the product of the others."""
    rest = others(x.reshape(-1), 0).reshape(x.shape) if axis is None else others(x, axis)
    return over(g, x, axis, keepdims) * rest


def normed(g: Array, o: Array, x: Array, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    """x/‖x‖ for the Euclidean norm and its kin for the others; 0 at 0."""
    g, o = spread(g, x, axis, keepdims), spread(o, x, axis, keepdims)
    if ord == 1:
        return g * np.sign(x)
    if ord in (np.inf, -np.inf):
        return np.sign(x) * shared(g, o, np.abs(x), axis=axis, keepdims=True)
    safe = np.where(o == 0.0, 1.0, o).astype(x.dtype, copy=False)
    if ord == 2:
        return select(np.broadcast_to(o != 0.0, x.shape), x * (g / safe))
    slope = np.sign(x) * (np.abs(x) / safe) ** (ord - 1.0) * g
    return select((x != 0.0) & (o != 0.0), slope)


def varied(
    g: Array, _: Array, x: Array, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """2(x - mean)/(n - correction)."""
    mean = np.mean(x, axis=axis, keepdims=True)
    n = x.size / max(mean.size, 1)
    return over(g, x, axis, keepdims) * ((2.0 / (n - correction)) * (x - mean))


def deviated(g: Array, o: Array, x: Array, **options: Any) -> Array:
    """The variance's, through its root; 0 where there is no spread."""
    slope = np.where(o == 0.0, 0.0, 0.5 * g / np.where(o == 0.0, 1.0, o)).astype(x.dtype, copy=False)
    return varied(slope, o, x, **options)


def left(g: Array, _: Array, x: Array, y: Array) -> Array:
    """g yᵀ, vectors as rows and columns."""
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    g = np.expand_dims(g, -2) if x.ndim == 1 else g
    return g @ np.swapaxes(y[:, None] if y.ndim == 1 else y, -1, -2)


def right(g: Array, _: Array, x: Array, y: Array) -> Array:
    """xᵀ g, vectors as rows and columns."""
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    g = np.expand_dims(g, -2) if x.ndim == 1 else g
    pulled = np.swapaxes(x[None] if x.ndim == 1 else x, -1, -2) @ g
    return pulled[..., 0] if y.ndim == 1 else pulled


def summed_behind(g: Array, _: Array, x: Array, *, axis: int = 0, include_initial: bool = False) -> Array:
    """Each term enters all the sums from its place on."""
    g = np.take(g, range(1, g.shape[axis]), axis=axis) if include_initial else g
    return np.flip(np.cumulative_sum(np.flip(g, axis=axis), axis=axis), axis=axis)


def scattered(function: Pull) -> Into:
    """The pull of a function that only picks entries: find their places with it, add where several meet in one."""

    def add(buffer: Array, g: Array, _: Array, x: Array, *arguments: Any, **options: Any) -> None:
        numbered = np.arange(x.size).reshape(x.shape) if known(x) else x.numbered()
        places = function(numbered, *arguments, **options)
        sums = np.bincount(places.reshape(-1), g.reshape(-1), minlength=x.size)
        buffer += sums.reshape(x.shape).astype(buffer.dtype, copy=False)

    return Into(add)


def indexed(buffer: Array, g: Array, o: Array, x: Array, key: Any) -> None:
    """The pull of x[key]; slices and integers meet no entry twice."""
    steps = key if isinstance(key, tuple) else (key,)
    if all(step is None or step is ... or isinstance(step, int | np.integer | slice) for step in steps):
        if known(buffer):
            buffer[key] += g
        else:
            buffer.add_at(key, g)
    else:
        scattered(lambda places, key: places[key]).add(buffer, g, o, x, key)


def picked(buffer: Array, g: Array, o: Array, x: Array, index: Array, *, axis: int = -1) -> None:
    """The pull of take_along_axis; one entry per slice meets none twice."""
    if index.shape[axis] == 1 and index.shape == g.shape:
        np.put_along_axis(buffer, index, np.take_along_axis(buffer, index, axis) + g, axis)
    elif not known(buffer):
        buffer.add_along(index, g, axis)
    else:
        scattered(np.take_along_axis).add(buffer, g, o, x, index, axis=axis)


def sorted_back(buffer: Array, g: Array, _: Array, x: Array, *, axis: int = -1, **__: Any) -> None:
    """Each entry's cotangent goes back to where the entry came from."""
    index = np.argsort(x, axis=axis, stable=True)
    np.put_along_axis(buffer, index, np.take_along_axis(buffer, index, axis) + g, axis)
