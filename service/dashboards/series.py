"""Every number of every stream, as one flat list: what all dashboards are made from."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from lossapi.evaluation.panel import Outcome
from service.streams.stream import Head, Stream

MOST_ENTRIES = 100
"""Numbers of one value, such as one per class, that are shown one by one; what holds more is not shown."""


class Series(NamedTuple):
    """One number of a stream; `place` says which, where a value has several. A number that is not finite is none."""

    stream: str
    label: str
    place: str
    value: float | None


def called(head: Head) -> str:
    """The name of a stream, or its id where it has none."""
    return str(head.plain["name"] or head.plain["id"])


def series_of(stream: Stream, outcomes: list[Outcome]) -> list[Series]:
    """All series of a stream, in the order of its losses and metrics."""
    return [
        Series(called(stream.head), each.item.label, place, value)
        for each in outcomes
        for place, value in numbers(each.value)
    ]


def numbers(value: Any) -> list[tuple[str, float | None]]:
    """The numbers of a value, each under its place; none of one that holds too many to be shown."""
    found: list[tuple[str, float | None]] = []
    for place, number in flat(value):
        if len(found) == MOST_ENTRIES:
            return []
        found.append((".".join(place), number if number is not None and isfinite(number) else None))
    return found


def flat(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float | None]]:
    """Every number in lists and objects, with the way to it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from flat(each, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from flat(each, (*place, str(index)))
    elif value is None or isinstance(value, int | float):
        yield place, value
