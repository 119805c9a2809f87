"""The streams that a process knows, as far as it has read their logs."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from lossapi.errors import TooLarge
from service.settings import Settings, variable
from service.stores.store import Store, Tail
from service.streams.errors import gone
from service.streams.stream import Stream

Clock = Callable[[], int]
MOST_KNOWN, MOST_BYTES = 1024, 256 * 2**20
"""Streams whose contents are kept in memory, and the bytes that they take in the store."""


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Known(NamedTuple):
    """A stream as far as it was read; the bytes of its snapshot, and the number and bytes of the entries after that."""

    stream: Stream
    snapshot: int = 0
    entries: int = 0
    tail: int = 0

    @property
    def bytes(self) -> int:
        """What it takes in the store."""
        return self.snapshot + self.tail


class Shelf:
    """What is known of the streams of one store."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self.store, self.settings, self.clock = store, settings, clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def require_room(self, size: int) -> None:
        """Refuse what would make a stream larger than it may be."""
        if size > self.settings.stream_bytes:
            setting = variable("stream_bytes")
            raise TooLarge(
                f"a stream of at most {self.settings.stream_bytes} bytes (setting {setting})", f"{size} bytes"
            )

    def caught_up(self, identity: str) -> Known:
        """The stream after all that is in its log by now."""
        known = self.remembered(identity)
        tail = self.store.read(identity, known.stream.number if known else 0, self.clock())
        if tail is not None and known is not None and tail.last < known.stream.number:
            known, tail = None, self.store.read(identity, 0, self.clock())  # the store was set back to an earlier day
        if tail is None:
            self.forget(identity)
            raise gone(identity)
        found = self._followed(known, tail)
        self.remember(identity, found)
        return found

    def _followed(self, known: Known | None, tail: Tail) -> Known:
        """What is known, and then the rest of the log."""
        stream, *sizes = known or Known(Stream.begun(tail.head, self.settings.history_points))
        if tail.snapshot is not None:
            stream, sizes = stream.restored(tail.snapshot), [len(tail.snapshot), 0, 0]
        for entry in tail.entries:
            stream = stream.followed(entry)
        snapshot, entries, size = sizes
        return Known(stream, snapshot, entries + len(tail.entries), size + sum(map(len, tail.entries)))

    def remembered(self, identity: str) -> Known | None:
        """What was last known, which may be behind."""
        with self._lock:
            known = self._known.get(identity)
            if known is not None:
                self._known.move_to_end(identity)
            return known

    def remember(self, identity: str, found: Known) -> None:
        """Keep it; what has not been asked for longest makes room."""
        with self._lock:
            self._let_go(self._known.pop(identity, None))
            self._known[identity] = found
            self._bytes += found.bytes
            while len(self._known) > MOST_KNOWN or (self._bytes > MOST_BYTES and len(self._known) > 1):
                self._let_go(self._known.popitem(last=False)[1])

    def _let_go(self, known: Known | None) -> None:
        self._bytes -= known.bytes if known else 0

    def forget(self, identity: str) -> None:
        """Let go of a stream that is no more."""
        with self._lock:
            self._let_go(self._known.pop(identity, None))
