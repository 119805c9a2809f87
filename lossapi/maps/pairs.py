"""All pairs of a batch: which rows are of one group, and sums over such pairs in logs."""

from lossapi.domains import Array
from lossapi.functions import namespace

NEVER = -1e30
"""A log of nothing that stays finite, so that no slope turns into NaN."""


def partners(group: Array, other: Array | None = None, *, skip_self: bool = True) -> tuple[Array, Array]:
    """Which pairs (row, other row) are of one group, itself left out, and which are of two."""
    xp = namespace(group)
    second = group if other is None else other
    same = xp.expand_dims(group, axis=1) == xp.expand_dims(second, axis=0)
    if not skip_self:
        return same, ~same
    place, across = xp.arange(group.shape[0]), xp.arange(second.shape[0])
    return same & (xp.expand_dims(place, axis=1) != xp.expand_dims(across, axis=0)), ~same


def logsumexp_over(mask: Array, x: Array) -> Array:
    """log Σ exp(x) over the entries of each row in the mask; about -1e30 where there are none."""
    xp = namespace(x)
    kept = xp.where(mask, x, NEVER * xp.ones_like(x))
    top = xp.max(kept, axis=1, keepdims=True)
    total = xp.sum(xp.astype(mask, x.dtype) * xp.exp(kept - top), axis=1)
    return xp.squeeze(top, axis=1) + xp.log(total + xp.astype(~xp.any(mask, axis=1), x.dtype))
