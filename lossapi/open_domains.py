"""Domains open at their lower end: a number that some bound must lie below."""

from typing import TYPE_CHECKING

from lossapi.domains import Array, Bounds, Domain


class Above(Domain):
    """A domain whose `low` is itself outside."""

    def holds(self, array: Array, bounds: Bounds) -> bool:
        """Whether no value is seen to be outside; with NaN among them the answer may be a false alarm."""
        return super().holds(array, bounds) and (array.size == 0 or bool(array.min() > self.low))

    def _strays(self, array: Array) -> Array:
        return array <= self.low

    def expectation(self, bounds: Bounds) -> str:
        """What the message says was expected."""
        return f"{self.meaning} > {self.low:g}"


if TYPE_CHECKING:
    from typing import Annotated as Growth
    from typing import Annotated as PositiveReal
else:
    PositiveReal = Above("positive", "a number", low=0)
    Growth = Above("growth", "a number", low=-1)

__all__ = ["Above", "Growth", "PositiveReal"]
