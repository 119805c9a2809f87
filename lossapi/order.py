"""Order statistics of weighted rows: quantiles, ranks, and pairs in and out of order.

A whole weight is as good as that many rows: every function here is what it would be with each row repeated.
"""

import numpy as np

from lossapi.domains import Array


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


def ranks(x: Array, weight: Array | None) -> Array:
    """The place of each value in the order, less one half, in units of weight; of equal ones the mean place."""
    order = np.argsort(x)
    ends = _ends(x[order])
    reached = ends + 1.0 if weight is None else np.cumsum(weight[order])[ends]
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


def pairs(x: Array, y: Array, weight: Array | None) -> dict[str, float]:
    """Pairs of rows by weight: concordant, discordant, tied in x, tied in y; how many different values there are."""
    one, two = dense(x), dense(y)
    order = np.lexsort((two, one))
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
