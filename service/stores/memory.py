"""Streams in the memory of one process: gone with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from service.stores.store import BEHIND, GONE, STORED, Append, Outcome, Tail


@dataclass
class Log:
    """One stream; `entries` are those after the first `base`."""

    head: bytes
    expires: int | None
    base: int = 0
    snapshot: bytes | None = None
    entries: list[bytes] = field(default_factory=list)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The number of the last entry."""
        return self.base + len(self.entries)


class Memory:
    """A dictionary and a lock."""

    def __init__(self) -> None:
        self._logs: dict[str, Log] = {}
        self._lock = Lock()

    def _log(self, stream: str, now: int) -> Log | None:
        log = self._logs.get(stream)
        return None if log is None or (log.expires is not None and log.expires <= now) else log

    def create(self, stream: str, head: bytes, expires: int | None, most: int, now: int) -> bool:
        """Begin a log."""
        with self._lock:
            if sum(self._log(each, now) is not None for each in self._logs) >= most:
                return False
            self._logs[stream] = Log(head, expires)
            return True

    def heads(self, now: int) -> Mapping[str, bytes]:
        """The head of every stream, oldest first."""
        with self._lock:
            found = {stream: self._log(stream, now) for stream in self._logs}
        return {stream: log.head for stream, log in found.items() if log is not None}

    def read(self, stream: str, since: int, now: int) -> Tail | None:
        """The log after entry `since`."""
        with self._lock:
            log = self._log(stream, now)
            if log is None:
                return None
            snapshot = log.snapshot if log.base > since else None
            return Tail(log.head, log.base, snapshot, tuple(log.entries[max(since - log.base, 0) :]), log.last)

    def append(self, appends: Sequence[Append], now: int) -> list[Outcome]:
        """Write to several logs."""
        with self._lock:
            return [self._append(each, now) for each in appends]

    def _append(self, append: Append, now: int) -> Outcome:
        log = self._log(append.stream, now)
        if log is None:
            return GONE
        keys = [entry.key for entry in append.entries if entry.key is not None]
        met = {key.name: log.keys[key.name] for key in keys if key.name in log.keys}
        known = {name: digest for name, (digest, expires) in met.items() if expires > now}
        if known:
            return Outcome("known", known)
        if append.after != log.last:
            return BEHIND
        log.entries.extend(entry.content for entry in append.entries)
        log.keys.update({key.name: (key.digest, append.keys_expire) for key in keys})
        log.expires = append.expires
        return STORED

    def compact(self, stream: str, base: int, snapshot: bytes) -> None:
        """Put a snapshot in place of the first entries."""
        with self._lock:
            log = self._logs.get(stream)
            if log is not None and log.base < base <= log.last:
                del log.entries[: base - log.base]
                log.base, log.snapshot = base, snapshot

    def delete(self, stream: str, now: int) -> bool:
        """Remove a log."""
        with self._lock:
            found = self._log(stream, now) is not None
            self._logs.pop(stream, None)
            return found

    def sweep(self, now: int) -> None:
        """Let go of what has expired."""
        with self._lock:
            for stream in [each for each in self._logs if self._log(each, now) is None]:
                del self._logs[stream]
            for log in self._logs.values():
                log.keys = {name: key for name, key in log.keys.items() if key[1] > now}

    def close(self) -> None:
        """Nothing is held."""
