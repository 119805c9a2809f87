"""Rows grouped by what columns say of them: each value of a column, and each combination of several that occurs.

{"slices": {"country": ["de", "fr", "de"], "age": [30, 40, 30]}, "crossings": [["country", "age"]]}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lossapi.codecs.tensors import short, tensor
from lossapi.domains import Array
from lossapi.errors import DtypeError, ParameterError, ShapeError, TooLarge, UnknownKey, nearest, placed_at

MOST = 10_000
"""How many groups one column, or one crossing of columns, may have."""
EXPECTED = "texts, whole numbers or truth values"


@dataclass(frozen=True)
class Column:
    """One column: the values that occur, in order, and for each row the place of its value among them."""

    values: tuple[Any, ...]
    places: Array

    def __len__(self) -> int:
        return len(self.places)


class Groups(NamedTuple):
    """Rows in an order in which those of a group lie together: group `i` from `edges[i]` to `edges[i + 1]`."""

    labels: tuple[tuple[Any, ...], ...]
    order: Array
    edges: Array

    def parts(self) -> Iterator[tuple[tuple[Any, ...], slice]]:
        """Each group's values, and where its rows lie in that order."""
        for label, start, end in zip(self.labels, self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True):
            yield label, slice(start, end)


def read_columns(given: Any) -> dict[str, Column]:
    """Columns by name, all of one length."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ParameterError("slices as columns by name", type(given).__name__, ("slices",))
    columns = {}
    for name, values in given.items():
        with placed_at("slices", name):
            columns[name] = column(values)
    lengths = {name: len(each) for name, each in columns.items()}
    for name, length in lengths.items():
        first = next(iter(lengths))
        if length != lengths[first]:
            raise ShapeError(f"{lengths[first]} values, as many as {first} has", str(length), ("slices", name))
    return columns


def column(values: Any) -> Column:
    """A column of a list, or of a tensor of whole numbers or truth values."""
    if isinstance(values, list):
        kinds = set(map(type, values))
        if kinds <= {str} or kinds <= {int} or kinds <= {bool}:
            return _of_list(values)
        index = next(i for i, each in enumerate(values) if type(each) is not type(values[0]) or not _plain(each))
        raise DtypeError(f"{EXPECTED}, all of one kind", short(values[index]), (index,))
    array = values if isinstance(values, np.ndarray) else np.asarray(tensor(values))
    if array.ndim != 1 or array.dtype.kind not in "biuU":
        raise DtypeError(f"one axis of {EXPECTED}", f"shape {array.shape} of {array.dtype}")
    found, places = np.unique(array, return_inverse=True)
    return Column(tuple(found.tolist()), places)


def _plain(value: Any) -> bool:
    return type(value) in (str, int, bool)


def _of_list(values: list[Any]) -> Column:
    found = sorted(set(values))
    place = {value: index for index, value in enumerate(found)}
    return Column(tuple(found), np.fromiter(map(place.__getitem__, values), np.intp, len(values)))


def read_crossings(given: Any, columns: Mapping[str, Column]) -> list[tuple[str, ...]]:
    """Which columns to cross: lists of two or more names."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise ParameterError("crossings as lists of columns", type(given).__name__, ("crossings",))
    for index, each in enumerate(given):
        if not isinstance(each, list) or len(each) < 2 or len(set(map(str, each))) < len(each):
            raise ParameterError("two or more columns", short(each), ("crossings", index))
        for place, name in enumerate(each):
            if not isinstance(name, str) or name not in columns:
                where = ("crossings", index, place)
                raise UnknownKey(f"a column of slices such as {nearest(str(name), columns)}", short(name), where)
    return [tuple(each) for each in given]


def grouped(columns: Sequence[Column], where: tuple[str | int, ...]) -> Groups:
    """The groups of one column, or of several crossed; none that is empty."""
    keys = columns[0].places
    for each in columns[1:]:
        keys = np.unique(keys * len(each.values) + each.places, return_inverse=True)[1]
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order], prepend=-1, append=-1)) if len(order) else np.zeros(1, np.intp)
    if len(edges) - 1 > MOST:
        raise TooLarge(f"at most {MOST} groups", str(len(edges) - 1), where)
    first = order[edges[:-1]]
    labels = zip(*([each.values[i] for i in each.places[first]] for each in columns), strict=True)
    return Groups(tuple(labels), order, edges)
