"""How many requests a key has made in the present window, counted over all workers of one server."""

import fcntl
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from mmap import mmap
from pathlib import Path
from time import clock_gettime
from typing import NamedTuple

try:
    from time import CLOCK_BOOTTIME as CLOCK
except ImportError:  # a system that is not Linux
    from time import CLOCK_MONOTONIC as CLOCK

CELL = struct.Struct("dq")
"""When the window began, by a clock that nobody sets and all processes share; and how many requests it has seen."""


class Quota(NamedTuple):
    """So many requests in each window of so many seconds."""

    requests: int
    seconds: float


class Taken(NamedTuple):
    """Whether one more request is within the quota, how many are left, and in how many seconds there are all again."""

    granted: bool
    left: int
    seconds: int

    def headers(self, quota: Quota) -> list[tuple[bytes, bytes]]:
        """As the IETF's draft on RateLimit header fields has it."""
        return [
            (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (quota.requests, math.ceil(quota.seconds))),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (self.left, self.seconds)),
        ]


class Counter:
    """The count of one key; in a file of a folder that workers share, else in this process alone."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self._file: int | None = None
        self._cell: mmap | bytearray = bytearray(CELL.size)
        if folder is not None:
            path = folder / f"quota-{sha256(name.encode()).hexdigest()}"
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, CELL.size)
            self._cell = mmap(self._file, CELL.size)

    def take(self, quota: Quota) -> Taken:
        """One more request."""
        with self._alone():
            now, (start, count) = clock_gettime(CLOCK), CELL.unpack_from(self._cell)
            if not start <= now < start + quota.seconds or not start:
                start, count = now, 0
            granted = count < quota.requests
            count += granted
            CELL.pack_into(self._cell, 0, start, count)
        return Taken(granted, max(quota.requests - count, 0), max(1, math.ceil(start + quota.seconds - now)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
