"""Streams in an SQLite file: durable, and shared by all processes of a machine.

Write-ahead logging lets readers pass a writer; `synchronous=FULL` has every commit on the disk before it returns, so
that neither a killed process nor a power cut takes back what was answered.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from time import monotonic, sleep

from service.stores.store import BEHIND, GONE, STORED, Append, Outcome, Tail, Unavailable

WAIT = 30.0
"""Seconds that a writer waits for the others."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS streams (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, head BLOB NOT NULL, expires INTEGER,
    last INTEGER NOT NULL DEFAULT 0, base INTEGER NOT NULL DEFAULT 0, snapshot BLOB
);
CREATE TABLE IF NOT EXISTS entries (
    stream TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (stream, number)
);
CREATE TABLE IF NOT EXISTS keys (
    stream TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (stream, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_expiry ON keys (expires);
"""
LIVE = "(expires IS NULL OR expires > ?)"


class Sqlite:
    """One file; each thread has a connection of its own."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._own = local()
        self._lock = Lock()
        self._opened: list[sqlite3.Connection] = []
        with self._blamed():
            Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
            self._connection.executescript(SCHEMA)

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            self._own.connection = found = _opened(self.path)
            with self._lock:
                self._opened.append(found)
        return found

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"sqlite {self.path}: {error}") from error

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        """A transaction that is ended whatever happens in it."""
        with self._blamed():
            connection = self._connection
            connection.execute(f"BEGIN {kind}")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def create(self, stream: str, head: bytes, expires: int | None, most: int, now: int) -> bool:
        """Begin a log."""
        with self._transaction("IMMEDIATE") as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM streams WHERE {LIVE}", (now,)).fetchone()
            if count < most:
                connection.execute("INSERT INTO streams (id, head, expires) VALUES (?, ?, ?)", (stream, head, expires))
            return bool(count < most)

    def heads(self, now: int) -> Mapping[str, bytes]:
        """The head of every stream, oldest first."""
        with self._blamed():
            found = self._connection.execute(f"SELECT id, head FROM streams WHERE {LIVE} ORDER BY number", (now,))
            return dict(found.fetchall())

    def read(self, stream: str, since: int, now: int) -> Tail | None:
        """The log after entry `since`, seen at one moment."""
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(
                f"SELECT head, base, CASE WHEN base > ? THEN snapshot END, last FROM streams WHERE id = ? AND {LIVE}",
                (since, stream, now),
            ).fetchone()
            if row is None:
                return None
            head, base, snapshot, last = row
            entries: list[tuple[bytes]] = connection.execute(
                "SELECT content FROM entries WHERE stream = ? AND number > ? ORDER BY number", (stream, since)
            ).fetchall()
            return Tail(head, base, snapshot, tuple(content for (content,) in entries), last)

    def append(self, appends: Sequence[Append], now: int) -> list[Outcome]:
        """Write to several logs in one transaction, which waits for the disk once."""
        with self._transaction("IMMEDIATE") as connection:
            return [_append(connection, each, now) for each in appends]

    def compact(self, stream: str, base: int, snapshot: bytes) -> None:
        """Put a snapshot in place of the first entries."""
        with self._transaction("IMMEDIATE") as connection:
            changed = connection.execute(
                "UPDATE streams SET base = ?, snapshot = ? WHERE id = ? AND base < ? AND last >= ?",
                (base, snapshot, stream, base, base),
            )
            if changed.rowcount:
                connection.execute("DELETE FROM entries WHERE stream = ? AND number <= ?", (stream, base))

    def delete(self, stream: str, now: int) -> bool:
        """Remove a log."""
        with self._transaction("IMMEDIATE") as connection:
            found = connection.execute(f"SELECT 1 FROM streams WHERE id = ? AND {LIVE}", (stream, now)).fetchone()
            _remove(connection, [stream])
            return found is not None

    def sweep(self, now: int) -> None:
        """Let go of what has expired; the file keeps its size, and the room is used again."""
        with self._transaction("IMMEDIATE") as connection:
            expired = connection.execute("SELECT id FROM streams WHERE expires <= ?", (now,)).fetchall()
            _remove(connection, [stream for (stream,) in expired])
            connection.execute("DELETE FROM keys WHERE expires <= ?", (now,))

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()


def _opened(path: str) -> sqlite3.Connection:
    """A connection; turning the log on does not wait for others who do so at the same moment, so it is tried again."""
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    until = monotonic() + WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if monotonic() > until:
                raise
            sleep(0.01)
        else:
            return connection


def _append(connection: sqlite3.Connection, append: Append, now: int) -> Outcome:
    row = connection.execute(f"SELECT last FROM streams WHERE id = ? AND {LIVE}", (append.stream, now)).fetchone()
    if row is None:
        return GONE
    known = {}
    for key in (entry.key for entry in append.entries if entry.key is not None):
        where = "stream = ? AND name = ? AND expires > ?"
        met = connection.execute(f"SELECT digest FROM keys WHERE {where}", (append.stream, key.name, now)).fetchone()
        if met is not None:
            known[key.name] = met[0]
    if known:
        return Outcome("known", known)
    if row[0] != append.after:
        return BEHIND
    numbered = list(enumerate(append.entries, append.after + 1))
    connection.executemany(
        "INSERT INTO entries (stream, number, content) VALUES (?, ?, ?)",
        [(append.stream, number, entry.content) for number, entry in numbered],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO keys (stream, name, digest, expires) VALUES (?, ?, ?, ?)",
        [(append.stream, *entry.key, append.keys_expire) for _, entry in numbered if entry.key is not None],
    )
    connection.execute(
        "UPDATE streams SET last = ?, expires = ? WHERE id = ?", (numbered[-1][0], append.expires, append.stream)
    )
    return STORED


def _remove(connection: sqlite3.Connection, streams: Sequence[str]) -> None:
    for stream in streams:
        connection.execute("DELETE FROM streams WHERE id = ?", (stream,))
        connection.execute("DELETE FROM entries WHERE stream = ?", (stream,))
        connection.execute("DELETE FROM keys WHERE stream = ?", (stream,))
