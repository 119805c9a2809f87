"""The Lovász extension: what the Jaccard loss, known on sets of errors, becomes on graded errors."""

from lossapi.domains import Array
from lossapi.functions import namespace, relu


def extension(errors: Array, member: Array, enters: Array | None) -> Array:
    """Σ e_i Δ_i along the last axis, errors in falling order, Δ_i what the i-th adds to the Jaccard loss of the set.

    `member` is 1 in the true set, 0 outside. An entry that does not enter comes last, where it adds nothing.
    """
    xp = namespace(errors)
    key, inside = errors, member
    if enters is not None:
        key, inside = xp.where(enters, errors, xp.full_like(errors, -1.0)), xp.where(enters, member, 0.0 * member)
    order = xp.argsort(-key, axis=-1)
    falling = relu(xp.take_along_axis(key, order, axis=-1))
    inside = xp.astype(xp.take_along_axis(inside, order, axis=-1), xp.float64)
    total = xp.sum(inside, axis=-1, keepdims=True)
    union = total + xp.cumulative_sum(1.0 - inside, axis=-1)
    lost = 1.0 - (total - xp.cumulative_sum(inside, axis=-1)) / union
    added = lost - xp.concat([xp.zeros_like(total), lost[..., :-1]], axis=-1)
    return xp.sum(falling * xp.astype(added, errors.dtype), axis=-1)
