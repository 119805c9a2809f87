"""What a store is: streams as logs of bytes, each a head, a snapshot of its beginning, and the entries after that.

A store knows no mathematics. Whoever appends says which entry it has seen last; where another has come between,
nothing is written, so that every entry is written with all before it known. The keys by which a retry is
recognised are written with the entry that they belong to, or not at all. Times are milliseconds since 1970,
and are always given: a store has no clock.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol


class Unavailable(Exception):
    """The store cannot be reached, is full, or may not be written to; the message says which."""


class Key(NamedTuple):
    """What a client calls one attempt by, and a digest of what it sent: the same key is for the same payload."""

    name: str
    digest: str


class Entry(NamedTuple):
    """One more piece of a log."""

    content: bytes
    key: Key | None = None


class Append(NamedTuple):
    """Entries for the end of one log: all of them, or none.

    `after` is the number of the last entry that the writer has seen (the first is 1); `expires` when the whole stream
    goes, `keys_expire` when the entries' keys are forgotten.
    """

    stream: str
    after: int
    entries: Sequence[Entry]
    expires: int | None
    keys_expire: int


class Outcome(NamedTuple):
    """Whether entries were stored; else that others came before them, that keys are known, or that there is no stream.

    `known` are the digests that the keys in question were first used with.
    """

    status: Literal["stored", "behind", "known", "gone"]
    known: Mapping[str, str] = {}


STORED, BEHIND, GONE = Outcome("stored"), Outcome("behind"), Outcome("gone")


class Tail(NamedTuple):
    """A log from some entry on: the `snapshot` of the first `base` entries where those were asked for, and the rest.

    `last` is the number of the last entry.
    """

    head: bytes
    base: int
    snapshot: bytes | None
    entries: Sequence[bytes]
    last: int


class Store(Protocol):
    """Where streams live; every method may be called from any thread."""

    def create(self, stream: str, head: bytes, expires: int | None, most: int, now: int) -> bool:
        """Begin a log; False where there are as many as there may be."""
        ...

    def heads(self, now: int) -> Mapping[str, bytes]:
        """The head of every stream, oldest first."""
        ...

    def read(self, stream: str, since: int, now: int) -> Tail | None:
        """The log after entry `since`, with the snapshot where that holds more; None where there is no stream."""
        ...

    def append(self, appends: Sequence[Append], now: int) -> list[Outcome]:
        """Write to several logs, each by itself; once it returns, what was stored is kept."""
        ...

    def compact(self, stream: str, base: int, snapshot: bytes) -> None:
        """Put a snapshot in place of the first `base` entries; an older one is passed over."""
        ...

    def delete(self, stream: str, now: int) -> bool:
        """Remove a log; whether there was one."""
        ...

    def sweep(self, now: int) -> None:
        """Let go of what has expired."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
