"""One stream: what it was asked to be, and what its log has come to so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from typing import Any

from lossapi.codecs import json
from lossapi.evaluation.items import Item, read_items
from lossapi.evaluation.panel import Outcome
from lossapi.windows.content import Content, opened
from lossapi.windows.pieces import Piece, readings, unpack_piece
from service.streams.history import History, Values


@dataclass(frozen=True)
class Head:
    """What a stream was asked to be; it never changes."""

    plain: Mapping[str, Any]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The losses and metrics that it keeps."""
        return read_items(self.plain)

    @cached_property
    def empty(self) -> Content:
        """Its contents without a row."""
        return opened(self.plain["window"], self.items)

    @property
    def ttl(self) -> float | None:
        """Seconds without a change after which it goes."""
        found: float | None = self.plain["ttl"]
        return found

    def matches(self, name: str | None, labels: Mapping[str, str]) -> bool:
        """Whether it has this name, if one is asked for, and these labels."""
        own = self.plain["labels"]
        return name in (None, self.plain["name"]) and all(own.get(key) == value for key, value in labels.items())

    def expires(self, now: int) -> int | None:
        """When it goes, if nothing changes after now."""
        return None if self.ttl is None else now + max(1, int(self.ttl * 1000))


@dataclass(frozen=True)
class Change:
    """A batch, a state that is merged in, or a new start; without a piece it is the last."""

    piece: Piece | None
    batches: int = 0

    @cached_property
    def packed(self) -> Any:
        """The piece as plain data."""
        return None if self.piece is None else self.piece.pack()


@dataclass(frozen=True)
class Stream:
    """What the first `number` entries of a log have come to."""

    head: Head
    content: Content
    history: History
    number: int = 0
    updated: int | None = None
    count: int = 0
    batches: int = 0
    outcomes: list[Outcome] | None = field(default=None, compare=False)

    @staticmethod
    def begun(head: bytes, points: int) -> "Stream":
        """A log without entries."""
        known = Head(json.decode(head))
        return Stream(known, known.empty, History(points))

    def after(self, change: Change, now: int) -> tuple["Stream", bytes]:
        """The stream with one change more, and the change as the log's next entry."""
        time = max(now, self.updated or 0)
        moved = self._moved(change.piece, change.batches, time)
        outcomes = readings(moved.content.panel(time))
        values = tuple(map(scalar, outcomes))
        entry = {"time": time, "batches": change.batches, "piece": change.packed, "values": values}
        shown = replace(moved, history=self._remembered(change.piece, time, values), outcomes=outcomes)
        return shown, json.encode(entry)

    def followed(self, entry: bytes) -> "Stream":
        """The stream with an entry more that is in the log already."""
        read = json.decode(entry)
        piece = None if read["piece"] is None else unpack_piece(self.head.items, read["piece"])
        moved = self._moved(piece, read["batches"], read["time"])
        return replace(moved, history=self._remembered(piece, read["time"], tuple(read["values"])))

    def _moved(self, piece: Piece | None, batches: int, time: int) -> "Stream":
        moved = replace(self, number=self.number + 1, updated=time, outcomes=None)
        if piece is None:
            return replace(moved, content=self.head.empty, count=0, batches=0)
        content = self.content.add(piece, time)
        return replace(moved, content=content, count=self.count + piece.count, batches=self.batches + batches)

    def _remembered(self, piece: Piece | None, time: int, values: Values) -> History:
        return self.history if piece is None else self.history.add(time, values)

    def snapshot(self) -> bytes:
        """All of it but its head."""
        names = ("number", "updated", "count", "batches")
        plain = {name: getattr(self, name) for name in names}
        return json.encode({**plain, "content": self.content.pack(), "history": self.history.pack()})

    def restored(self, snapshot: bytes) -> "Stream":
        """The stream that a snapshot was taken of."""
        plain = json.decode(snapshot)
        content, history = self.head.empty.unpacked(plain.pop("content")), self.history.unpacked(plain.pop("history"))
        return replace(self, content=content, history=history, **plain)

    def read(self, now: int) -> list[Outcome]:
        """What every item comes to now."""
        return readings(self.content.panel(max(now, self.updated or 0)))


def scalar(outcome: Outcome) -> float | None:
    """The value for a chart: nothing where it is no finite number."""
    value = outcome.value
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
