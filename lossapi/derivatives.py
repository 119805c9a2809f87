"""The table of derivatives: for each Array-API function, one pull per argument.

At kinks and ties all do as PyTorch does: |x| at 0 has 0, `max` and `min` share evenly, `maximum` and `minimum` halve,
`clip` has 1 on its bounds, a norm has 0 at 0.
"""

import numpy as np

from lossapi.pulls import (
    Into,
    Pulls,
    deviated,
    exponent,
    halved,
    held,
    indexed,
    left,
    multiplied,
    normed,
    over,
    picked,
    powered,
    right,
    scaled,
    scattered,
    select,
    shared,
    signed,
    sorted_back,
    summed_behind,
    varied,
)

ELEMENTWISE: Pulls = {
    "positive": (lambda g, o, x: g,),
    "negative": (lambda g, o, x: scaled(-1.0, g),),
    "abs": (signed,),
    "square": (lambda g, o, x: scaled(2.0, g) * x,),
    "sqrt": (lambda g, o, x: select(np.not_equal(o, 0.0), (0.5 * g) / o),),  # 0 at 0, as a norm has it
    "reciprocal": (lambda g, o, x: -g * o * o,),
    "exp": (lambda g, o, x: g * o,),
    "expm1": (lambda g, o, x: g * np.exp(x),),
    "log": (lambda g, o, x: g / x,),
    "log1p": (lambda g, o, x: g / (1.0 + x),),
    "log2": (lambda g, o, x: g / (0.6931471805599453 * x),),
    "log10": (lambda g, o, x: g / (2.302585092994046 * x),),
    "sin": (lambda g, o, x: g * np.cos(x),),
    "cos": (lambda g, o, x: g * -np.sin(x),),
    "tan": (lambda g, o, x: g * (1.0 + o * o),),
    "asin": (lambda g, o, x: g / np.sqrt((1.0 - x) * (1.0 + x)),),
    "acos": (lambda g, o, x: -g / np.sqrt((1.0 - x) * (1.0 + x)),),
    "atan": (lambda g, o, x: g / (1.0 + x * x),),
    "sinh": (lambda g, o, x: g * np.cosh(x),),
    "cosh": (lambda g, o, x: g * np.sinh(x),),
    "tanh": (lambda g, o, x: g * (1.0 - o * o),),
    "asinh": (lambda g, o, x: g / np.sqrt(x * x + 1.0),),
    "acosh": (lambda g, o, x: g / np.sqrt(x * x - 1.0),),
    "atanh": (lambda g, o, x: g / ((1.0 - x) * (1.0 + x)),),
    "add": (lambda g, o, x, y: g, lambda g, o, x, y: g),
    "subtract": (lambda g, o, x, y: g, lambda g, o, x, y: scaled(-1.0, g)),
    "multiply": (lambda g, o, x, y: g * y, lambda g, o, x, y: g * x),
    "divide": (lambda g, o, x, y: g / y, lambda g, o, x, y: -g * o / y),
    "pow": (powered, exponent),
    "remainder": (lambda g, o, x, y: g, lambda g, o, x, y: -g * np.floor(x / y)),
    "atan2": (lambda g, o, y, x: g * x / (x * x + y * y), lambda g, o, y, x: -g * y / (x * x + y * y)),
    "hypot": (
        lambda g, o, x, y: select(o != 0.0, g * (x / o)),
        lambda g, o, x, y: select(o != 0.0, g * (y / o)),
    ),
    "logaddexp": (lambda g, o, x, y: g * np.exp(x - o), lambda g, o, x, y: g * np.exp(y - o)),
    "maximum": (lambda g, o, x, y: halved(g, x, y, True), lambda g, o, x, y: halved(g, y, x, True)),
    "minimum": (lambda g, o, x, y: halved(g, x, y, False), lambda g, o, x, y: halved(g, y, x, False)),
    "where": (
        None,
        lambda g, o, c, x, y: select(c, g),
        lambda g, o, c, x, y: select(np.logical_not(c), g),
    ),
    "clip": (
        held,
        lambda g, o, x, min=None, max=None: select(x < min, g),
        lambda g, o, x, min=None, max=None: select(x > max, g),
    ),
}
"""Functions of elements: where nothing flows back, the tape may let nothing through."""

SHAPED: Pulls = {
    # reductions
    "sum": (lambda g, o, x, *, axis=None, keepdims=False, dtype=None: over(g, x, axis, keepdims),),
    "mean": (lambda g, o, x, *, axis=None, keepdims=False: over(g * (o.size / max(x.size, 1)), x, axis, keepdims),),
    "max": (shared,),
    "min": (shared,),
    "prod": (multiplied,),
    "var": (varied,),
    "std": (deviated,),
    "linalg.vector_norm": (normed,),
    "cumulative_sum": (summed_behind,),
    # products
    "matmul": (left, right),
    "vecdot": (
        lambda g, o, x, y, *, axis=-1: np.expand_dims(g, axis) * y,
        lambda g, o, x, y, *, axis=-1: np.expand_dims(g, axis) * x,
    ),
    "linalg.outer": (lambda g, o, x, y: g @ y, lambda g, o, x, y: x @ g),
    # the same entries in another shape or order
    "astype": (lambda g, o, x, dtype, **_: g,),
    "asarray": (lambda g, o, x, **_: g,),
    "full_like": (None, lambda g, o, x, fill: g),
    "reshape": (lambda g, o, x, shape, **_: g.reshape(x.shape),),
    "expand_dims": (lambda g, o, x, **_: g.reshape(x.shape),),
    "squeeze": (lambda g, o, x, axis=None: g.reshape(x.shape),),
    "broadcast_to": (lambda g, o, x, shape: g,),
    "permute_dims": (lambda g, o, x, axes: np.transpose(g, np.argsort(axes)),),
    "moveaxis": (lambda g, o, x, source, to: np.moveaxis(g, to, source),),
    "matrix_transpose": (lambda g, o, x: np.swapaxes(g, -1, -2),),
    "flip": (lambda g, o, x, *, axis=None: np.flip(g, axis=axis),),
    "roll": (lambda g, o, x, shift, *, axis=None: np.roll(g, np.negative(shift), axis),),
    "tril": (lambda g, o, x, *, k=0: np.tril(g, k=k),),
    "triu": (lambda g, o, x, *, k=0: np.triu(g, k=k),),
    # some of the entries
    "getitem": (Into(indexed),),
    "take": (scattered(np.take),),
    "take_along_axis": (Into(picked),),
    "sort": (Into(sorted_back),),
    "linalg.diagonal": (scattered(np.linalg.diagonal),),
    "repeat": (scattered(np.repeat),),
    "tile": (scattered(np.tile),),
}
"""Reductions, products, and functions that move, pick or repeat entries."""

CONSTANTS = """
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not logical_xor isfinite isinf
    isnan bitwise_and bitwise_or bitwise_xor bitwise_invert any all argmax argmin argsort searchsorted count_nonzero
    sign signbit floor ceil round trunc floor_divide nonzero ones_like zeros_like empty_like arange ones zeros full
    empty eye linspace unique_values isdtype finfo iinfo result_type can_cast
"""
"""Every function whose derivative is 0 or that has none: its result is a constant."""

PLAIN = """
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 pi e inf nan newaxis broadcast_shapes
"""
"""Dtypes, numbers, and what takes no arrays."""
