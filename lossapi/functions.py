"""Stable spellings, one per risky operation, written against the Array API.

Each asks the namespace of its first argument first: one that has the operation itself (the tape with its own
derivative rule, a tracer with its own ONNX operator) is used as it is.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

from lossapi.domains import Array

LOG_2 = 0.6931471805599453
LOG_2PI = 1.8378770664093453
TINY = 2e-38
"""Too small to change a sum, large enough for float32 to divide by."""

F = TypeVar("F", bound=Callable[..., Array])


def namespace(*arrays: Array) -> Any:
    """The Array-API namespace of the first array."""
    for array in arrays:
        if hasattr(array, "__array_namespace__"):
            return array.__array_namespace__()
    raise TypeError("no array among the arguments")


@lru_cache(maxsize=16)
def _special(xp: Any) -> Any:
    """Where a namespace keeps operations of its own, if anywhere."""
    return getattr(xp, "special", None)


def delegated(spelling: F) -> F:
    """Prefer the namespace's own operation of that name; `special` is where a namespace offers such."""

    @wraps(spelling)
    def call(first: Array, *others: Any, **options: Any) -> Array:
        special = _special(namespace(first))
        own = spelling if special is None else getattr(special, spelling.__name__, spelling)
        return own(first, *others, **options)

    return cast(F, call)


@delegated
def log1p(x: Array) -> Array:
    """log(1 + x) for x in [0, 1]: log(u) corrected for the rounding of u = 1 + x; vectorises where log1p does not."""
    u = 1.0 + x
    return namespace(x).log(u) - ((u - 1.0) - x) / u


@delegated
def log1m(p: Array) -> Array:
    """log(1 - p) for p in [0, 1], corrected likewise: a small p loses no digits, p = 1 gives -inf."""
    u = 1.0 - p
    return namespace(p).log(u) - ((u - 1.0) + p) / (u + TINY)


@delegated
def softplus(x: Array) -> Array:
    """log(1 + exp(x)); max(x, 0) + log1p(exp(-|x|)) never overflows."""
    xp = namespace(x)
    return xp.maximum(x, xp.zeros_like(x)) + log1p(xp.exp(-xp.abs(x)))


@delegated
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); through tanh, which saturates instead of overflowing."""
    return 0.5 + 0.5 * namespace(x).tanh(0.5 * x)


@delegated
def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x)) = -softplus(-x)."""
    return -softplus(-x)


@delegated
def logsumexp(x: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """log(Σ exp(x)) along an axis; a slice of -inf gives -inf, +inf gives +inf."""
    xp = namespace(x)
    top = xp.max(x, axis=axis, keepdims=True)
    shift = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.sum(xp.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else xp.squeeze(total, axis=axis)


@delegated
def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """x - logsumexp(x) along an axis, shifted by the maximum."""
    xp = namespace(x)
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@delegated
def softmax(x: Array, *, axis: int = -1) -> Array:
    """exp(x) / Σ exp(x) along an axis, shifted by the maximum."""
    xp = namespace(x)
    powers = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return powers / xp.sum(powers, axis=axis, keepdims=True)


@delegated
def xlogy(x: Array, y: Array) -> Array:
    """x·log(y), and 0 where x is 0 whatever y is, but NaN."""
    xp = namespace(x, y)
    return xp.where((x == 0.0) & (y == y), 0.0 * xp.ones_like(y), x * xp.log(y))


@delegated
def product(w: Array, x: Array) -> Array:
    """w·x, and 0 where w is 0 and x infinite: a class that did not come costs nothing, however improbable."""
    whole = w * x
    xp = namespace(whole)
    return xp.where((w == 0.0) & xp.isinf(x), xp.zeros_like(whole), whole)


@delegated
def relu(x: Array) -> Array:
    """max(x, 0)."""
    xp = namespace(x)
    return xp.maximum(x, xp.zeros_like(x))


@delegated
def clip(x: Array, *, low: float | None = None, high: float | None = None) -> Array:
    """x held within [low, high]; the derivative is 1 inside and on the bounds, as PyTorch's clamp has it."""
    return namespace(x).clip(x, low, high)


@delegated
def unit(x: Array, *, axis: int = -1, floor: float = 1e-12) -> Array:
    """x at Euclidean length 1 along an axis; no length counts as less than `floor`, so that 0 stays 0."""
    return x / clip(namespace(x).linalg.vector_norm(x, axis=axis, keepdims=True), low=floor)


@delegated
def lgamma(x: Array) -> Array:
    """log |Γ(x)| for x > 0: Stirling's series, after the recurrence has carried x to 8 or more."""
    xp = namespace(x)
    product, z = xp.ones_like(x), x
    for _ in range(8):
        small = z < 8.0
        product = xp.where(small, product * z, product)
        z = xp.where(small, z + 1.0, z)
    inverse = 1.0 / z
    square = inverse * inverse
    series = inverse * (
        1 / 12
        - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188 - square * 691 / 360360))))
    )
    return (z - 0.5) * xp.log(z) - z + 0.5 * LOG_2PI + series - xp.log(product)


@delegated
def digamma(x: Array) -> Array:
    """The derivative of lgamma for x > 0: the same recurrence, then the asymptotic series."""
    xp = namespace(x)
    carried, z = xp.zeros_like(x), x
    for _ in range(8):
        small = z < 8.0
        carried = carried - xp.where(small, 1.0 / z, xp.zeros_like(z))
        z = xp.where(small, z + 1.0, z)
    square = 1.0 / (z * z)
    series = square * (
        1 / 12
        - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132 - square * 691 / 32760))))
    )
    return carried + xp.log(z) - 0.5 / z - series


@delegated
def stop_gradient(x: Array) -> Array:
    """x itself; the tape takes it for a constant."""
    return x


@delegated
def pick(x: Array, label: Array, *, axis: int = 1) -> Array:
    """The entry of x at `label` along an axis; `label` has the other axes."""
    xp = namespace(x)
    return xp.squeeze(xp.take_along_axis(x, xp.expand_dims(label, axis=axis), axis=axis), axis=axis)


@delegated
def one_hot(label: Array, like: Array, *, axis: int = 1) -> Array:
    """Labels as 0/1 rows with the shape and dtype of `like`, the classes along an axis."""
    xp = namespace(like)
    shape = tuple(-1 if i == axis % like.ndim else 1 for i in range(like.ndim))
    classes = xp.reshape(xp.arange(like.shape[axis]), shape)
    return xp.astype(xp.expand_dims(label, axis=axis) == classes, like.dtype)


@delegated
def count(x: Array, *, axis: int | tuple[int, ...]) -> float:
    """How many entries x has along some axes, as a number that does not change dtypes."""
    size = 1
    for each in (axis,) if isinstance(axis, int) else axis:
        size *= x.shape[each]
    return float(size)


@delegated
def scan(first: Array, step: Callable[..., Any], carry: Any) -> Any:
    """Fold `carry = step(carry, x)` over the leading axis of `first`: one primitive for dynamic programmes."""
    for i in range(first.shape[0]):
        carry = step(carry, first[i, ...])
    return carry


@delegated
def floored_log(p: Array, *, floor: float | None = None) -> Array:
    """log p; no less than `floor` where that is negative, of p held in [floor, 1 - floor] where it is positive."""
    xp = namespace(p)
    if floor is None:
        return xp.log(p)
    if floor > 0:
        return xp.log(clip(p, low=floor, high=1.0 - floor))
    return clip(xp.log(p), low=floor)
