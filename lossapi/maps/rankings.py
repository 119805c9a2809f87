"""What stands at the top, query by query: how much of it is relevant, and where."""

from typing import Literal

from lossapi.domains import Array, Binary, NonNegativeReal, Real, Weight
from lossapi.errors import EmptyError
from lossapi.functions import namespace
from lossapi.order import tied_means
from lossapi.parameters import Count, Positive
from lossapi.states import WEIGHT
from lossapi.states import Sums as Added

EmptyTarget = Literal["neg", "pos", "skip"]


def rankings(
    prediction: Real[Array, "batch items"],
    target: Binary[Array, "batch items"],
    weight: Weight[Array, "batch"] | None = None,
    *,
    top_k: Count | None = None,
    adaptive_k: bool = False,
    above: float | None = None,
    empty_target: EmptyTarget = "neg",
) -> Added:
    """Of each query's `top_k` items by score, those scored `above` a bound: precision, recall and their kin.

    A query without relevant items counts 0 (neg), 1 (pos) or not at all (skip).
    """
    xp, items = namespace(prediction), prediction.shape[1]
    size = min(top_k or items, items)
    relevant = xp.astype(target, xp.float64)
    total = xp.sum(relevant, axis=1)
    retrieved = relevant if above is None else xp.where(prediction > above, relevant, xp.zeros_like(relevant))
    found = xp.take_along_axis(retrieved, descending(prediction), axis=1)[:, :size]
    hits, place = xp.sum(found, axis=1), xp.arange(1, size + 1)
    some = xp.where(hits > 0, hits, xp.ones_like(hits))
    scores = {
        "of_top": hits / (size if adaptive_k else top_k or items),
        "of_relevant": hits / xp.where(total > 0, total, xp.ones_like(total)),
        "hit": xp.astype(hits > 0, xp.float64),
        "reciprocal": xp.max(found / place, axis=1),
        "average": xp.sum(found * xp.cumulative_sum(found, axis=1) / place, axis=1) / some,
    }
    each = row_weights(target, weight)
    if empty_target == "skip":
        each = xp.where(total > 0, each, xp.zeros_like(each))
    otherwise = 1.0 if empty_target == "pos" else 0.0
    return added({name: xp.where(total > 0, score, otherwise) for name, score in scores.items()}, each)


def gains(
    prediction: Real[Array, "batch items"],
    target: NonNegativeReal[Array, "batch items"],
    weight: Weight[Array, "batch"] | None = None,
    *,
    top_k: Count | None = None,
    log_base: Positive = 2.0,
    ignore_ties: bool = False,
    gain: Literal["linear", "exp2"] = "linear",
) -> Added:
    """Each query's discounted gain, as it is and as a share of the best that could be."""
    xp, items = namespace(prediction), prediction.shape[1]
    worth = xp.astype(target, xp.float64)
    worth = 2.0**worth - 1.0 if gain == "exp2" else worth
    place = xp.arange(items)
    discount = xp.log(xp.asarray(log_base)) / xp.log(xp.astype(place + 2, xp.float64))
    discount = xp.where(place < (top_k or items), discount, xp.zeros_like(discount))
    order = descending(prediction)
    ordered = xp.take_along_axis(prediction, order, axis=1)
    shares = discount if ignore_ties or not items else tied_means(ordered, discount)
    reached = xp.sum(xp.take_along_axis(worth, order, axis=1) * shares, axis=1)
    best = xp.sum(xp.flip(xp.sort(worth, axis=1), axis=1) * discount, axis=1)
    share = xp.where(best == 0.0, xp.zeros_like(best), reached / xp.where(best == 0.0, xp.ones_like(best), best))
    return added({"gain": reached, "of_best": share}, row_weights(target, weight))


def descending(scores: Array) -> Array:
    """The items of each row from the highest score down, of equal ones the earlier first."""
    return namespace(scores).argsort(-scores, axis=1, stable=True)


def row_weights(rows: Array, weight: Array | None) -> Array:
    """The weight of each row in float64, 1 where there is none."""
    xp = namespace(rows)
    return xp.ones(rows.shape[0]) if weight is None else xp.astype(weight, xp.float64)


def added(scores: dict[str, Array], weight: Array) -> Added:
    """Σw·score of each name, and Σw."""
    xp = namespace(weight)
    sums = {name: xp.sum(weight * score) for name, score in scores.items()}
    return Added({**sums, WEIGHT: xp.sum(weight)}, weight.shape[0])


def share(sums: dict[str, Array], name: str) -> Array:
    """The weighted mean over the queries that count."""
    if not sums[WEIGHT] != 0.0:
        raise EmptyError("a query that counts", "none")
    return sums[name] / sums[WEIGHT]
