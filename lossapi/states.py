"""What is done with the values: a handful of monoids, each with a zero, a `+` and plain contents.

A kernel's rows become `Totals` (or `Values`, where no reduction is asked); sums per row are added into `Sums`;
`Moments` are the centred second moments of columns, merged as Chan, Golub and LeVeque (1979) merge them;
`Counts` is a table of counts that grows with the labels it has seen. All totals are float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np

from lossapi.domains import Array

WEIGHT = "weight"
"""The name under which a reading finds the total weight of the rows, beside the map's own sums."""


class Weighted(NamedTuple):
    """Rows that bring their own weights: `value` holds them already, `weight` is what a weighted mean divides by."""

    value: Array
    weight: Array


class State(Protocol):
    """A monoid element: `+` is associative and the zero of its shape is neutral."""

    @property
    def count(self) -> int:
        """How many rows or elements entered."""
        ...

    def __add__(self, other: Self) -> Self: ...


@dataclass(frozen=True)
class Totals:
    """Enough of weighted rows for every reduction: Σwl, Σw, #(w≠0), the count and the rows of the batch."""

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
    """Per column: Σw, the mean and Σw(x - mean)²; and sums that ride along. Merging never subtracts large squares."""

    weight: float
    mean: Array
    squares: Array
    sums: Mapping[str, Array]
    count: int = 0

    @staticmethod
    def of(columns: Array, weight: Array | None, sums: Mapping[str, Array]) -> "Moments":
        """The moments of (rows, columns) under weights per row."""
        columns = np.asarray(columns, np.float64)
        if weight is None:
            n, mean = float(len(columns)), columns.mean(axis=0) if len(columns) else columns.sum(axis=0)
            squares = np.square(columns - mean).sum(axis=0)
        else:
            w = np.asarray(weight, np.float64)[:, None]
            n = float(w.sum())
            mean = (w * columns).sum(axis=0) / n if n else np.zeros(columns.shape[1])
            squares = (w * np.square(columns - mean)).sum(axis=0)
        return Moments(n, mean, squares, sums, len(columns))

    def __add__(self, other: "Moments") -> "Moments":
        weight = self.weight + other.weight
        if self.weight == 0 or other.weight == 0:
            whole = self if other.weight == 0 else other
            return replace(whole, sums=_added(self.sums, other.sums), count=self.count + other.count)
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.weight / weight)
        squares = self.squares + other.squares + np.square(gap) * (self.weight * other.weight / weight)
        return Moments(weight, mean, squares, _added(self.sums, other.sums), self.count + other.count)


def _added(one: Mapping[str, Array], two: Mapping[str, Array]) -> dict[str, Array]:
    return {name: one[name] + two[name] for name in one}


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
