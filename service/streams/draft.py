"""The next entries of one stream's log, made ready to be appended at once."""

from concurrent.futures import Future
from dataclasses import dataclass, field

from lossapi.errors import LossError
from service.stores.store import Append, Entry, Key, Outcome
from service.streams.errors import gone, reused
from service.streams.shelf import Known, Shelf
from service.streams.stream import Change, Stream

LEAST_TAIL, MOST_ENTRIES = 1 << 16, 256
"""Bytes of entries that are worth a snapshot, if the last was no larger; and how many entries are in any case."""


@dataclass(frozen=True)
class Written:
    """What a change has come to; `replayed` where its key was known, and it was counted before."""

    stream: Stream
    replayed: bool = False


@dataclass(frozen=True, eq=False)
class Pending:
    """A change on its way."""

    identity: str
    change: Change
    key: Key | None
    done: "Future[Written]" = field(default_factory=Future)


class Draft:
    """Changes of one stream, merged one after another into what is known of it."""

    def __init__(self, shelf: Shelf, identity: str) -> None:
        self.shelf, self.identity = shelf, identity
        self.base: Known | None = None
        self.steps: list[tuple[Pending, Stream, Entry]] = []

    def take(self, pending: list[Pending]) -> None:
        """Merge them; one that cannot be merged is refused, unless what is known was behind."""
        self.base = self.shelf.remembered(self.identity)
        try:
            fresh = self.base is None
            if self.base is None:
                self.base = self.shelf.caught_up(self.identity)
            if not self._merge(self.base, pending, refuse=fresh):
                self.base = self.shelf.caught_up(self.identity)
                self._merge(self.base, pending, refuse=True)
        except LossError as error:
            for each in pending:
                each.done.set_exception(error)

    def _merge(self, base: Known, pending: list[Pending], *, refuse: bool) -> bool:
        """Whether all could be merged, or were refused; of two with one key the second waits."""
        self.steps, keys, stream, now = [], set[str](), base.stream, self.shelf.clock()
        for each in pending:
            if each.key is not None and each.key.name in keys:
                continue
            try:
                stream, content = stream.after(each.change, now)
                self.shelf.require_room(base.snapshot + len(content))
            except LossError as error:
                if not refuse:
                    return False
                each.done.set_exception(error)
                stream = self.steps[-1][1] if self.steps else base.stream
                continue
            self.steps.append((each, stream, Entry(content, each.key)))
            keys |= {each.key.name} if each.key is not None else set()
        return True

    def append(self) -> Append:
        """What is to be written."""
        base, now = self.steps[0][1], self.shelf.clock()
        keys_expire = now + self.shelf.settings.idempotency_seconds * 1000
        entries = [entry for _, _, entry in self.steps]
        return Append(self.identity, base.number - 1, entries, base.head.expires(now), keys_expire)

    def settle(self, outcome: Outcome) -> None:
        """Answer what was stored, what was stored before, and what has nowhere to go; the rest is tried again."""
        if outcome.status == "stored":
            self._stored()
        elif outcome.status == "gone":
            self.shelf.forget(self.identity)
            for pending, _, _ in self.steps:
                pending.done.set_exception(gone(self.identity))
        else:
            known = self.shelf.caught_up(self.identity)
            for pending, _, _ in self.steps:
                if pending.key is not None and pending.key.name in outcome.known:
                    self._repeated(pending, pending.key, outcome.known[pending.key.name], known.stream)

    def _repeated(self, pending: Pending, key: Key, digest: str, stream: Stream) -> None:
        if key.digest == digest:
            pending.done.set_result(Written(stream, replayed=True))
        else:
            pending.done.set_exception(reused(key.name))

    def _stored(self) -> None:
        assert self.base is not None
        stream, sizes = self.steps[-1][1], [len(entry.content) for _, _, entry in self.steps]
        tail, entries = self.base.tail + sum(sizes), self.base.entries + len(sizes)
        self.shelf.remember(self.identity, Known(stream, self.base.snapshot, entries, tail))
        for pending, each, _ in self.steps:
            pending.done.set_result(Written(each))

    def compact(self) -> None:
        """Put a snapshot in place of the entries, once these are as large."""
        known = self.shelf.remembered(self.identity)
        if known and (known.tail >= max(LEAST_TAIL, known.snapshot) or known.entries >= MOST_ENTRIES):
            snapshot = known.stream.snapshot()
            self.shelf.store.compact(self.identity, known.stream.number, snapshot)
            self.shelf.remember(self.identity, Known(known.stream, len(snapshot)))
