"""Starts uvicorn under the settings."""

import gc
import logging.config
import signal
from asyncio import TimerHandle
from time import perf_counter
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from lossapi import engine
from service.admission import counts
from service.logs import configuration, greet
from service.settings import Settings, choose_providers
from service.shared import shared
from service.turns import CLOSE, KEY, Headers, Turns

HEAD, INTERIM, END = b"HTTP/1.1 ", b"1", b"\r\n\r\n"
SHORT = 1 << 16
"""A longer part is not copied to join it."""


class Joined:
    """A transport that writes the head of a reply together with what follows it: one call of the system, not two.

    A head that nothing follows is written once the reply is complete; an interim one does not wait.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | memoryview) -> None:
        """Write, but for a head, which waits for what comes next."""
        if self._head and len(data) <= SHORT:
            data, self._head = self._head + data, b""
        elif self._head:
            self.flush()
        elif isinstance(data, bytes) and data.startswith(HEAD) and data.endswith(END) and data[9:10] != INTERIM:
            self._head = data
            return
        self._transport.write(data)

    def whole(self, reply: bytes) -> None:
        """Write a reply that is all there: nothing waits before it."""
        self._transport.write(reply)

    def flush(self) -> None:
        """Write a head that still waits."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Write what waits, then close."""
        self.flush()
        self._transport.close()


class OneWrite(HttpToolsProtocol):
    """uvicorn's protocol over such a transport; its requests take turns on the event loop, one of them at a time.

    A request takes its turn once all that came with its head is read.
    """

    asked: Any
    """The scope of the request that waits for its turn, or has its turn."""
    _cycle: RequestResponseCycle
    _app: Any
    _reads = _waits = False
    _idle_since: float | None = None
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected: uvicorn is given what does as its transport does."""
        engine.hush()  # in the context of the connection, which its requests inherit
        joined: Any = Joined(transport)
        super().connection_made(joined)
        self._joined: Joined = joined
        self.turns: Turns | None = self.app_state.get(KEY)

    def data_received(self, data: bytes) -> None:
        """Something has come, perhaps a request."""
        self._reads, self._idle_since = True, None
        super().data_received(data)
        self._reads = False
        if self._waits:
            self._wait()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request has come, and those before it on its connection are answered."""
        self._cycle, self._app, self._waits, self.asked = cycle, app, True, cycle.scope
        if not self._reads:
            self._wait()

    def _wait(self) -> None:
        self._waits = False
        if self.turns is None or not counts(self.asked):
            self.start()
        else:
            self.turns.take(self)

    def begin(self) -> None:
        """Have it answered: where it is all here and its client reads, it may be without a task."""
        cycle, desk = self._cycle, None if self.turns is None else self.turns.desk
        slow = cycle.more_body or cycle.waiting_for_100_continue or cycle.disconnected or self.flow.write_paused
        reply = None if slow or desk is None else desk.answer(self.asked, cycle.body)
        if reply is None:
            self.start()
        else:
            self.reply(*reply)

    def start(self) -> None:
        """Have the application answer it."""
        super()._start_asgi_task(self._cycle, self._app)

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer at once, as uvicorn does where an application has answered: what is still to come is not kept."""
        cycle, transport = self._cycle, self._joined
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.on_response = _nothing  # it leads back to the connection, which keeps it
        if not cycle.keep_alive or cycle.waiting_for_100_continue:
            headers = [*(each for each in headers if each != CLOSE), CLOSE]
        lines = map(b": ".join, (*self.server_state.default_headers, *headers))
        transport.whole(b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], b"\r\n".join(lines), body))
        if CLOSE in headers:
            transport.close()
        self._go_on()

    def on_response_complete(self) -> None:
        """A reply is complete: what waits is written."""
        self._joined.flush()
        self._go_on()

    def _go_on(self) -> None:
        """The next request, if it is here: as uvicorn has it, but for one timer a connection, not one a reply."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = perf_counter()
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def _look(self) -> None:
        """Close the connection where nothing has come for so long."""
        self._timer = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - perf_counter()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self.timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def on_message_begin(self) -> None:
        """A request begins to arrive: note when."""
        super().on_message_begin()
        scope: Any = self.scope
        scope["arrived"] = perf_counter()


def _nothing() -> None:
    """What a reply that is complete leads to."""


UVICORN: dict[str, Any] = {
    "http": OneWrite,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "timeout_worker_healthcheck": 30,
}
"""Its options that no setting changes: a worker that does not answer its parent for so long is replaced."""


def serve(settings: Settings) -> None:
    """Serve until stopped; each worker process makes its own app from the environment."""
    choose_providers(settings)
    logging.config.dictConfig(configuration(settings))
    greet(settings)
    # uvicorn sends itself the signal that stopped it once it has stopped: that is no failure.
    signal.signal(signal.SIGTERM, _stopped)
    if settings.workers == 1:
        gc.disable()  # until this process is warm: what it makes meanwhile stays
    with shared(settings.workers):
        uvicorn.run(
            "service.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_level=settings.log_level,
            log_config=configuration(settings),
            timeout_keep_alive=settings.keep_alive,
            timeout_graceful_shutdown=settings.grace,
            **UVICORN,
        )


def _stopped(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
