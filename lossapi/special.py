"""The derivatives of the stable spellings in `functions`, where the one derived from their text would lose digits,
overflow or be slow; as in `derivatives`, one pull per argument.
"""

from collections.abc import Mapping

import numpy as np

from lossapi.domains import Array
from lossapi.functions import digamma, pick, sigmoid
from lossapi.pulls import Into, Pull, Pulls, held, known, picked, scaled, select, spread


def sound(x: Array) -> bool:
    """Whether no NaN is in x, as far as can be told."""
    if not known(x):
        return False
    peak = np.maximum.reduce(x, axis=None, initial=0.0)
    return bool(peak == peak)


def grown(gap: Array, x: Array) -> Array:
    """exp of the gap between x and something nearly as large: 1 where both are infinite."""
    power = np.exp(gap)
    return power if sound(power) else np.where(np.isinf(x) & (power != power), 1.0, power).astype(x.dtype, copy=False)


def chance(o: Array, x: Array, y: Array) -> Array:
    """sigmoid(x) = exp((1 - y)x - o) of the surprise o: one exp more, and no division."""
    return grown((1.0 - y) * x - o, x) if known(x) else sigmoid(x)


def bell(x: Array) -> Array:
    """The slope of the sigmoid, e/(1 + e)² with e = exp(-|x|): right to the last digit far out too."""
    e = np.exp(-np.abs(x))
    return e / np.square(1.0 + e)


def share(x: Array, total: Array) -> Array:
    """exp(x - total), the softmax; 0 in a slice of -inf."""
    power = np.exp(x - total)
    return power if sound(power) else np.where(x == -np.inf, 0.0, power).astype(x.dtype, copy=False)


def surprised(g: Array, o: Array, x: Array, label: Array, *, axis: int = 1) -> Array:
    """g(softmax(x) - one-hot)."""
    g, place = np.expand_dims(g, axis), np.expand_dims(label, axis)
    flow = g * share(x, np.expand_dims(o, axis) + np.take_along_axis(x, place, axis))
    picked(flow, scaled(-1.0, g), o, x, place, axis=axis)
    return flow


def log_softmax_kept(x: Array, *, axis: int = -1) -> tuple[Array, tuple[Array, Array]]:
    """The log-softmax, and the powers with their sum that its cotangent needs too."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    powers = np.exp(shifted)
    total = np.sum(powers, axis=axis, keepdims=True)
    return shifted - np.log(total), (powers, total)


def log_softmax_back(g: Array, _: Array, kept: tuple[Array, Array], *, axis: int = -1) -> Array:
    """g - softmax(x) Σg."""
    powers, total = kept
    flow = powers * (np.sum(g, axis=axis, keepdims=True) / -total)
    flow += g
    return flow


def surprisal_kept(x: Array, label: Array, *, axis: int = 1) -> tuple[Array, tuple[Array, Array]]:
    """The surprisal, and the powers with their sum that its cotangent needs too."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    powers = np.exp(shifted)
    total = np.sum(powers, axis=axis)
    return np.log(total) - pick(shifted, label, axis=axis), (powers, total)


def surprisal_back(g: Array, o: Array, kept: tuple[Array, Array], label: Array, *, axis: int = 1) -> Array:
    """g(softmax(x) - one-hot)."""
    powers, total = kept
    flow = powers * np.expand_dims(g / total, axis)
    place = np.expand_dims(label, axis)
    picked(flow, np.expand_dims(scaled(-1.0, g), axis), o, powers, place, axis=axis)
    return flow


def trigamma(x: Array) -> Array:
    """The derivative of digamma for x > 0: ψ'(x) = ψ'(x + 1) + 1/x² up to 8, then the asymptotic series."""
    carried, z = np.zeros_like(x), x
    for _ in range(8):
        small = z < 8.0
        carried = carried + np.where(small, 1.0 / (z * z), 0.0)
        z = np.where(small, z + 1.0, z)
    square = 1.0 / (z * z)
    series = 1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * (5 / 66 - square * 691 / 2730))))
    return carried + 1.0 / z + square * (0.5 + series / z)


ELEMENTWISE: Pulls = {
    "log1p": (lambda g, o, x: g / (1.0 + x),),
    "log1m": (lambda g, o, p: g / (p - 1.0),),
    "product": (lambda g, o, w, x: g * x, lambda g, o, w, x: g * w),
    "logit_surprise": (
        lambda g, o, x, y: g * (chance(o, x, y) - y),
        lambda g, o, x, y: scaled(-1.0, g) * x,
    ),
    "floored_surprise": (
        lambda g, o, p, y, *, floor: g * ((p - y) / np.maximum(p * (1.0 - p), 1e-12)),
        lambda g, o, p, y, *, floor: g * (np.log(1.0 - p) - np.log(p)),
    ),
    "logaddexp": (lambda g, o, x, y: g * sigmoid(x - y), lambda g, o, x, y: g * sigmoid(y - x)),
    "softplus": (lambda g, o, x: g * grown(x - o, x),),
    "sigmoid": (lambda g, o, x: g * bell(x),),
    "log_sigmoid": (lambda g, o, x: g * grown(o - x, x),),
    "relu": (lambda g, o, x: select(x > 0.0, g),),
    "clip": (lambda g, o, x, *, low=None, high=None: held(g, o, x, low, high),),
    "lgamma": (lambda g, o, x: g * digamma(x),),
    "digamma": (lambda g, o, x: g * trigamma(x),),
}

SHAPED: Pulls = {
    "log_softmax": (lambda g, o, x, *, axis=-1: g - np.exp(o) * np.sum(g, axis=axis, keepdims=True),),
    "surprisal": (surprised,),
    "softmax": (lambda g, o, x, *, axis=-1: o * (g - np.sum(g * o, axis=axis, keepdims=True)),),
    "logsumexp": (
        lambda g, o, x, *, axis=-1, keepdims=False: (
            spread(g, x, axis, keepdims) * share(x, spread(o, x, axis, keepdims))
        ),
    ),
    "pick": (
        Into(
            lambda buffer, g, o, x, label, *, axis=1: picked(
                buffer, np.expand_dims(g, axis), o, x, np.expand_dims(label, axis), axis=axis
            )
        ),
    ),
}

KEEPING: Mapping[str, tuple[Pull, Pull]] = {
    "log_softmax": (log_softmax_kept, log_softmax_back),
    "surprisal": (surprisal_kept, surprisal_back),
}
"""Where arrays have values: a form that gives beside its value what the pull gets in place of the first argument."""

CONSTANTS = "stop_gradient one_hot"
