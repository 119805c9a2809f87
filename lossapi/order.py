"""Order statistics of weighted rows: quantiles, ranks, and pairs in and out of order.

A whole weight is as good as that many rows: every function here is what it would be with each row repeated.
"""

import numpy as np

from lossapi.domains import Array


def quantile(x: Array, weight: Array, fraction: float) -> float:
    """The least value that `fraction` of the weight does not exceed; between two such, their mean.

    Hyndman and Fan's second definition (1996), "averaged inverted CDF"; at one half it is the median.
    """
    # The quantile goes through percent and back for the rounding that scikit-learn has.
    entering = weight != 0
    x, weight = (x, weight) if entering.all() else (x[entering], weight[entering])
    if not len(x) or np.isnan(x).any():
        return float("nan")
    if (weight == 1.0).all():
        return _plain_quantile(x, fraction)
    order = np.argsort(x)
    reached = np.cumsum(weight[order])
    wanted = fraction * 100.0 / 100.0 * reached[-1] or np.nextafter(0.0, 1.0)
    place = min(int(np.searchsorted(reached, wanted)), len(x) - 1)
    last = place if reached[place] - wanted > np.finfo(np.float64).eps else min(place + 1, len(x) - 1)
    return float((x[order[place]] + x[order[last]]) / 2.0)


def _plain_quantile(x: Array, fraction: float) -> float:
    """The same of rows that count once each: no sorting is needed."""
    wanted = fraction * 100.0 / 100.0 * len(x)
    place = max(int(np.ceil(wanted)) - 1, 0)
    last = min(place + 1, len(x) - 1) if place + 1 == wanted else place
    found = np.partition(x, sorted({place, last}))
    return float((found[place] + found[last]) / 2.0)


def ranks(x: Array, weight: Array) -> Array:
    """The place of each value in the order, less one half, in units of weight; of equal ones the mean place."""
    order = np.argsort(x)
    ends = _ends(x[order])
    reached = np.cumsum(weight[order])[ends]
    middle = (reached + np.concatenate([[0.0], reached[:-1]])) / 2.0
    placed = np.empty(len(x))
    placed[order] = np.repeat(middle, np.diff(ends, prepend=-1))
    return placed


def _ends(ordered: Array) -> Array:
    """The last place of every run of equal values."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def dense(x: Array) -> Array:
    """Each value's place among the different values."""
    order = np.argsort(x)
    places = np.empty(len(x), np.int64)
    places[order] = np.cumsum(np.append(0, x[order][1:] != x[order][:-1]))
    return places


def pairs(x: Array, y: Array, weight: Array) -> dict[str, float]:
    """Pairs of rows by weight: concordant, discordant, tied in x, tied in y; how many different values there are."""
    one, two = dense(x), dense(y)
    order = np.lexsort((two, one))
    one, two, weight = one[order], two[order], weight[order]
    fresh = np.append(True, (one[1:] != one[:-1]) | (two[1:] != two[:-1]))
    total = float(weight.sum())
    tied_x, tied_y, tied = (
        float((np.bincount(groups, weight) ** 2).sum()) for groups in (one, two, np.cumsum(fresh) - 1)
    )
    discordant = inversions(two, weight)
    return {
        "concordant": 0.5 * (total * total - tied_x - tied_y + tied) - discordant,
        "discordant": discordant,
        "pairs_x": 0.5 * (total * total - tied_x),
        "pairs_y": 0.5 * (total * total - tied_y),
        "all": 0.5 * total * (total - 1.0),
        "weight": total,
        "least": float(min(len(np.unique(one)), len(np.unique(two)))),
    }


def inversions(places: Array, weight: Array) -> float:
    """Σ w_i w_j over i < j with places_i > places_j, from the highest bit down: rows that share the higher bits stay
    together in their order, and those with the bit set are passed by those after them without."""
    total, index = 0.0, np.arange(len(places))
    start = np.zeros(len(places), np.int64)
    for bit in reversed(range(int(places.max()).bit_length())):
        ones = (places >> bit) & 1
        heavy = np.append(0.0, np.cumsum(np.where(ones == 1, weight, 0.0)))
        total += float(((heavy[:-1] - heavy[start]) * np.where(ones == 0, weight, 0.0)).sum())
        seen = np.append(0, np.cumsum(ones))
        before = seen[:-1] - seen[start]
        ends = np.append(np.flatnonzero(start[1:] != start[:-1]) + 1, len(places))
        sizes = np.diff(ends, prepend=0)
        zeros = np.repeat(sizes - (seen[ends] - seen[ends - sizes]), sizes)
        moved = start + np.where(ones == 1, zeros + before, index - start - before)
        starts = start + np.where(ones == 1, zeros, 0)
        places, weight, start = (_moved(each, moved) for each in (places, weight, starts))
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
