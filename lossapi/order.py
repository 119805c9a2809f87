"""Order statistics of weighted rows: quantiles, ranks, and pairs in and out of order.

A whole weight is as good as that many rows: every function here is what it would be with each row repeated.
"""

from typing import NamedTuple

import numpy as np

from lossapi.domains import Array
from lossapi.errors import TooLarge

FEW, MANY, EXCHANGES = 1 << 10, 1 << 22, 12
"""Rows from which on packing pays; up to which enough upper bits are left; rounds in which neighbours are exchanged."""


def ascending(x: Array) -> tuple[Array, Array]:
    """Where the values lie from the least to the greatest, equal ones in their order and NaN last; and the values so.

    One sort of integers moves both: the upper bits of a float, which order it, and its place instead of the lower ones.
    Values that differ in the lower bits alone may then stand the wrong way round, and are exchanged.
    """
    x = np.asarray(x, np.float64)
    width = len(x).bit_length()
    low, high = (x.min(), x.max()) if FEW < len(x) <= MANY else (np.nan, np.nan)
    if np.isnan(low):
        return _by_places(x)
    far = high - low < min(abs(low), abs(high))
    keys = (x - low if far else x + 0.0).view(np.int64)  # near 0 the upper bits tell more; no -0.0
    keys ^= (keys >> 63) & np.int64(2**63 - 1)  # of numbers below zero larger bits are smaller
    keys >>= width
    keys <<= width
    keys |= np.arange(len(x))
    keys.sort()
    order = keys & (2**width - 1)
    ordered = x[order]
    for _ in range(EXCHANGES):
        wrong = np.flatnonzero(ordered[1:] < ordered[:-1])
        if not len(wrong):
            return order, ordered
        if len(wrong) > len(x) // 8:
            break
        wrong = wrong[np.diff(wrong, prepend=-2) > 1]
        pair, turned = np.stack([wrong, wrong + 1]), np.stack([wrong + 1, wrong])
        order[pair], ordered[pair] = order[turned], ordered[turned]
    return _by_places(x)


def _by_places(x: Array) -> tuple[Array, Array]:
    """The same by an ordinary sort of places."""
    order = np.argsort(x, stable=True)
    return order, x[order]


def quantile(x: Array, weight: Array | None, fraction: float) -> float:
    """The least value that `fraction` of the weight does not exceed; between two such, their mean.

    Hyndman and Fan's second definition (1996), "averaged inverted CDF"; at one half it is the median.
    """
    # The quantile goes through percent and back for the rounding that scikit-learn has.
    if weight is not None and not weight.all():
        x, weight = x[weight != 0], weight[weight != 0]
    if not len(x) or np.isnan(x).any():
        return float("nan")
    if weight is None:
        return _plain_quantile(x, fraction)
    order, ordered = ascending(x)
    reached = np.cumsum(weight[order])
    wanted = fraction * 100.0 / 100.0 * reached[-1] or np.nextafter(0.0, 1.0)
    place = min(int(np.searchsorted(reached, wanted)), len(x) - 1)
    last = place if reached[place] - wanted > np.finfo(np.float64).eps else min(place + 1, len(x) - 1)
    return float((ordered[place] + ordered[last]) / 2.0)


def _plain_quantile(x: Array, fraction: float) -> float:
    """The same of rows that count once each: no sorting is needed."""
    wanted = fraction * 100.0 / 100.0 * len(x)
    place = max(int(np.ceil(wanted)) - 1, 0)
    found = np.partition(x, place)
    last = found[place + 1 :].min() if place + 1 == wanted < len(x) else found[place]
    return float((found[place] + last) / 2.0)


def ranks(x: Array, weight: Array | None) -> Array:
    """The place of each value in the order, less one half, in units of weight; of equal ones the mean place."""
    order, ordered = ascending(x)
    ends = _ends(ordered)
    reached = ends + 1.0 if weight is None else np.cumsum(weight[order])[ends]
    middle = (reached + np.concatenate([[0.0], reached[:-1]])) / 2.0
    return _moved(middle if len(ends) == len(x) else np.repeat(middle, np.diff(ends, prepend=-1)), order)


