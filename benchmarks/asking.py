"""A client for loads: raw HTTP/1.1 over asyncio, which costs little beside a server on the same machine."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load import content_length
from benchmarks.servers import HOST

POOL = 64
BURST = 1.0
LOST = 0
"""The status of a request whose connection was closed or refused."""


@dataclass
class Seen:
    """Statuses and seconds of the requests of one load."""

    replies: list[tuple[int, float]] = field(default_factory=list)

    def seconds(self, *statuses: int) -> list[float]:
        """The times of the replies of some statuses, sorted."""
        return sorted(took for status, took in self.replies if status in statuses)

    def statuses(self) -> dict[int, int]:
        """How many of each status."""
        found = [status for status, _ in self.replies]
        return {status: found.count(status) for status in sorted(set(found))}


def quantile(times: list[float], share: float) -> float:
    """The value below which that share lies; NaN of nothing."""
    return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


def request(
    path: str, body: bytes, media_type: str = "application/json", method: str = "POST", more: str = ""
) -> bytes:
    """A whole request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return (head + more + "\r\n").encode() + body


class Connections:
    """Keep-alive connections to one server; as many as are on their way at once."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, sent: bytes) -> tuple[int, bytes]:
        """The status and body of a reply."""
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(HOST, self.port)
        except OSError:
            return LOST, b""
        try:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(content_length(bytearray(head), len(head)))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return LOST, b""
        if b"connection: close" in head.lower():
            writer.close()
        else:
            self.idle.append((reader, writer))
        return int(head[9:12]), body

    async def timed(self, sent: bytes, seen: Seen) -> int:
        """Ask and note what came, and when."""
        began = time.perf_counter()
        status, _ = await self.ask(sent)
        seen.replies.append((status, time.perf_counter() - began))
        return status

    async def closed(self, sent: bytes, clients: int, seconds: float) -> Seen:
        """So many clients, each of which asks again when it has its answer."""
        seen, end = Seen(), time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                await self.timed(sent, seen)

        await asyncio.gather(*(client() for _ in range(clients)))
        return seen

    async def opened(self, sent: bytes, rate: float, seconds: float) -> Seen:
        """So many requests a second, whether those before are answered or not, on as many connections as a pool has.

        What comes of the first second, in which a server lets in what it takes for a burst, is not counted.
        """
        seen, began, pool = Seen(), time.perf_counter(), asyncio.Semaphore(POOL)
        tasks: list[asyncio.Task[None]] = []

        async def one(noted: Seen) -> None:
            async with pool:
                await self.timed(sent, noted)

        for number in range(int(rate * (seconds + BURST))):
            due = began + number / rate
            if (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            tasks.append(asyncio.create_task(one(seen if number > rate * BURST else Seen())))
        await asyncio.gather(*tasks)
        return seen

    def close(self) -> None:
        """Close them all."""
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()


def against(port: int, work: Callable[[Connections], Coroutine[Any, Any, Any]]) -> Any:
    """Run a load."""

    async def run() -> Any:
        connections = Connections(port)
        try:
            return await work(connections)
        finally:
            connections.close()

    return asyncio.run(run())


def resident(process: int) -> float:
    """The resident MiB of a process and its children."""
    pids, total = [process], 0
    for pid in pids:
        try:
            pids += [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * 4096 / 2**20
