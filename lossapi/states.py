"""What is done with the values: a handful of monoids, each with a zero, a `+` and plain contents.

A kernel's rows become `Totals` (or `Values`, where no reduction is asked); sums per row are added into `Sums`;
`Moments` and `Comoments` are the centred second moments of columns, and of pairs of them, merged as Chan, Golub and
LeVeque (1979) merge them; `Extremes` the least and the most; `Counts` a table of counts that grows with the labels it
has seen; `Samples` rows that are kept, where nothing smaller will do. All totals are float64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, NamedTuple, Protocol, Self, cast

import numpy as np

from lossapi.domains import Array
from lossapi.errors import TooLarge

BLOCK = 8192
WEIGHT = "weight"
"""The name under which a reading finds the total weight of the rows, beside the map's own sums."""


class Weighted(NamedTuple):
    """Rows that bring their own weights: `value` holds them already, `weight` is what a weighted mean divides by."""

    value: Array
    weight: Array


class Columns(NamedTuple):
    """What a state is to be of, where a map is recorded: columns that have no values yet, and the weights of rows."""

    state: type
    parts: Sequence[Array]
    weight: Array | None


class State(Protocol):
    """A monoid element: `+` is associative and the zero of its shape is neutral."""

    @property
    def count(self) -> int:
        """How many rows or elements entered."""
        ...

    def __add__(self, other: Self) -> Self: ...


@dataclass(slots=True)
class Totals:
    """Enough of weighted rows for every reduction: Σwl, Σw, #(w≠0), the count and the rows of the batch.

    Not frozen, as the others are: each small request makes one, and a frozen one takes four times as long (0.9 µs).
    """

    weighted: float = 0.0
    weight: float = 0.0
    nonzero: int = 0
    count: int = 0
    rows: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def total(array: Array) -> float:
    """The sum in float64, whatever the dtype."""
    return float(np.add.reduce(array, axis=None, dtype=np.float64))


@dataclass(frozen=True)
class Values:
    """Rows kept as they are, in order."""

    parts: tuple[Array, ...] = ()
    count: int = 0

    def __add__(self, other: "Values") -> "Values":
        return Values(self.parts + other.parts, self.count + other.count)

    def array(self) -> Array:
        """All rows in one array."""
        return self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)


@dataclass(frozen=True)
class Sums:
    """Named arrays that add; `count` is how many elements entered."""

    sums: Mapping[str, Array]
    count: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        added = {name: self.sums[name] + other.sums[name] for name in self.sums}
        return Sums(added, self.count + other.count)


@dataclass(frozen=True)
class Moments:
    """Per column: Σw, the mean, Σw(x - mean)², and perhaps the least and the most; merging adds up no raw squares."""

    weight: float
    mean: Array
    squares: Array
    low: Array
    high: Array
    count: int = 0

    @staticmethod
    def of(columns: Sequence[Array], weight: Array | None = None, extremes: bool = False) -> "Moments":
        """The moments of some (rows, columns) side by side, under weights per row; their extremes if asked for."""
        if not (extremes or isinstance(columns[0], np.ndarray)):
            return cast(Moments, Columns(Moments, columns, weight))
        w = None if weight is None else np.asarray(weight, np.float64)
        total = float(len(columns[0])) if w is None else float(w.sum())
        each = [centred(x, w, total) for x in columns]
        mean, squares = (np.concatenate(part) for part in zip(*(x[1:] for x in each), strict=True))
        ends = Extremes.of(np.concatenate(columns, axis=1), w) if extremes else Extremes(np.empty(0), np.empty(0))
        return Moments(total, mean, squares, ends.low, ends.high, len(columns[0]))

    def __add__(self, other: "Moments") -> "Moments":
        weight, count = self.weight + other.weight, self.count + other.count
        if self.weight == 0 or other.weight == 0:
            return replace(self if other.weight == 0 else other, count=count)
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.weight / weight)
        squares = self.squares + other.squares + np.square(gap) * (self.weight * other.weight / weight)
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Moments(weight, mean, squares, low, high, count)


def dots(x: Array, y: Array) -> Array:
    """Σxy of every (columns, rows), in blocks so small that BLAS keeps to one thread: the same bits everywhere."""
    whole = x.shape[1] - x.shape[1] % BLOCK
    parts = [each[..., :whole].reshape(*each.shape[:-1], -1, BLOCK) for each in (x, y)]
    found: Array = np.vecdot(*parts).sum(axis=-1) + np.vecdot(x[:, whole:], y[..., whole:])
    return found


def centred(columns: Array, weight: Array | None, total: float) -> tuple[Array, Array, Array]:
    """(rows, columns) as (columns, rows) from near their means; the means themselves; and Σw(x - mean)².

    Measured from the first row, so that a constant column has no squares at all; from the mean, where that is far off.
    """
    given = np.asarray(columns, np.float64).T
    first = given[:, :1] if given.shape[1] else np.zeros((len(given), 1))
    x = np.ascontiguousarray(given - first)
    each = np.ones(x.shape[1]) if weight is None else weight
    sums = dots(x, each)
    found = around(first[:, 0], sums, dots(x if weight is None else x * weight, x), total)
    if found is not None:
        return x, *found
    mean = dots(np.ascontiguousarray(given), each) / (total or 1.0)
    x = np.ascontiguousarray(given - mean[:, None])
    return x, mean, dots(x if weight is None else x * weight, x)


def around(origin: Array, sums: Array, raw: Array, total: float) -> tuple[Array, Array] | None:
    """The mean and Σw(x - mean)² from sums of x - origin and its squares; None where the origin is too far off."""
    mean = sums / (total or 1.0)
    squares = raw - sums * mean
    return (origin + mean, squares) if (squares >= 0.01 * raw).all() else None


