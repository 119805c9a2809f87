"""Values of each class side by side: one row a class, from all items that have one value per class."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lossapi.errors import ParameterError, ShapeError
from lossapi.evaluation.panel import Outcome


def read_classes(given: Any) -> list[str] | bool:
    """The names of the classes, or true for their numbers."""
    if given is None or isinstance(given, bool):
        return bool(given)
    if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
        raise ParameterError("classes as their names, or true", repr(given)[:60], ("classes",))
    if len(set(given)) < len(given):
        raise ParameterError("names of classes that differ", "two alike", ("classes",))
    return given


def class_table(outcomes: Sequence[Outcome], classes: list[str] | bool) -> dict[str, dict[str, Any]]:
    """By class what each item with `average` none comes to."""
    columns = dict(column for found in outcomes for column in _columns(found))
    sizes = {len(values) for values in columns.values()}
    named = classes if isinstance(classes, list) else [str(number) for number in range(max(sizes, default=0))]
    for label, values in columns.items():
        if len(values) != len(named):
            expected = f"{len(named)} classes, as {'named' if isinstance(classes, list) else 'others have'}"
            raise ShapeError(expected, f"{len(values)} in {label}", ("classes",))
    return {name: {label: values[row] for label, values in columns.items()} for row, name in enumerate(named)}


def _columns(found: Outcome) -> Iterator[tuple[str, Any]]:
    """The arrays of one value per class; where an item has several, under the item's label and their own."""
    if found.error is not None or found.item.parameters.get("average") != "none":
        return
    label, value = found.item.label, found.value
    several = (
        {f"{label}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {label: value}
    )
    for name, each in several.items():
        if np.ndim(each) == 1:
            yield name, each
