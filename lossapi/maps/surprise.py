"""Minus the log-probability of what came: the rows of every cross-entropy over classes."""

from lossapi.domains import Array
from lossapi.functions import count, namespace, pick, product
from lossapi.states import Weighted


def surprise(logs: Array, target: Array, class_weight: Array | None, smoothing: float) -> Array:
    """-Σ_c w_c y_c log p_c of each row, classes along axis 1; a row weighs what the classes of its target weigh."""
    xp = namespace(logs)
    by_class = None if class_weight is None else xp.reshape(class_weight, (-1, *(1,) * (logs.ndim - 2)))
    if target.ndim == logs.ndim:
        return _of_distribution(logs, target, by_class, smoothing)
    value, own = -pick(logs, target, axis=1), None
    if class_weight is not None:
        own = xp.reshape(xp.take(class_weight, xp.reshape(target, (-1,)), axis=0), target.shape)
        value = value * own
    if smoothing:
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