@dataclass(frozen=True)
class Comoments:
    """Of pairs of columns: Σw, the means and Σw(x - mean)² of both, (2, columns), and Σw(x - mean)(y - mean)."""

    weight: float
    mean: Array
    squares: Array
    cross: Array
    count: int = 0

    @staticmethod
    def of(one: Array, two: Array, weight: Array | None = None) -> "Comoments":
        """The joint moments of two (rows, columns), under weights per row."""
        if not isinstance(one, np.ndarray):
            return cast(Comoments, Columns(Comoments, (one, two), weight))
        w = None if weight is None else np.asarray(weight, np.float64)
        total = float(len(one)) if w is None else float(w.sum())
        pair = [centred(x, w, total) for x in (one, two)]
        (x, _, _), (y, _, _) = pair
        ones = np.ones(len(one)) if w is None else w
        cross = dots(x if w is None else x * w, y) - dots(x, ones) * dots(y, ones) / (total or 1.0)
        return Comoments(total, np.stack([each[1] for each in pair]), np.stack([e[2] for e in pair]), cross, len(one))

    def __add__(self, other: "Comoments") -> "Comoments":
        weight, count = self.weight + other.weight, self.count + other.count
        if self.weight == 0 or other.weight == 0:
            return replace(self if other.weight == 0 else other, count=count)
        gap, share = other.mean - self.mean, self.weight * other.weight / weight
        mean = self.mean + gap * (other.weight / weight)
        squares = self.squares + other.squares + share * gap * gap
        return Comoments(weight, mean, squares, self.cross + other.cross + share * gap[0] * gap[1], count)


@dataclass(frozen=True)
class Extremes:
    """The least and the most of each column, of those rows that have a weight."""

    low: Array
    high: Array
    count: int = 0

    @staticmethod
    def of(columns: Array, weight: Array | None = None) -> "Extremes":
        """The extremes of (rows, *columns), under weights per row."""
        entering = columns if weight is None else columns[np.asarray(weight) != 0]
        last = np.ascontiguousarray(np.moveaxis(entering, 0, -1))  # a fifteenth of the time that the first axis takes
        low, high = last.min(axis=-1, initial=np.inf), last.max(axis=-1, initial=-np.inf)
        return Extremes(np.asarray(low, np.float64), np.asarray(high, np.float64), len(entering))

    def __add__(self, other: "Extremes") -> "Extremes":
        return Extremes(np.minimum(self.low, other.low), np.maximum(self.high, other.high), self.count + other.count)


@dataclass(frozen=True)
class Samples:
    """Rows kept as they are, in order and up to `MOST` numbers, for what no smaller state gives exactly.

    Each part holds (columns, rows); its weights are empty where every row counts once.
    """

    parts: tuple[Array, ...] = ()
    weights: tuple[Array, ...] = ()
    count: int = 0

    MOST: ClassVar[int] = 1 << 26

    @staticmethod
    def of(columns: Sequence[Array], weight: Array | None = None) -> "Samples":
        """Some (rows, columns) side by side, and the weight of each row."""
        part = np.ascontiguousarray(np.concatenate(columns, axis=1, dtype=np.float64).T)
        return Samples((part,), (np.empty(0) if weight is None else np.asarray(weight, np.float64),), part.shape[1])

    def __add__(self, other: "Samples") -> "Samples":
        parts = self.parts + other.parts
        size = sum(part.size for part in parts)
        if size > self.MOST:
            raise TooLarge(f"at most {self.MOST} numbers kept for a value that needs every row", str(size))
        return Samples(parts, self.weights + other.weights, self.count + other.count)

    def array(self) -> Array:
        """All rows, as (columns, rows)."""
        return self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts, axis=1)

    def weight(self) -> Array | None:
        """The weights of all rows; None where every one counts once."""
        if all(each.size == 0 for each in self.weights):
            return None
        pairs = zip(self.parts, self.weights, strict=True)
        return np.concatenate([w if w.size else np.ones(part.shape[1]) for part, w in pairs])


@dataclass(frozen=True)
class Counts:
    """A table of (weighted) counts; a smaller table is padded with zeros, so a label may first be met late."""

    table: Array
    extra: Mapping[str, float]
    count: int = 0

    grows: ClassVar[bool] = True

    def __add__(self, other: "Counts") -> "Counts":
        shape = tuple(map(max, self.table.shape, other.table.shape))
        table = _padded(self.table, shape) + _padded(other.table, shape)
        extra = {name: self.extra[name] + other.extra[name] for name in self.extra}
        return Counts(table, extra, self.count + other.count)

    @staticmethod
    def of_pairs(
        row: Array, column: Array, shape: tuple[int, int], weight: Array | None, extra: Mapping[str, float]
    ) -> "Counts":
        """How often each (row, column) occurs, or its total weight."""
        keys = row.reshape(-1) * shape[1] + column.reshape(-1)
        weights = None if weight is None else np.asarray(weight, np.float64).reshape(-1)
        table = np.bincount(keys, weights, minlength=shape[0] * shape[1])
        return Counts(table.reshape(shape), extra, keys.size)


def _padded(table: Array, shape: tuple[int, ...]) -> Array:
    if table.shape == shape:
        return table
    grown = np.zeros(shape, table.dtype)
    grown[tuple(slice(0, size) for size in table.shape)] = table
    return grown


def divisors(totals: Totals) -> dict[str, float]:
    """What each reduction divides the weighted sum by."""
    return {
        "mean": totals.count,
        "sum": 1.0,
        "weighted_mean": totals.weight,
        "nonzero_mean": totals.nonzero,
        "batch_mean": totals.rows,
    }
