"""Requests take turns on the event loop: a few are begun in each, so that their replies go out before others come.

The loop reads whatever has come on all connections, and sends nothing until all that it then knows of is done. Begun
all at once, hundreds of requests would each take as long as all of them. Here they wait for their turn, first come,
first served; what waits too long in an overload is refused without being begun, for a fraction of what an answer costs.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from starlette.types import Scope

from service.admission import Admission, Full, Waiting

AT_ONCE = 4
"""Requests begun in one turn of the loop, as each turn costs a call of the system; one by one in an overload."""
MANY = 64
"""So many in a row that had to wait are no accident."""
KEY = "turns"
"""Where the server's state has them, for its protocol."""
REFUSED = "full"
"""Where the scope of a request that is begun to be refused has the reason."""
Headers = list[tuple[bytes, bytes]]
Refusal = tuple[Headers, bytes]
Refusing = Callable[[Scope, Full], Refusal | None]
"""What a request is refused with; nothing where the application is to say it."""


class Waiter(Protocol):
    """A request that has come, on its connection."""

    scope: Scope

    def begin(self) -> None:
        """Have it answered."""
        ...

    def turn_away(self, headers: Headers, body: bytes) -> None:
        """Have it refused so."""
        ...


class Turns:
    """Who is next on the event loop of one server process."""

    def __init__(self, admission: Admission, refusing: Refusing | None = None) -> None:
        self._admission, self.refusing = admission, refusing
        self._queue: deque[tuple[float, Waiter]] = deque()
        self._over: deque[Waiter] = deque()
        self._waiting = Waiting(MANY)
        self._begun, self._runs = 0, False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._queue)

    def take(self, waiter: Waiter) -> None:
        """Begin a request now, or when its turn has come; or refuse it then."""
        if not self._runs:
            self._runs = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._begun < AT_ONCE and not self._queue:
            self._begun += 1
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
        self._runs = bool(self._begun or self._queue or self._over)
        if self._runs:
            asyncio.get_running_loop().call_soon(self._turn)

    def _refuse(self, waiter: Waiter, full: Full) -> None:
        refusal = self.refusing and self.refusing(waiter.scope, full)
        if refusal is not None:
            waiter.turn_away(*refusal)
            return
        waiter.scope[REFUSED] = full
        waiter.begin()
