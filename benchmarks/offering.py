"""An open load: requests at random moments, at a rate that asks nobody, over raw sockets in one thread.

The time of a request counts from the moment when it was due, so that of one that had to wait for the client or for a
connection is not flattered. How late requests were sent is told beside it: where that is not small, the figures are
those of the client.
"""

import gc
import math
import os
import random
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.asking import LOST, Seen
from benchmarks.load import content_length
from benchmarks.servers import HOST

CORES = sorted(os.sched_getaffinity(0))
PART = 1 << 18
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
TICK, AWHILE = 0.001, 0.01
"""Seconds before a request is due in which there is no sleep, as a selector sleeps no shorter; and of a look."""
PATIENCE = 10.0
"""Seconds that the last requests are waited for."""


@dataclass
class Offered(Seen):
    """What came of an open load, and how late each request was sent."""

    late: list[float] = field(default_factory=list)


class Line:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.wire = socket.create_connection((HOST, port))
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire.setblocking(False)
        self.due = 0.0
        self.counts = False
        self.left = memoryview(b"")
        self.received = bytearray()

    def send(self) -> bool:
        """Send what the socket takes; whether something is left."""
        while self.left:
            try:
                self.left = self.left[self.wire.send(self.left[:PART]) :]
            except BlockingIOError:
                break
        return bool(self.left)

    def reply(self) -> tuple[int, bool] | None:
        """The status of a whole reply, if it has come, and whether the connection stays open."""
        try:
            part = self.wire.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            part = b""
        if not part:
            return LOST, False
        self.received += part
        end = self.received.find(b"\r\n\r\n")
        if end < 0 or len(self.received) < end + 4 + content_length(self.received, end):
            return None
        status, stays = int(self.received[9:12]), self.received.find(b"connection: close", 0, end) < 0
        self.received.clear()
        return status, stays


class Load:
    """Requests on their way over as many connections as there may be."""

    def __init__(self, port: int, sends: Sequence[bytes], lines: int) -> None:
        self.port, self.sends, self.lines = port, sends, lines
        self.idle: list[Line] = []
        self.busy: set[Line] = set()
        self.seen = Offered()
        self.waiting = selectors.DefaultSelector()

    def offer(self, rate: float, seconds: float, burst: float = 0.0) -> Offered:
        """So many a second for so long; what is due in a burst at first is not counted."""
        began = due = time.perf_counter()
        end = began + burst + seconds
        while (now := time.perf_counter()) < end or self.busy:
            if now > end + PATIENCE:
                self.seen.replies += [(LOST, now - line.due) for line in self.busy]
                break
            while due <= now < end and (line := self.line()) is not None:
                self.begin(line, due if rate < math.inf else now, counts=due >= began + burst)
                due += random.expovariate(rate) if rate < math.inf else 0.0
            self.turn(max(due - now - TICK, 0.0) if now < due < end else AWHILE)
        return self.seen

    def line(self) -> Line | None:
        """A connection that is free."""
        if self.idle:
            return self.idle.pop()
        if len(self.busy) >= self.lines:
            return None
        line = Line(self.port)
        self.waiting.register(line.wire, selectors.EVENT_READ, line)
        return line

    def begin(self, line: Line, due: float, *, counts: bool) -> None:
        """Send a request that was due."""
        line.due, line.counts, line.left = due, counts, memoryview(random.choice(self.sends))
        self.busy.add(line)
        if counts:
            self.seen.late.append(time.perf_counter() - due)
        if line.send():
            self.waiting.modify(line.wire, BOTH, line)

    def turn(self, seconds: float) -> None:
        """Look after what can be sent or has come, for which so long is waited."""
        for key, events in self.waiting.select(seconds):
            line: Line = key.data
            if events & selectors.EVENT_READ and (reply := line.reply()) is not None:
                self.end(line, *reply)
            elif events & selectors.EVENT_WRITE and not line.send():
                self.waiting.modify(line.wire, selectors.EVENT_READ, line)

    def end(self, line: Line, status: int, stays: bool) -> None:
        """Note a reply; a connection on which a part of its request was not sent cannot be used again."""
        if line.counts:
            self.seen.replies.append((status, time.perf_counter() - line.due))
        self.busy.discard(line)
        if stays and not line.left:
            self.idle.append(line)
        else:
            self.waiting.unregister(line.wire)
            line.wire.close()

    def close(self) -> None:
        """Close all connections."""
        for line in (*self.idle, *self.busy):
            line.wire.close()
        self.waiting.close()


def offered(
    port: int, sends: Sequence[bytes], rate: float, seconds: float, *, lines: int, burst: float = 0.0
) -> Offered:
    """Offer a load; at an infinite rate, each connection asks again when it has its answer."""
    load = Load(port, sends, lines)
    gc.collect()
    gc.disable()
    try:
        return load.offer(rate, seconds, burst)
    finally:
        gc.enable()
        load.close()


@contextmanager
def cores(*, server: bool) -> Iterator[int]:
    """Let this thread, and what it starts, run on the last core alone, or (a server) on all others; how many those are.

    Where there is but one core, it is shared.
    """
    before = os.sched_getaffinity(0)
    chosen = (CORES[:-1] if server else CORES[-1:]) or CORES
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)
