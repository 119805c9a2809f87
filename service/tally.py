"""Counts of what went through, cheap to add to: plain numbers in this process, gathered from all workers when asked.

Each worker leaves its numbers in a file of the folder that they share, a moment after they change and at its end; what
a worker that was killed had counted in its last moment is lost, all else stays.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from service.shared import folder

Labels = tuple[str, ...]
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the buckets of a histogram, in seconds."""
OFTEN = 1.0
"""Seconds from one file to the next."""


class Histogram:
    """Seconds by bucket, and their sum."""

    __slots__ = ("buckets", "sum")

    def __init__(self, buckets: Iterable[int] = (0,) * (len(BOUNDS) + 1), total: float = 0.0) -> None:
        self.buckets = list(buckets)
        self.sum = total

    def add(self, *seconds: float) -> None:
        """One more, or several."""
        for each in seconds:
            self.buckets[bisect_left(BOUNDS, each)] += 1
        self.sum += sum(seconds)

    def __add__(self, other: "Histogram") -> "Histogram":
        both = zip(self.buckets, other.buckets, strict=True)
        return Histogram((one + two for one, two in both), self.sum + other.sum)

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus has it: how many up to each bound."""
        bounds = (*map(str, BOUNDS), "+Inf")
        return list(zip(bounds, map(float, accumulate(self.buckets)), strict=True))


class Counter:
    """A number that grows."""

    __slots__ = ("total",)

    def __init__(self, total: float = 0.0) -> None:
        self.total = total


class Tally:
    """Histograms and counters by name and labels, and gauges by name."""

    def __init__(self) -> None:
        self.histograms: dict[tuple[str, Labels], Histogram] = {}
        self.counters: dict[tuple[str, Labels], Counter] = {}
        self.gauges: dict[str, float] = {}
        self.late: list[Callable[[], None]] = []
        """What adds that which is noted, but not counted yet."""

    def settle(self) -> None:
        """Count all that is noted."""
        for add in self.late:
            add()

    def histogram(self, name: str, *labels: str) -> Histogram:
        """One histogram, to be added to."""
        key = name, labels
        found = self.histograms.get(key)
        if found is None:
            found = self.histograms[key] = Histogram()
        return found

    def counter(self, name: str, *labels: str) -> Counter:
        """One counter, to be added to."""
        key = name, labels
        found = self.counters.get(key)
        if found is None:
            found = self.counters[key] = Counter()
        return found

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Count one more."""
        self.counter(name, *labels).total += by

    def __add__(self, other: "Tally") -> "Tally":
        whole = Tally()
        for each in (self, other):
            for key, histogram in each.histograms.items():
                whole.histograms[key] = whole.histograms.get(key, Histogram()) + histogram
            for (name, labels), counter in each.counters.items():
                whole.count(name, *labels, by=counter.total)
            for name, gauge in each.gauges.items():
                whole.gauges[name] = whole.gauges.get(name, 0.0) + gauge
        return whole

    def packed(self) -> bytes:
        """All of it as bytes."""
        self.settle()
        return json.dumps(
            {
                "histograms": [[name, labels, h.buckets, h.sum] for (name, labels), h in self.histograms.items()],
                "counters": [[name, labels, count.total] for (name, labels), count in self.counters.items()],
                "gauges": self.gauges,
            }
        ).encode()

    @classmethod
    def unpacked(cls, packed: bytes) -> "Tally":
        """What bytes stand for."""
        told: dict[str, Any] = json.loads(packed)
        tally = cls()
        tally.histograms = {(name, tuple(labels)): Histogram(b, s) for name, labels, b, s in told["histograms"]}
        tally.counters = {(name, tuple(labels)): Counter(count) for name, labels, count in told["counters"]}
        tally.gauges = told["gauges"]
        return tally


def leave(tally: Tally, place: Path | None = None) -> None:
    """Put this worker's numbers where the others find them, if there are others."""
    place = place or folder()
    if place is not None and place.is_dir():
        new = place / f".tally-{os.getpid()}"
        new.write_bytes(tally.packed())
        new.replace(place / f"tally-{os.getpid()}")


def gathered(own: Tally, place: Path | None = None) -> Tally:
    """The numbers of all workers; of those that have ended what they counted, not what they held."""
    own.settle()
    whole = own
    for process, other in _others(place or folder()):
        if not Path(f"/proc/{process}").exists():
            other.gauges = {}
        whole = whole + other
    return whole


def _others(place: Path | None) -> Iterator[tuple[int, Tally]]:
    for each in sorted(place.glob("tally-*")) if place is not None else ():
        process = int(each.name.partition("-")[2])
        if process != os.getpid():
            yield process, Tally.unpacked(each.read_bytes())
