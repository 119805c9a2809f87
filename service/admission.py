"""Who may come in: requests, bytes and elements in flight are counted, and what is too much is refused at once.

A burst may wait in the queue of the worker threads. Where waiting has not ceased for a moment, the server is
overloaded: then it lets in only what needs not wait, so that what is answered is answered about as soon as ever.
"""

import asyncio
from threading import Lock
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import Scope

from service.settings import Settings, variable
from service.visit import TIMEOUT, Visit, seconds_of

MOMENT = 0.1
"""Seconds of waiting that are a burst; more are an overload."""
CALM = 1.0
"""Seconds without waiting after which an overload is over; one that ceased for less would let in a burst each time."""
TURNS = 2
"""Large requests to a thread that are not many: the last of them waits for one."""
LATELY = 8
"""So many requests that took a time are what one takes lately."""
SMALL = 5
"""Digits of a length that is not worth counting."""
DEADLINE = f"setting {variable('deadline')}"
SOON = 1.0
"""Seconds in which a body comes that is to be work soon."""
TICK = 0.25
"""Seconds from one look at the clients that are slow to send to the next."""
RETRY = {"Retry-After": "1"}


class Full(HTTPException):
    """Too much is in flight; the same request may be let in a little later."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(503, f"{detail}; try again", RETRY)
        self.reason = reason


def counts(scope: Scope) -> bool:
    """Whether a request is let in only where there is room: health, numbers and documents always are."""
    return bool(scope["method"] == "POST" or scope["path"].startswith("/v1/"))


class Waiting:
    """Whether waiting has become a habit: it has when so many in a row had to, for a moment or longer.

    It has ceased when none has to for longer.
    """

    __slots__ = ("_free", "_many", "_row", "_waited", "overload")

    def __init__(self, many: int) -> None:
        self.overload = False
        self._many, self._row = many, 0
        self._free = self._waited = perf_counter()

    def saw(self, now: float, *, waiting: bool) -> bool:
        """Note whether one more has to wait; tells whether it would wait in an overload."""
        if waiting:
            self._waited = now
            self._row += 1
            self.overload = self.overload or (self._row > self._many and now - self._free > MOMENT)
            return self.overload
        self._free, self._row = now, 0
        self.overload = self.overload and now - self._waited <= CALM
        return False


class Admission:
    """What is in flight in one server process, and how much may be."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self.settings = settings
        self.threads = threads
        self.deadline, self.lag = settings.deadline, settings.lag
        self.most_requests = settings.requests_in_flight
        self.inside: set[Visit] = set()
        self.coming: dict[Visit, float] = {}
        self.bytes = self.elements = self.working = 0
        self.waited = self._took = 0.0
        self._queue, self._lock = Waiting(8), Lock()
        self._looks = False

    def enter(self, visit: Visit) -> None:
        """Let a request in, with as many bytes as it says that it brings; or refuse it before one is read."""
        if self.deadline:
            visit.end, visit.patience = visit.arrived + self.deadline, DEADLINE
        if TIMEOUT in visit.headers:
            visit.within(seconds_of(visit.headers[TIMEOUT]), "header X-Request-Timeout")
        if len(self.inside) >= self.most_requests:
            raise self.too_many()
        said = visit.headers.get(b"content-length", b"")
        if len(said) > SMALL and said.isdigit():
            self._require_place(visit)
            self.hold(visit, size=int(said))
            self.coming[visit] = perf_counter()
        self.inside.add(visit)
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(TICK, self._look)

    def too_many(self) -> Full:
        """The refusal of one request more than may be in flight."""
        return Full("requests", over("requests_in_flight", self.most_requests, "requests"))

    def leave(self, visit: Visit) -> None:
        """Let a request go; what its work still holds is given back when that has ended."""
        self.inside.discard(visit)
        self.coming.pop(visit, None)
        visit.task = None  # a task leads back to its visit: nothing but a collection would free them
        if (visit.held_bytes or visit.held_elements) and (visit.work is None or visit.work.done()):
            self._release(visit)

    def hold(self, visit: Visit, *, size: int = 0, elements: int = 0) -> None:
        """Count bytes and elements; one request is let in with all it brings where there is no other."""
        most_bytes, most_elements = self.settings.bytes_in_flight, self.settings.elements_in_flight
        with self._lock:
            if size and self.bytes + size > most_bytes and self.bytes > visit.held_bytes:
                raise Full("bytes", over("bytes_in_flight", most_bytes, "bytes"))
            if elements and self.elements + elements > most_elements and self.elements > visit.held_elements:
                raise Full("elements", over("elements_in_flight", most_elements, "elements"))
            self.bytes += size
            self.elements += elements
        visit.held_bytes += size
        visit.held_elements += elements

    def _look(self) -> None:
        """Cancel what is not at work when the time is up, as a client that is slow to send: timers would cost more."""
        now = perf_counter()
        for visit in list(self.inside):
            if visit.reading and visit.end is not None and now > visit.end and visit.task is not None:
                visit.ended = visit.too_late()
                visit.task.cancel()
        self._looks = bool(self.inside)
        if self._looks:
            asyncio.get_running_loop().call_later(TICK, self._look)

    def start(self, visit: Visit) -> None:
        """A place on the worker threads, or in their queue."""
        self._require_place(visit)
        self.coming.pop(visit, None)
        visit.queued = perf_counter()
        self.working += 1

    def finish(self, visit: Visit) -> None:
        """The place is free; what was kept for work that went on after its request had left is given back."""
        self.working -= 1
        self.waited = max(visit.begun - visit.queued, 0.0)
        visit.work = None  # which leads back to it too, and holds the reply
        self._took += (max(perf_counter() - visit.begun, 0.0) * bool(visit.begun) - self._took) / LATELY
        if visit not in self.inside:
            self._release(visit)
            visit.part()

    def _require_place(self, visit: Visit) -> None:
        """A body that comes fast will be work soon; one that comes slowly keeps nobody out."""
        if visit not in self.coming:
            now = perf_counter()
            soon = sum(now - since < SOON for since in self.coming.values())
            turns = (self.working + soon) / self.threads
            wait = max(self.waited, turns * self._took)
            if self._queue.saw(now, waiting=turns >= TURNS and wait > self.lag):
                raise Full("overload", "more work comes than is done")
        if self.working >= self.threads + self.settings.queue:
            raise Full("queue", over("queue", self.settings.queue, "requests that wait"))

    def _release(self, visit: Visit) -> None:
        with self._lock:
            self.bytes -= visit.held_bytes
            self.elements -= visit.held_elements
        visit.held_bytes = visit.held_elements = 0


def over(setting: str, most: int, what: str) -> str:
    """How much is too much, and the setting that says so."""
    return f"{most} {what} are in flight (setting {variable(setting)})"
