"""The weighted mean of a number per row that no derivative is asked of."""

from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.states import Counts


def weighed(rows: Array, weight: Array | None, count: int) -> Counts:
    """The sum of the rows' numbers and that of their weights, both in double precision."""
    xp = namespace(rows)
    each = xp.ones(rows.shape, dtype=xp.float64) if weight is None else xp.astype(weight, xp.float64)
    return Counts(xp.stack([xp.sum(each * xp.astype(rows, xp.float64)), xp.sum(each)]), {}, count)


def mean(counts: Counts) -> Array:
    """The weighted mean."""
    return counts.table[0] / counts.table[1]
