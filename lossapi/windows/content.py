"""What a stream holds: everything, its last rows, its last seconds, or everything at a weight that fades.

    {"rows": 1000}    {"seconds": 300}    {"half_life_rows": 5000}

Contents take pieces in order, never change themselves, and can be packed as plain data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Protocol, Self

from lossapi.errors import ParameterError, UnknownKey, Unsupported, nearest
from lossapi.evaluation.items import Item
from lossapi.evaluation.panel import Panel, merge, zero
from lossapi.evaluation.portable_panel import pack, unpack
from lossapi.windows.decay import require_scalable, scaled
from lossapi.windows.given_rows import Rows, joined, require_rows, require_rows_first
from lossapi.windows.pieces import Piece, added, folded, kept, unpack_piece

BLOCKS = 32
"""Into about how many blocks the last rows are gathered, and how many parts a half-life has."""
BUCKETS = 60
"""How many buckets the last seconds lie in: the resolution."""
FADED = 64
"""Half-lives after which a row is let go of: it would weigh 5e-20."""
MOST_ROWS = 10_000_000
LONGEST = 10 * 366 * 86_400.0


class Content(Protocol):
    """What a stream holds; times are in milliseconds."""

    def piece(self, rows: Rows) -> Piece:
        """A batch, ready to be taken in."""
        ...

    def add(self, piece: Piece, time: int) -> Self:
        """One piece more."""
        ...

    def panel(self, time: int) -> Panel:
        """What is to be read."""
        ...

    def pack(self) -> Any:
        """As plain data."""
        ...

    def unpacked(self, value: Any) -> Self:
        """The reverse, from contents without a row."""
        ...


@dataclass(frozen=True)
class Everything:
    """All rows, as one state."""

    whole: Panel

    def piece(self, rows: Rows) -> Piece:
        """The state of the rows."""
        return folded(self.whole.items, rows)

    def add(self, piece: Piece, time: int) -> Self:
        """Merged."""
        return replace(self, whole=added([self.whole, piece.panel]))

    def panel(self, time: int) -> Panel:
        """All of it."""
        return self.whole

    def pack(self) -> Any:
        """The state."""
        return pack(self.whole)

    def unpacked(self, value: Any) -> Self:
        """From the state."""
        return replace(self, whole=unpack(value))


@dataclass(frozen=True)
class LastRows:
    """The last rows, exactly: they are kept, in blocks with a state each, and a block that the edge meets is cut."""

    items: tuple[Item, ...]
    most: int
    blocks: tuple[Piece, ...] = ()

    def piece(self, rows: Rows) -> Piece:
        """The rows, or the last of them."""
        require_rows(self.items, rows)
        return replace(kept(self.items, rows[-self.most :]), count=rows.count)

    def add(self, piece: Piece, time: int) -> "LastRows":
        """A block more; what is then beyond the edge leaves."""
        if piece.rows is None:
            raise Unsupported("a stream without a window of rows", "a state, of which no row could leave again")
        blocks = self._with(replace(piece, count=piece.rows.count))
        excess = sum(each.count for each in blocks) - self.most
        while excess > 0 and excess >= blocks[0].count:
            excess -= blocks.pop(0).count
        if excess > 0 and blocks[0].rows is not None:
            blocks[0] = kept(self.items, blocks[0].rows[excess:])
        return replace(self, blocks=tuple(blocks))

    def _with(self, block: Piece) -> list[Piece]:
        """The blocks and one more, which small ones before it are joined to."""
        *blocks, last = self.blocks or (None,)
        if last is None or last.rows is None or block.rows is None:
            return [block]
        small = last.count + block.count <= self.most // BLOCKS
        together = joined(last.rows, block.rows) if small else None
        return [*blocks, last, block] if together is None else [*blocks, kept(self.items, together)]

    def panel(self, time: int) -> Panel:
        """All blocks."""
        return merge([zero(self.items), *(each.panel for each in self.blocks)])

    def pack(self) -> Any:
        """The rows of each block, whose states are computed from them again."""
        return [each.pack() for each in self.blocks]

    def unpacked(self, value: Any) -> "LastRows":
        """From the rows of each block."""
        return replace(self, blocks=tuple(unpack_piece(self.items, each) for each in value))


@dataclass(frozen=True)
class LastSeconds:
    """The last seconds, in buckets of a sixtieth: a row leaves with its bucket, up to a sixtieth after its time."""

    items: tuple[Item, ...]
    span: int
    buckets: tuple[tuple[int, Panel], ...] = ()

    @property
    def width(self) -> int:
        """The milliseconds of one bucket."""
        return ceil(self.span / BUCKETS)

    def piece(self, rows: Rows) -> Piece:
        """The state of the rows."""
        return folded(self.items, rows)

    def add(self, piece: Piece, time: int) -> "LastSeconds":
        """Into the bucket of its time; those that are over leave."""
        place, buckets = time // self.width, dict(self._within(time))
        buckets[place] = added([buckets.get(place, zero(self.items)), piece.panel])
        return replace(self, buckets=tuple(sorted(buckets.items(), key=lambda each: each[0])))

    def _within(self, time: int) -> list[tuple[int, Panel]]:
        return [(place, each) for place, each in self.buckets if (place + 1) * self.width > time - self.span]

    def panel(self, time: int) -> Panel:
        """The buckets that are not over."""
        return merge([zero(self.items), *(each for _, each in self._within(time))])

    def pack(self) -> Any:
        """The state of each bucket."""
        return [[place, pack(each)] for place, each in self.buckets]

    def unpacked(self, value: Any) -> "LastSeconds":
        """From the state of each bucket."""
        return replace(self, buckets=tuple((place, unpack(each)) for place, each in value))


@dataclass(frozen=True)
class Fading(Everything):
    """Everything, a row weighing half after so many rows; up to 1/32 of them next to each other weigh the same."""

    half_life: float

    def piece(self, rows: Rows) -> Piece:
        """The rows at their weights when the last of them has come."""
        require_rows(self.whole.items, rows)
        step = max(1, int(self.half_life / BLOCKS))
        first = max(0, rows.count - ceil(FADED * self.half_life))
        parts = [self._aged(rows, max(first, end - step), end) for end in range(rows.count, first, -step)]
        panels = [zero(self.whole.items), *reversed(parts)]
        return Piece(rows.count, added(panels if rows.count else [folded(self.whole.items, rows).panel]))

    def _aged(self, rows: Rows, start: int, end: int) -> Panel:
        """Some rows at the weight of the middle one."""
        age = rows.count - end + (end - start - 1) / 2
        return self._after(folded(self.whole.items, rows[start:end]).panel, age)

    def _after(self, panel: Panel, rows: float) -> Panel:
        return scaled(panel, 0.5 ** (rows / self.half_life))

    def add(self, piece: Piece, time: int) -> Self:
        """What there is fades by as many rows as come."""
        return replace(self, whole=added([self._after(self.whole, piece.count), piece.panel]))


KINDS = ("rows", "seconds", "half_life_rows")


def opened(window: Any, items: Sequence[Item]) -> Content:
    """Contents without a row, for a window (or none) as it is asked for; what it cannot hold is refused."""
    items = tuple(items)
    if window is None:
        return Everything(zero(items))
    if not isinstance(window, Mapping) or len(window) != 1:
        raise ParameterError(f"window with one of {', '.join(KINDS)}", repr(window)[:60], ("window",))
    ((kind, given),) = window.items()
    if kind not in KINDS:
        raise UnknownKey(nearest(kind, KINDS), f"unknown key {kind!r}", ("window", kind))
    if kind == "seconds":
        return LastSeconds(items, ceil(_number(kind, given, 1e-3, LONGEST) * 1000))
    require_rows_first(items)
    if kind == "rows":
        return LastRows(items, int(_number(kind, given, 1, MOST_ROWS, whole=True)))
    for item in items:
        require_scalable(item)
    return Fading(zero(items), _number(kind, given, 1e-3, MOST_ROWS))


def _number(name: str, value: Any, least: float, most: float, *, whole: bool = False) -> float:
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        kind = "an integer" if whole else "a number"
        raise ParameterError(f"{name}, {kind} from {least:g} to {most:g}", repr(value)[:60], ("window", name))
    return float(value)
