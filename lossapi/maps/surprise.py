"""Minus the log-probability of what came: the rows of every cross-entropy over classes.

An index without smoothing asks of each row one log, of the others nothing but their sum.
"""

from lossapi.domains import Array
from lossapi.functions import clip, count, floored_log, log1m, log_softmax, namespace, pick, product, surprisal
from lossapi.states import Weighted


def of_logits(x: Array, target: Array, class_weight: Array | None, smoothing: float = 0.0) -> Array:
    """-Σ_c w_c y_c log softmax(x)_c."""
    if target.ndim == x.ndim or smoothing:
        return surprise(log_softmax(x, axis=1), target, class_weight, smoothing)
    return weighted(surprisal(x, target, axis=1), target, class_weight)


def of_probabilities(
    p: Array,
    target: Array,
    class_weight: Array | None,
    smoothing: float = 0.0,
    *,
    normalize: bool = False,
    floor: float | None = None,
) -> Array:
    """-Σ_c w_c y_c log p_c, of p divided by its sum if that is asked for, and no log below the floor."""
    total = namespace(p).sum(p, axis=1, keepdims=True) if normalize else None
    if target.ndim == p.ndim or smoothing:
        logs = floored_log(p if total is None else p / total, floor=floor)
        return surprise(logs, target, class_weight, smoothing)
    own = pick(p, target, axis=1)
    own = own if total is None else own / namespace(p).squeeze(total, axis=1)
    return weighted(-floored_log(own, floor=floor), target, class_weight)


def weighted(value: Array, target: Array, class_weight: Array | None) -> Array:
    """Rows times the weight of their class, which is their weight too."""
    if class_weight is None:
        return value
    xp = namespace(value, class_weight)
    own = xp.reshape(xp.take(class_weight, xp.reshape(target, (-1,)), axis=0), target.shape)
    return Weighted(value * own, own)


def surprise(logs: Array, target: Array, class_weight: Array | None, smoothing: float) -> Array:
    """-Σ_c w_c y_c log p_c of each row, classes along axis 1; a row weighs what the classes of its target weigh."""
    xp = namespace(logs)
    by_class = None if class_weight is None else xp.reshape(class_weight, (-1, *(1,) * (logs.ndim - 2)))
    if target.ndim == logs.ndim:
        return _of_distribution(logs, target, by_class, smoothing)
    hard = weighted(-pick(logs, target, axis=1), target, class_weight)
    if not smoothing:
        return hard
    value, own = hard if isinstance(hard, Weighted) else (hard, None)
    spread = -xp.sum(logs if by_class is None else logs * by_class, axis=1) / count(logs, axis=1)
    value = (1.0 - smoothing) * value + smoothing * spread
    return value if own is None else Weighted(value, own)


def _of_distribution(logs: Array, target: Array, by_class: Array | None, smoothing: float) -> Array:
    """Targets as distributions: a class of no target adds nothing, whatever its log."""
    xp = namespace(logs)
    smooth = target * (1.0 - smoothing) + smoothing / count(logs, axis=1) if smoothing else target
    terms = product(smooth, logs)
    if by_class is None:
        return -xp.sum(terms, axis=1)
    return Weighted(-xp.sum(terms * by_class, axis=1), xp.sum(target * by_class, axis=1))


def yes_no_terms(p: Array, y: Array, floor: float | None, offset: float = 0.0) -> tuple[Array, Array]:
    """y log p and (1 - y) log(1 - p), with what libraries do lest the logs be infinite."""
    xp = namespace(p)
    if offset:
        return y * xp.log(p + offset), (1.0 - y) * xp.log(1.0 - p + offset)
    if floor is not None and floor > 0:
        p = clip(p, low=floor, high=1.0 - floor)
    yes, no = xp.log(p), log1m(p)
    if floor is None:
        return product(y, yes), product(1.0 - y, no)
    return (y * yes, (1.0 - y) * no) if floor > 0 else (y * clip(yes, low=floor), (1.0 - y) * clip(no, low=floor))


def yes_no_surprisal(p: Array, y: Array, floor: float | None) -> Array:
    """Minus the log of the probability of what happened, where y is 0 or 1: one logarithm, corrected as `log1m` is."""
    xp = namespace(p)
    if floor is not None and floor > 0:
        p = clip(p, low=floor, high=1.0 - floor)
    came = (1.0 - y) + (2.0 * y - 1.0) * p
    cost = (1.0 - y) * ((came - 1.0) + p) - xp.log(came)
    return cost if floor is None or floor > 0 else clip(cost, high=-floor)
