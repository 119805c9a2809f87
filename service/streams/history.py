"""Values over time, in bounded room: the older they are, the wider apart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress, cycle
from typing import Any, TypeAlias

Values: TypeAlias = tuple[float | None, ...]
Point: TypeAlias = tuple[int, Values]


@dataclass(frozen=True)
class History:
    """Times in milliseconds, in order, each with the value of every item; at most so many."""

    most: int
    points: tuple[Point, ...] = ()

    def add(self, time: int, values: Values) -> "History":
        """One point more; once there are too many, the older half keeps every second one."""
        points = (*self.points, (time, values))
        if len(points) > self.most:
            half = len(points) // 2
            points = (*compress(points[:half], cycle((True, False))), *points[half:])
        return replace(self, points=points)

    def between(self, start: float | None, end: float | None, points: int) -> list[Point]:
        """The points of a span, ends included; where they are more than asked for, the last of equal parts of it."""
        found = [
            each for each in self.points if (start is None or each[0] >= start) and (end is None or each[0] <= end)
        ]
        return found if len(found) <= points else list(_thinned(found, points))

    def pack(self) -> list[Any]:
        """As plain data."""
        return [[time, *values] for time, values in self.points]

    def unpacked(self, value: list[Any]) -> "History":
        """The reverse."""
        return replace(self, points=tuple((time, tuple(values)) for time, *values in value))


def _thinned(found: list[Point], points: int) -> Iterator[Point]:
    """The last point of each of so many equal spans of time."""
    first, span = found[0][0], found[-1][0] - found[0][0]
    places = [min((time - first) * points // span, points - 1) if span else points - 1 for time, _ in found]
    for index, each in enumerate(found):
        if index + 1 == len(found) or places[index + 1] != places[index]:
            yield each
