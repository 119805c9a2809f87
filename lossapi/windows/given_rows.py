"""Tensors cut along their rows, as they were given: the first axis of whatever has a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.evaluation.items import Item
from lossapi.signature import Input


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows: the tensors, of which those in `cut` have a batch, and their weights."""

    tensors: Mapping[str, Any]
    weight: Array | None
    cut: frozenset[str]
    count: int

    def __getitem__(self, part: slice) -> "Rows":
        """The rows of a slice."""
        tensors = {name: _cut(each, part) if name in self.cut else each for name, each in self.tensors.items()}
        weight = self.weight
        if weight is not None and weight.ndim and len(weight) == self.count:
            weight = _cut(weight, part)
        return Rows(tensors, weight, self.cut, len(range(*part.indices(self.count))))


def rows_of(items: Sequence[Item], tensors: Mapping[str, Any], weight: Array | None) -> Rows:
    """The rows of tensors that these items take; a lone number is one row."""
    batched = {each.name for item in items for each in item.definition.inputs if _batched(each)}
    cut = frozenset(name for name in tensors if name in batched)
    lengths = [len(array) for name in sorted(cut) for array in _arrays(tensors[name]) if getattr(array, "ndim", 0)]
    return Rows(tensors, weight, cut, lengths[0] if lengths else 1)


def require_rows_first(items: Sequence[Item]) -> None:
    """Refuse what would have its rows along another axis than the first."""
    for item in items:
        for name in ("class_axis", "axis"):
            axis = item.parameters.get(name)
            if axis is not None and axis != -1 and axis < 1:
                raise Unsupported("rows along the first axis", f"{name} {axis}", (*item.place, name))


def require_rows(items: Sequence[Item], rows: Rows) -> None:
    """Refuse a lone vector where an axis of it is what one row has: it has no rows to cut."""
    for item in items:
        if item.parameters.get("axis") is None:
            continue
        for name in rows.cut.intersection(item.definition.input_names):
            if any(getattr(each, "ndim", 0) < 2 for each in _arrays(rows.tensors[name])):
                raise Unsupported(f"{name} with rows and the axis that {item.label} is along", "a vector", (name,))


def _batched(each: Input) -> bool:
    if each.family is not None:
        return True
    return any(spec.batched for spec in each.forms.specs)


def _arrays(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else [value]


def _cut(value: Any, part: slice) -> Any:
    """The rows of one tensor, or of each of several."""
    if isinstance(value, Mapping):
        return {name: _cut(each, part) for name, each in value.items()}
    return value[part] if getattr(value, "ndim", 0) else value


def joined(one: Rows, two: Rows) -> Rows | None:
    """Some rows and those after them, where their tensors are of one kind, so that nothing of them changes."""
    if one.tensors.keys() != two.tensors.keys() or not _alike(one.weight, two.weight):
        return None
    whole: dict[str, Any] = {}
    for name, first in one.tensors.items():
        second = two.tensors[name]
        if isinstance(first, Mapping) or not _alike(first, second):
            return None
        if name not in one.cut:
            if not np.array_equal(first, second):
                return None
            whole[name] = first
        else:
            whole[name] = np.concatenate([first, second])
    weight = None if one.weight is None or two.weight is None else np.concatenate([one.weight, two.weight])
    return Rows(whole, weight, one.cut, one.count + two.count)


def _alike(one: Any, two: Any) -> bool:
    """Whether two arrays may follow one another: their entries are of one kind."""
    if one is None or two is None:
        return one is two
    return bool(one.ndim and two.ndim and one.dtype == two.dtype and one.shape[1:] == two.shape[1:])
