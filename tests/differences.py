"""Gradients by central differences, and by the tape, of a plain function of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.gradients import vjp


def differences(function: Callable[..., Any], arrays: tuple[Array, ...], cotangent: Array, which: int) -> Array:
    """The gradient of <cotangent, function> by one array, from central differences."""
    step, found = 1e-6, np.zeros(arrays[which].shape)
    for place in np.ndindex(arrays[which].shape):
        shift = np.zeros(arrays[which].shape)
        shift[place] = step
        moved = [[a + s * shift if i == which else a for i, a in enumerate(arrays)] for s in (1.0, -1.0)]
        found[place] = np.sum(cotangent * (function(*moved[0]) - function(*moved[1]))) / (2.0 * step)
    return found


def gradient(function: Callable[..., Any], *arrays: Array, cotangent: Array | None = None) -> list[Array]:
    """The tape's gradient of the sum (or of <cotangent, ·>) by each array."""
    names = [str(i) for i in range(len(arrays))]
    out, pullback = vjp(function, dict(zip(names, arrays, strict=True)), {}, names)
    found = pullback(np.ones_like(out) if cotangent is None else cotangent)
    return [found.get(name, np.zeros_like(a)) for name, a in zip(names, arrays, strict=True)]
