"""From the start to the end of a server process: warm before it is ready, ready until it is told to stop, then drained.

On SIGTERM it says that it is not ready, goes on answering for a while with `Connection: close`, so that whoever sends
requests here finds another place, and then stops as uvicorn does: nothing new, what is in flight to its end.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from starlette.exceptions import HTTPException

from service.admission import Admission
from service.metrics import measure
from service.settings import Settings
from service.tally import OFTEN, Tally, leave
from service.warmth import Warmth

AGAIN = {"Retry-After": "1"}


class Life:
    """Where a server process stands."""

    def __init__(self, settings: Settings, tally: Tally, admission: Admission) -> None:
        self.delay = settings.drain_delay
        self.tally, self.admission = tally, admission
        self.warm = self.draining = False

    @property
    def ready(self) -> bool:
        """Whether requests are to be sent here."""
        return self.warm and not self.draining

    def require_ready(self) -> None:
        """Say that they are not."""
        if not self.ready:
            raise HTTPException(503, "about to stop" if self.draining else "about to start", AGAIN)

    @asynccontextmanager
    async def span(self, app: Any) -> AsyncIterator[None]:
        """What the server runs within."""
        warmth = await asyncio.to_thread(Warmth.of_process)
        self.warm = True
        before, tasks = self._listen(), [asyncio.create_task(each) for each in (self._tell(), warmth.rise())]
        yield
        for each in tasks:
            each.cancel()
        leave(self.tally)
        if before is not None:
            signal.signal(signal.SIGTERM, before)

    async def _tell(self) -> None:
        """Leave the numbers of this worker to the others, now and then."""
        while True:
            measure(self.tally, self.admission)
            leave(self.tally)
            await asyncio.sleep(OFTEN)

    def _listen(self) -> Callable[[int, FrameType | None], Any] | None:
        """Drain on SIGTERM, then do what was done before."""
        before = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(before):
            return None
        stop, loop = before, asyncio.get_running_loop()

        def drain(number: int, frame: FrameType | None) -> None:
            if self.draining:
                stop(number, frame)
                return
            self.draining = True
            loop.call_soon_threadsafe(loop.call_later, self.delay, stop, number, frame)

        signal.signal(signal.SIGTERM, drain)
        return before
