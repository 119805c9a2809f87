"""One request on its way through: who asks, how long it may take, where its time goes, what it holds.

It is the allowance that the core asks between chunks, and what is measured and logged when the request leaves.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import Any, Protocol, TypeVar

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from lossapi import allowance
from lossapi.allowance import Allowance
from lossapi.errors import ParameterError
from service.traces import Trace

T = TypeVar("T")
TIMEOUT = b"x-request-timeout"
MOST_SECONDS = 1e6
LISTS = frozenset({b"accept", b"content-encoding"})
"""Headers of which there may be several, which are one list."""


class Gone(Exception):
    """The client has left: nobody waits for the reply."""


async def nothing() -> Message:
    """What is still to come of a request that is all here."""
    raise Gone


class Register(Protocol):
    """Where what visits hold is written down."""

    def hold(self, visit: "Visit", *, size: int = 0, elements: int = 0) -> None:
        """More bytes and elements, or a refusal."""
        ...

    def start(self, visit: "Visit") -> None:
        """A place on the worker threads or in their queue, or a refusal."""
        ...

    def finish(self, visit: "Visit") -> None:
        """That place is free again."""
        ...


class Visit(Allowance):
    """What is known of one request; times are seconds of one clock, 0.0 until a stage is reached."""

    queued = begun = decoded = computed = encoded = 0.0
    end: float | None = None
    patience = reason = key = ""
    codec = "other"
    ended: Exception | None = None
    held_bytes = held_elements = received = sent = status = 0
    identity = b""
    sees_all = True
    trace: Trace | None = None
    receive: Receive = staticmethod(nothing)
    work: Future[Any] | None = None
    task: asyncio.Task[Any] | None = None
    reading = False

    def __init__(self, scope: Scope, limits: Allowance, register: Register) -> None:
        self.elements, self.dimensions = limits.elements, limits.dimensions
        self.depth, self.prefix = limits.depth, limits.prefix
        self.headers = headers_of(scope)
        self.register = register
        self.arrived: float = scope.get("arrived") or perf_counter()
        self.more: list[tuple[bytes, bytes]] = []

    def check(self) -> None:
        """Raise where nobody waits any more."""
        if self.ended is None and self.end is not None and perf_counter() > self.end:
            self.ended = self.too_late()
        if self.ended is not None:
            raise self.ended

    def part(self) -> None:
        """Let go of where it was ended: those frames lead back here, and hold the body until a collection."""
        if self.ended is not None:
            self.ended.with_traceback(None)

    def begin(self) -> None:
        """The work begins, at once, if it may."""
        self.reading, self.begun = False, perf_counter()
        if self.ended is not None or (self.end is not None and self.begun > self.end):
            self.check()

    def too_late(self) -> HTTPException:
        """The error of a request whose time is up."""
        seconds = f"{(self.end or self.arrived) - self.arrived:.6f}".rstrip("0").rstrip(".")
        return HTTPException(504, f"no reply within {seconds} s ({self.patience})")

    def claim(self, elements: int) -> None:
        """Count the elements of one tensor among those in flight."""
        self.register.hold(self, elements=elements)

    def has(self, size: int) -> None:
        """Count what has come of a body, where it is more than was said."""
        if size > self.held_bytes:
            self.register.hold(self, size=size - self.held_bytes)

    def within(self, seconds: float, why: str) -> None:
        """Let so many seconds be the most that it may take; a shorter time that was said before stays."""
        end = self.arrived + seconds
        if self.end is None or end < self.end:
            self.end, self.patience = end, why

    async def on(self, workers: Executor, work: Callable[[], T]) -> T:
        """What comes out on a worker thread; when the time is up or the client leaves, the work is told to end."""
        self.reading = False
        self.register.start(self)
        self.work = future = workers.submit(copy_context().run, partial(self._begin, work))
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self.register.finish, self))
        done, gone = asyncio.wrap_future(future), asyncio.ensure_future(self._gone())
        left = None if self.end is None else max(self.end - perf_counter(), 0.0)
        try:
            await asyncio.wait((done, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise Gone if gone.done() else self.too_late()
            return done.result()
        except BaseException as error:
            self.ended = error if isinstance(error, Exception) else Gone()
            done.cancel()
            raise
        finally:
            gone.cancel()

    def _begin(self, work: Callable[[], T]) -> T:
        self.check()
        self.begun = perf_counter()
        return work()

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers of a request by name: the last of each, but those that are lists brought together."""
    headers = dict(scope["headers"])
    if len(headers) < len(scope["headers"]):
        for name in LISTS & headers.keys():
            headers[name] = b",".join(value for each, value in scope["headers"] if each == name)
    return headers


def current() -> Visit | None:
    """The request at hand, if there is one."""
    found = allowance.current()
    return found if type(found) is Visit else None


def seconds_of(said: bytes) -> float:
    """A number of seconds, as a header says it."""
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        text = said.decode("latin-1")[:40]
        raise ParameterError("X-Request-Timeout as a number of seconds above 0", repr(text))
    return seconds
