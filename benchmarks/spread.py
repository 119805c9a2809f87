"""Repeated figures in one line: the median, and the least and greatest beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The least, the median and the greatest of some repetitions."""

    least: float
    median: float
    greatest: float

    def text(self, digits: int = 2, unit: str = "") -> str:
        """Say it as `median [least – greatest]`."""
        return f"{self.median:,.{digits}f}{unit} [{self.least:,.{digits}f} – {self.greatest:,.{digits}f}]"


def spread(values: Sequence[float]) -> Spread:
    """Sum up some repetitions."""
    return Spread(min(values), median(values), max(values))


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide round by round, so that what disturbed one round disturbed both sides of its ratio."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


def geometric_mean(values: Sequence[float]) -> float:
    """The mean that treats twice as fast and half as fast alike."""
    return math.exp(sum(map(math.log, values)) / len(values))
