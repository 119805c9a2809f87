"""Errors of single elements, as losses and metrics share them."""

from lossapi.domains import Array
from lossapi.functions import LOG_2, log1p, namespace


def relative(prediction: Array, target: Array, eps: float) -> Array:
    """|p - y| / max(|y|, eps)."""
    xp = namespace(prediction)
    return xp.abs((target - prediction) / xp.clip(xp.abs(target), eps, None))


def log_gap(prediction: Array, target: Array) -> Array:
    """log(1 + p) - log(1 + y)."""
    xp = namespace(prediction)
    return xp.log1p(prediction) - xp.log1p(target)


def tilted(error: Array, quantile: float) -> Array:
    """max(q e, (q - 1) e)."""
    return namespace(error).maximum(quantile * error, (quantile - 1.0) * error)


def smooth_absolute(error: Array) -> Array:
    """log cosh e, which never overflows and keeps its digits near 0."""
    xp = namespace(error)
    error = xp.abs(error)
    half = xp.sinh(0.5 * xp.clip(error, None, 1.0))
    near = log1p(2.0 * half * half)  # cosh e = 1 + 2 sinh²(e/2)
    far = error + log1p(xp.exp(-2.0 * error)) - LOG_2
    return xp.where(error < 1.0, near, far)


def rate_surprise(rate: Array, target: Array, eps: float) -> Array:
    """p - y log(p + eps): what a rate costs, less what depends on the target alone."""
    return rate - target * namespace(rate).log(rate + eps)
