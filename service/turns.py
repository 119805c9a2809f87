"""Requests take turns on the event loop: a few are begun in each, so that their replies go out before others come.

The loop reads whatever has come on all connections, and sends nothing until all that it then knows of is done. Begun
all at once, hundreds of requests would each take as long as all of them. Here they wait for their turn, first come,
first served; what waits too long in an overload is refused without being begun, for a fraction of what an answer costs.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

from starlette.types import Scope

from service.admission import Admission, Full, Waiting

AT_ONCE = 4
"""Requests begun in one turn of the loop, as each turn costs a call of the system; one by one in an overload.

Where fewer come in each, they count over several, as looking after every turn would cost a call of its own.
"""
MANY = 64
"""So many in a row that had to wait are no accident."""
KEY = "turns"
"""Where the server's state has them, for its protocol."""
REFUSED = "refused"
"""Where the scope of a request that is begun to be refused has the reason."""
Headers = list[tuple[bytes, bytes]]
CLOSE = (b"connection", b"close")
"""The header of a reply after which the connection is closed."""
Reply = tuple[int, Headers, bytes]
"""A status, headers and a body: all of a reply."""


class Desk(Protocol):
    """What answers in the name of the application, without a task; nothing where that is to do it."""

    def answer(self, scope: Scope, body: bytearray) -> Reply | None:
        """The reply to a request that is all here."""
        ...

    def turn_away(self, scope: Scope, full: Full) -> Reply | None:
        """What a request is refused with."""
        ...


class Waiter(Protocol):
    """A connection on which a request has come."""

    @property
    def asked(self) -> Scope:
        """What is known of it."""
        ...

    def begin(self) -> None:
        """Have it answered."""
        ...

    def start(self) -> None:
        """Have the application answer it."""
        ...

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Have it answered so."""
        ...


class Turns:
    """Who is next on the event loop of one server process."""

    def __init__(self, admission: Admission, desk: Desk | None = None) -> None:
        self._admission, self.desk = admission, desk
        self._queue: deque[tuple[float, Waiter]] = deque()
        self._over: deque[Waiter] = deque()
        self._waiting = Waiting(MANY)
        self._begun = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._queue)

    def take(self, waiter: Waiter) -> None:
        """Begin a request now, or when its turn has come; or refuse it then."""
        if self._begun < AT_ONCE and not self._queue:
            self._begun += 1
            if self._begun == AT_ONCE:
                asyncio.get_running_loop().call_soon(self._turn)
            self._waiting.saw(perf_counter(), waiting=False)
            waiter.begin()
        elif len(self._queue) + len(self._admission.inside) < self._admission.most_requests:
            self._queue.append((perf_counter(), waiter))
        else:
            self._over.append(waiter)

    def _turn(self) -> None:
        """Those who come first are begun; a refusal may make its connection's next request wait here in turn."""
        self._begun, now = 0, perf_counter()
        most = 1 if self._waiting.overload else AT_ONCE
        for _ in range(len(self._over)):
            self._refuse(self._over.popleft(), self._admission.too_many())
        for _ in range(len(self._queue)):
            came, waiter = self._queue[0]
            waited = now - came > self._admission.lag
            if self._begun >= most and not (waited and self._waiting.overload):
                break
            self._queue.popleft()
            if self._waiting.saw(now, waiting=waited):
                self._refuse(waiter, Full("lag", "more requests come than are answered"))
            else:
                self._begun += 1
                waiter.begin()
        if self._begun == AT_ONCE or self._queue or self._over:
            asyncio.get_running_loop().call_soon(self._turn)

    def _refuse(self, waiter: Waiter, full: Full) -> None:
        reply = None if self.desk is None else self.desk.turn_away(waiter.asked, full)
        if reply is not None:
            waiter.reply(*reply)
            return
        waiter.asked[REFUSED] = full
        waiter.start()
