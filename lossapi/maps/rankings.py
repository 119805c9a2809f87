"""What stands at the top, query by query: how much of it is relevant, and where."""

from typing import Literal

from lossapi.domains import Array, Binary, Group, NonNegativeReal, Real, Weight
from lossapi.errors import EmptyError, Unsupported
from lossapi.functions import namespace
from lossapi.order import in_rows, tied_means
from lossapi.parameters import Count, Positive
from lossapi.states import WEIGHT
from lossapi.states import Sums as Added

EmptyTarget = Literal["neg", "pos", "skip"]
Gain = Literal["linear", "exp2"]
MOST_CELLS = 1 << 26
"""Cells that queries of unlike sizes may be filled up to."""


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
    items = namespace(prediction).full(prediction.shape[0], prediction.shape[1])
    each = row_weights(target, weight)
    return ranked(prediction, target, items, each, top_k, adaptive_k, above, empty_target)


def grouped_rankings(
    prediction: Real[Array, "items"],
    target: Binary[Array, "items"],
    query: Group[Array, "items"] | None = None,
    weight: Weight[Array, "items"] | None = None,
    *,
    top_k: Count | None = None,
    adaptive_k: bool = False,
    above: float | None = None,
    empty_target: EmptyTarget = "neg",
) -> Added:
    """The same of items in one row, `query` saying which query each belongs to; without, all to one."""
    scores, relevant, items = by_query(prediction, target, query, weight)
    each = row_weights(relevant, None)
    return ranked(scores, relevant, items, each, top_k, adaptive_k, above, empty_target)


def ranked(
    prediction: Array,
    target: Array,
    items: Array,
    each: Array,
    top_k: int | None,
    adaptive_k: bool,
    above: float | None,
    empty_target: EmptyTarget,
) -> Added:
    """What is read of each query, of whose row the first `items` are its own."""
    xp = namespace(prediction)
    size = min(top_k or prediction.shape[1], prediction.shape[1])
    relevant = xp.astype(target, xp.float64)
    total = xp.sum(relevant, axis=1)
    retrieved = relevant if above is None else xp.where(prediction > above, relevant, xp.zeros_like(relevant))
    found = xp.take_along_axis(retrieved, descending(prediction), axis=1)[:, :size]
    hits, place = xp.sum(found, axis=1), xp.arange(1, size + 1)
    some = xp.where(hits > 0, hits, xp.ones_like(hits))
    first = items if top_k is None else xp.full(items.shape, top_k)
    first = xp.where(first < items, first, items) if adaptive_k else first
    scores = {
        "of_top": hits / first,
        "of_relevant": hits / xp.where(total > 0, total, xp.ones_like(total)),
        "hit": xp.astype(hits > 0, xp.float64),
        "reciprocal": xp.max(found / place, axis=1),
        "average": xp.sum(found * xp.cumulative_sum(found, axis=1) / place, axis=1) / some,
    }
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
    gain: Gain = "linear",
) -> Added:
    """Each query's discounted gain, as it is and as a share of the best that could be."""
    each = row_weights(target, weight)
    return discounted(prediction, worth(target, gain), each, top_k, log_base, ignore_ties)


def grouped_gains(
    prediction: Real[Array, "items"],
    target: NonNegativeReal[Array, "items"],
    query: Group[Array, "items"] | None = None,
    weight: Weight[Array, "items"] | None = None,
    *,
    top_k: Count | None = None,
    log_base: Positive = 2.0,
    ignore_ties: bool = False,
    gain: Gain = "linear",
) -> Added:
    """The same of items in one row, `query` saying which query each belongs to; without, all to one."""
    scores, gained, _ = by_query(prediction, worth(target, gain), query, weight)
    return discounted(scores, gained, row_weights(gained, None), top_k, log_base, ignore_ties)


def worth(target: Array, gain: Gain) -> Array:
    """What an item of some relevance is worth."""
    relevance = namespace(target).astype(target, namespace(target).float64)
    return 2.0**relevance - 1.0 if gain == "exp2" else relevance


def discounted(
    prediction: Array, gained: Array, each: Array, top_k: int | None, log_base: float, ignore_ties: bool
) -> Added:
    """Gains by place, as they are and over the best that there could be."""
    xp, items = namespace(prediction), prediction.shape[1]
    place = xp.arange(items)
    discount = xp.log(xp.asarray(log_base)) / xp.log(xp.astype(place + 2, xp.float64))
    discount = xp.where(place < (top_k or items), discount, xp.zeros_like(discount))
    order = descending(prediction)
    ordered = xp.take_along_axis(prediction, order, axis=1)
    shares = discount if ignore_ties or not items else tied_means(ordered, discount)
    reached = xp.sum(xp.take_along_axis(gained, order, axis=1) * shares, axis=1)
    best = xp.sum(xp.flip(xp.sort(gained, axis=1), axis=1) * discount, axis=1)
    share = xp.where(best == 0.0, xp.zeros_like(best), reached / xp.where(best == 0.0, xp.ones_like(best), best))
    return added({"gain": reached, "of_best": share}, each)


def by_query(prediction: Array, target: Array, query: Array | None, weight: Array | None) -> tuple[Array, Array, Array]:
    """Scores and relevance as one row per query, filled up with items that come last; how many each has of its own."""
    xp = namespace(prediction)
    if weight is not None:
        raise Unsupported("weights of queries, as (batch, items) has them", "weights of items", ("weight",))
    if query is None:
        return prediction[None, :], target[None, :], xp.full(1, prediction.shape[0])
    filled = in_rows(query, MOST_CELLS)
    scores = xp.astype(prediction, xp.float64)
    own = filled.place >= 0
    rows = [xp.take(each, xp.where(own, filled.place, 0)) for each in (scores, xp.astype(target, xp.float64))]
    return xp.where(own, rows[0], -xp.inf), xp.where(own, rows[1], xp.asarray(0.0)), filled.sizes


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


def over(part: Array, whole: Array, nothing: float) -> Array:
    """A share of one number in another, and `nothing` where that is 0."""
    return part / whole if whole != 0.0 else namespace(part).asarray(nothing)
