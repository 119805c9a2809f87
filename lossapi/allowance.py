"""What one request may take: how large its tensors are, and whether it may go on.

Whoever serves requests sets one for each; what reads tensors and what folds them ask it. The core knows no clocks and
no connections: `check` is called between chunks, `claim` before tensors are made, and what they raise ends the work.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from math import prod

from lossapi.errors import Path, TooLarge

MOST_DIMENSIONS = 32
MOST_DEPTH = 1024
"""What arrays and the parser of JSON bear at all."""
FEW = 1 << 15
"""Elements that are not worth counting."""
MOST_PAIRS = 1 << 26
"""Where all rows meet all others: each pair takes eight bytes, several times over."""


class Allowance:
    """The limits of a request and the prefix of their settings; this one lets every work go on."""

    __slots__ = ("depth", "dimensions", "elements", "prefix")

    def __init__(
        self,
        elements: int = 1 << 28,
        dimensions: int = MOST_DIMENSIONS,
        depth: int = MOST_DEPTH,
        prefix: str | None = None,
    ) -> None:
        self.elements = elements
        self.dimensions = dimensions
        self.depth = depth
        self.prefix = prefix

    def check(self) -> None:
        """Raise where the work is to end."""

    def claim(self, elements: int) -> None:
        """Told of each tensor that is not small before it is made; raise where there is no room for it now."""

    def over(self, limit: str, most: int, what: str, got: str) -> TooLarge:
        """The error of what is over a limit, with the setting that moves it."""
        setting = "" if self.prefix is None else f" (setting {self.prefix}{limit.upper()})"
        return TooLarge(f"at most {most} {what}{setting}", got)

    def require_shape(self, shape: Sequence[int], where: Path = ()) -> None:
        """Refuse a tensor of more axes or elements than are allowed."""
        error, size = None, prod(shape)
        if len(shape) > self.dimensions:
            error = self.over("dimensions", self.dimensions, "dimensions", str(len(shape)))
        elif size > self.elements:
            error = self.over("elements", self.elements, "elements in one tensor", str(size))
        if error is not None:
            raise error.within(*where)
        if size > FEW:
            self.claim(size)

    def require_depth(self, depth: int) -> None:
        """Refuse values that lie in one another at more levels than are allowed."""
        if depth > self.depth:
            raise self.over("json_depth", self.depth, "levels of nesting in JSON", str(depth))


def require_pairs(rows: int, others: int) -> None:
    """Refuse rows that would meet in more pairs than memory bears."""
    if rows * others > MOST_PAIRS:
        raise TooLarge(f"at most {MOST_PAIRS} pairs of rows that see each other", f"{rows} × {others}")


# One default for all is meant: nothing of it changes.
UNBOUNDED = Allowance()
ALLOWANCE: ContextVar[Allowance] = ContextVar("allowance", default=UNBOUNDED)
current = ALLOWANCE.get
"""The allowance of the request at hand."""
