"""Starts uvicorn under the settings."""

import gc
import logging.config
import signal
from collections.abc import Callable
from functools import partial
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
from service.turns import KEY, Headers

HEAD, INTERIM, END = b"HTTP/1.1 ", b"1", b"\r\n\r\n"
CLOSE = (b"connection", b"close")
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

    def flush(self) -> None:
        """Write a head that still waits."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Write what waits, then close."""
        self.flush()
        self._transport.close()


class Come:
    """A request that waits for its turn on the event loop."""

    __slots__ = ("_connection", "_cycle", "begin", "scope")

    def __init__(self, connection: HttpToolsProtocol, cycle: RequestResponseCycle, begin: Callable[[], None]) -> None:
        self._connection, self._cycle = connection, cycle
        self.begin, self.scope = begin, cycle.scope

    def turn_away(self, headers: Headers, body: bytes) -> None:
        """Answer 503 at once, as uvicorn does where an application has answered: what is still to come is not kept."""
        cycle, connection = self._cycle, self._connection
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.keep_alive = cycle.keep_alive and not cycle.waiting_for_100_continue
        last = () if cycle.keep_alive else (CLOSE,)
        lines = [b"%b: %b\r\n" % each for each in (*connection.server_state.default_headers, *headers, *last)]
        connection.transport.write(b"".join((STATUS_LINE[503], *lines, b"\r\n", body)))
        if last:
            connection.transport.close()
        cycle.on_response()


class OneWrite(HttpToolsProtocol):
    """uvicorn's protocol over such a transport."""

    def connection_made(self, transport: Any) -> None:
        """A client has connected: uvicorn is given what does as its transport does."""
        engine.hush()  # in the context of the connection, which its requests inherit
        joined: Any = Joined(transport)
        super().connection_made(joined)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """A request has come, and those before it on its connection are answered: it may have to wait for its turn."""
        begin, turns = partial(super()._start_asgi_task, cycle, app), self.app_state.get(KEY)
        if turns is None or not counts(cycle.scope):
            begin()
        else:
            turns.take(Come(self, cycle, begin))

    def on_response_complete(self) -> None:
        """A reply is complete: what waits is written."""
        transport: Any = self.transport
        transport.flush()
        super().on_response_complete()

    def on_message_begin(self) -> None:
        """A request begins to arrive: note when."""
        super().on_message_begin()
        scope: Any = self.scope
        scope["arrived"] = perf_counter()


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
