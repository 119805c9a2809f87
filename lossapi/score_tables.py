"""The exact state of curves: the scores that occur, each with what positives and negatives have it.

Rows come in as they are and are sorted once, when all of them are together: a merge of many parts is one sort. Where
every row weighs one, a score's bits and its label make one integer, so that sorting moves no second array.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lossapi.domains import Array
from lossapi.errors import Conflict, ParameterError
from lossapi.order import ascending

SIGNED: dict[int, Any] = {4: np.int32, 8: np.int64}
UNSIGNED: dict[int, Any] = {4: np.uint32, 8: np.uint64}


@dataclass(frozen=True)
class Table:
    """By column the scores from the highest down, with the weights of the positives and the negatives at each.

    Column `c` holds the entries from `edges[c]` to `edges[c + 1]`. A table that is not `tidy` holds rows in any order;
    of rows that weigh one `positive` and `negative` are truth values.
    """

    score: Array
    positive: Array
    negative: Array
    edges: Array
    count: int = 0
    tidy: int = 1
    grows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        ends = self.edges
        entries = {len(each) if each.ndim == 1 else -1 for each in (self.score, self.positive, self.negative)}
        whole = ends.ndim == 1 and ends.dtype.kind in "iu" and len(ends) > 1 and ends[0] == 0
        if not whole or np.any(ends[1:] < ends[:-1]) or entries != {int(ends[-1])} or self.score.dtype.kind != "f":
            raise ParameterError("a table whose edges part its scores into columns", "another", ("edges",))

    @property
    def columns(self) -> int:
        """How many curves it holds."""
        return len(self.edges) - 1

    def __add__(self, other: "Table") -> "Table":
        return Table.merged([self, other])

    def column(self, index: int) -> tuple[Array, Array, Array]:
        """The scores of one column, and the weights of its positives and negatives."""
        part = slice(self.edges[index], self.edges[index + 1])
        return self.score[part], self.positive[part], self.negative[part]

    def pooled(self) -> "Table":
        """All columns as one."""
        return Table.merged([replace(self, edges=self.edges[[0, -1]], tidy=int(self.columns == 1) * self.tidy)])

    @staticmethod
    def of_rows(score: Array, positive: Array, weight: Array | None = None, count: int | None = None) -> "Table":
        """The rows of (rows, columns), each with its label in every column and perhaps its weight there.

        What weighs nothing is not there, and weights of one are none. They are `count` elements, if not as many.
        """
        rows, columns = score.shape
        count = score.size if count is None else count
        flat, label = np.ravel(score.T), np.ravel(positive.T).astype(bool)
        edges = np.arange(columns + 1) * rows
        if weight is None:
            return Table(flat, label, ~label, edges, count, tidy=0)
        weights = np.ravel(np.broadcast_to(weight, score.shape).T).astype(np.float64)
        there = weights != 0
        if not there.all():
            edges = np.concatenate([[0], np.cumsum(there)])[edges]
            flat, label, weights = flat[there], label[there], weights[there]
        if (weights == 1).all():
            return Table(flat, label, ~label, edges, count, tidy=0)
        positive = weights * label
        return Table(flat, positive, weights - positive, edges, count, tidy=0)

    @staticmethod
    def merged(tables: Sequence["Table"]) -> "Table":
        """Several tables of the same columns as one that is tidy."""
        if len(tables) == 1 and tables[0].tidy:
            return tables[0]
        if len({each.columns for each in tables}) > 1:
            raise Conflict("tables of as many columns", ", ".join(str(each.columns) for each in tables))
        found = [_tidied(parts) for parts in _by_column(tables)]
        lengths = [len(score) for score, _, _ in found]
        score, positive, negative = (_joined([each[i] for each in found]) for i in range(3))
        return Table(score, positive, negative, np.cumsum([0, *lengths]), sum(each.count for each in tables))


def _by_column(tables: Sequence[Table]) -> Iterator[list[tuple[Array, Array, Array]]]:
    for index in range(tables[0].columns):
        yield [table.column(index) for table in tables]


def _joined(arrays: Sequence[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _tidied(parts: Sequence[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    """The entries of one column sorted, those of one score as one."""
    filled = [part for part in parts if len(part[0])] or list(parts[:1])
    score = _joined([part[0] for part in filled])
    positive = _joined([part[1] for part in filled])
    if not len(score):
        return score, np.zeros(0, np.int64), np.zeros(0, np.int64)
    if all(part[1].dtype == bool for part in filled):
        return _counted(score, positive)
    negative = _joined([part[2] for part in filled])
    return _weighed(score, positive, negative)


def _counted(score: Array, label: Array) -> tuple[Array, Array, Array]:
    """How many positives and negatives have each score: bits and label sorted as one integer, halves apart by sign.

    The sign bit falls off the top, the label comes in below; every bit but the highest is turned, so that signed order
    is from the highest score down, and the lowest bit marks a negative.
    """
    most = np.iinfo(SIGNED[score.dtype.itemsize]).max
    keys = np.left_shift(np.ascontiguousarray(score).view(SIGNED[score.dtype.itemsize]), 1)
    np.bitwise_or(keys, label, out=keys, casting="unsafe")
    keys ^= most
    high = _sorted(keys, score < 0)
    ends = _ends(keys >> 1, high)
    if len(ends) == len(keys):
        negative = (keys & 1).astype(np.int64, copy=False)
        positive = negative ^ 1
    else:
        negative = _steps(np.cumsum(keys & 1, dtype=np.int64)[ends])
        positive = _steps(ends + 1) - negative
        keys = keys[ends]
    keys ^= most
    found = np.right_shift(keys.view(UNSIGNED[keys.dtype.itemsize]), 1).view(score.dtype)
    return np.where(ends >= high, -found, found) if ends[-1] >= high else found, positive, negative


def _sorted(keys: Array, below: Array) -> int:
    """Sort keys in place by score from the highest down; how many are not below zero, where larger bits are smaller."""
    if not below.any():
        keys.sort()
        return len(keys)
    low = np.invert(keys[below])
    upper = keys[~below]
    low.sort()
    upper.sort()
    high = len(upper)
    keys[:high] = upper
    np.invert(low, out=keys[high:])
    return high


def _ends(ordered: Array, high: int) -> Array:
    """The last place of every run of equal entries, none going past `high`."""
    last = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    last[high - 1 : high] = True
    return np.flatnonzero(last)


def _steps(reached: Array) -> Array:
    """What each entry adds to the one before it."""
    steps = reached.copy()
    steps[1:] -= reached[:-1]
    return steps


def _weighed(score: Array, positive: Array, negative: Array) -> tuple[Array, Array, Array]:
    """The weights of positives and negatives at each score."""
    order, ordered = ascending(score)
    order, found = order[::-1], ordered[::-1].astype(score.dtype) + score.dtype.type(0)  # no -0.0
    starts = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]]))
    return found[starts], _added(positive[order], starts), _added(negative[order], starts)


def _added(weights: Array, starts: Array) -> Array:
    """The sum of each run of weights; truth values count."""
    whole = weights.astype(np.float64 if weights.dtype.kind == "f" else np.int64, copy=False)
    return whole if len(starts) == len(whole) else np.add.reduceat(whole, starts)