def _ends(ordered: Array) -> Array:
    """The last place of every run of equal values."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def dense(x: Array) -> Array:
    """Each value's place among the different values."""
    order, ordered = ascending(x)
    return _moved(np.cumsum(np.append(0, ordered[1:] != ordered[:-1])), order)


def pairs(x: Array, y: Array, weight: Array | None) -> dict[str, float]:
    """Pairs of rows by weight: concordant, discordant, tied in x, tied in y; how many different values there are."""
    one, two = dense(x), dense(y)
    order = np.argsort(one * (1 + two.max(initial=0)) + two)
    one, two, weight = one[order], two[order], None if weight is None else weight[order]
    fresh = np.append(True, (one[1:] != one[:-1]) | (two[1:] != two[:-1]))
    total = float(len(x) if weight is None else weight.sum())
    groups = (one, two, np.cumsum(fresh) - 1)
    tied_x, tied_y, tied = (float((np.bincount(each, weight).astype(np.float64) ** 2).sum()) for each in groups)
    discordant = inversions(two, weight)
    return {
        "concordant": 0.5 * (total * total - tied_x - tied_y + tied) - discordant,
        "discordant": discordant,
        "pairs_x": 0.5 * (total * total - tied_x),
        "pairs_y": 0.5 * (total * total - tied_y),
        "all": 0.5 * total * (total - 1.0),
        "weight": total,
        "least": float(1 + min(one.max(initial=-1), two.max(initial=-1))),
    }


def inversions(places: Array, weight: Array | None = None) -> float:
    """Σ w_i w_j over i < j with places_i > places_j, from the highest bit down: rows that share the higher bits stay
    together in their order, and those with the bit set are passed by those after them without."""
    total, index = 0.0, np.arange(len(places))
    for bit in reversed(range(int(places.max(initial=0)).bit_length())):
        sizes = np.bincount(places >> (bit + 1))
        bounds = np.append(0, np.cumsum(sizes))
        ones = (places >> bit) & 1
        zero, seen = ones == 0, np.append(0, np.cumsum(ones))
        before = seen[:-1] - np.repeat(seen[bounds[:-1]], sizes)
        if weight is None:
            total += float(before[zero].sum())
        else:
            heavy = np.append(0.0, np.cumsum(weight * ones))
            total += float(((heavy[:-1] - np.repeat(heavy[bounds[:-1]], sizes)) * weight)[zero].sum())
        first_one = bounds[1:] - (seen[bounds[1:]] - seen[bounds[:-1]])
        moved = np.where(zero, index - before, np.repeat(first_one, sizes) + before)
        places = _moved(places, moved)
        weight = None if weight is None else _moved(weight, moved)
    return total


def _moved(values: Array, places: Array) -> Array:
    """Values put to other places."""
    found = np.empty_like(values)
    found[places] = values
    return found


def tied_means(ordered: Array, share: Array) -> Array:
    """What each place of (rows, places) is given of a share per place, where equal neighbours divide theirs evenly."""
    places = np.arange(ordered.shape[1])
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(ordered), 1), bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs], axis=1), places, 0), axis=1)
    last = np.where(np.concatenate([differs, edge], axis=1), places, places[-1:])
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    reached = np.append(0.0, np.cumsum(share))
    means: Array = (reached[last + 1] - reached[first]) / (last - first + 1)
    return means


class Filled(NamedTuple):
    """Members of groups in one row per group: the place that each cell comes from, -1 beyond the group's size."""

    place: Array
    sizes: Array


def in_rows(groups: Array, most: int) -> Filled:
    """The groups by number, their members in order."""
    _, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    longest = int(sizes.max(initial=0))
    if len(sizes) * longest > most:
        raise TooLarge(
            f"at most {most} cells for queries of the longest's size", f"{len(sizes)} x {longest}", ("query",)
        )
    order = np.argsort(which, kind="stable")
    start = np.cumsum(sizes) - sizes
    place = np.full((len(sizes), longest), -1, np.int64)
    place[which[order], np.arange(len(order)) - np.repeat(start, sizes)] = order
    return Filled(place, sizes)
