"""Loops for rows of few entries: many rows side by side, as in a tile, where one row alone fills no vector.

One function has both: which of them runs is decided by how many entries the rows have that it is called with.
"""

from collections.abc import Sequence

from lossapi.errors import Unsupported
from lossapi.loops import text, tiles
from lossapi.loops.frame import COSTLY, Frame, everything
from lossapi.loops.framing import TAKES, included
from lossapi.loops.script import Shape, refused
from lossapi.loops.tiles import Tiles
from lossapi.loops.writer import Sink, Writer

FEW, MORE = 12, 32
"""Entries of a row up to which rows go side by side; more, where a pass waits for powers that a row has once."""

Names = Sequence[str]
Order = tuple[Names, Names, Names, Names]
"""Arrays, results, numbers and axes, as a function takes them."""


class Narrow(Tiles):
    """Writes one script over tiles of whole rows, whose entries lie side by side."""

    name = "narrow"

    def apart(self, outer: Shape) -> bool:
        """Whether rows of an array with these axes differ within a tile."""
        if outer not in ((), self.frame.outer):
            raise refused("entries along some of the axes")
        return bool(outer)

    def placed_in_tile(self, place: str) -> str:
        """Where an entry of the k-th row stands."""
        return f"k * n + {place}"

    def left(self) -> str:
        """How many rows there are yet."""
        return "rows - first"


class Wide(Writer):
    """Writes one script, row by row, where there is another function for narrow ones."""

    name = "wide"


def _waits(frame: Frame, sinks: Sequence[Sink]) -> bool:
    """Whether entries are made of a number that is costly to make and that a row has once."""
    entries = [sink.value for sink in sinks if frame.span(frame.step(sink.value).shape).inner]
    made_of = map(frame.step, everything(frame.script, entries))
    return any(step.operator in COSTLY and not frame.span(step.shape).inner and step.shape for step in made_of)


def function(frame: Frame, sinks: Sequence[Sink], order: Order) -> str:
    """The whole text for a script: over tiles where entries lie apart, else row by row, and side by side if narrow."""
    if frame.behind:
        return included(tiles.function(sinks, Tiles(frame, *order)))
    if frame.outer:
        try:
            narrow = tiles.function(sinks, Narrow(frame, *order))
        except Unsupported:
            return included(text.function(sinks, Writer(frame, *order)))
        wide = Wide(frame, *order)
        few = f"({wide.entries(frame.inner)}) <= {MORE if _waits(frame, sinks) else FEW} ? narrow : wide"
        chosen = f"int kernel({TAKES}) {{\n    return ({few})(arrays, numbers, sizes, totals);\n}}\n"
        return included(narrow, text.function(sinks, wide), chosen)
    return included(text.function(sinks, Writer(frame, *order)))
