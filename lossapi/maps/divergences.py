"""How far one distribution over classes is from another."""

from lossapi.domains import Array
from lossapi.functions import namespace, product, xlogy


def relative_entropy(y: Array, log_y: Array | None, log_p: Array, axis: int) -> Array:
    """Σ y (log y - log p) along an axis, 0 where y is 0; the logarithms of y are given, or taken."""
    own = xlogy(y, y) if log_y is None else product(y, log_y)
    return namespace(log_p).sum(own - product(y, log_p), axis=axis)
