"""Who is let in: what is too much is refused at once, what takes too long ends, who leaves frees the place."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from starlette.exceptions import HTTPException

from lossapi import chunks, engine
from lossapi.allowance import ALLOWANCE, UNBOUNDED, Allowance
from lossapi.codecs import CODECS
from service.admission import CALM, MOMENT, Admission, Full, Waiting
from service.app import create_app
from service.settings import Settings
from service.visit import Gone, Visit
from tests.service.live import serving

HUBER = orjson.dumps({"prediction": [0.0, 3.0], "target": [0.0, 0.0]})
PATH = "/v1/losses/huber"
SAFETENSORS = "application/vnd.safetensors"


class Limited:
    """A server under some settings: its client, and what it has in flight."""

    def __init__(self, client: httpx.Client, app: Any) -> None:
        self.client = client
        self.app = app
        self.admission: Admission = app.admission

    @contextmanager
    def open(self, head: str, body: bytes = b"") -> Iterator[socket.socket]:
        """A client that has sent this much of a request."""
        address = (self.client.base_url.host, self.client.base_url.port or 0)
        with socket.create_connection(address, timeout=20) as opened:
            opened.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode() + body)
            yield opened

    def ask(self, **headers: str) -> httpx.Response:
        """One small request."""
        return self.client.post(PATH, content=HUBER, headers=headers)


@contextmanager
def limited(**settings: Any) -> Iterator[Limited]:
    """A server under these settings."""
    app: Any = create_app(Settings.model_validate(settings))
    with serving(app) as client:
        yield Limited(client, app)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which it soon does."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def refused(reply: httpx.Response, setting: str) -> None:
    """A 503 that says when to come again, and which setting is the limit."""
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert f"setting LOSSAPI_{setting}" in reply.json()["detail"]


def test_requests_in_flight_are_limited_and_health_never_waits() -> None:
    with limited(requests_in_flight=1) as server:
        with server.open(f"Content-Length: {len(HUBER)}", HUBER[:5]) as slow:
            until(lambda: len(server.admission.inside) == 1)
            refused(server.ask(), "REQUESTS_IN_FLIGHT")
            for path in ("/health/live", "/health/ready", "/metrics", "/v2/health/ready"):
                assert server.client.get(path).status_code == 200
            slow.sendall(HUBER[5:])
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
        until(lambda: not server.admission.inside)
        assert server.ask().status_code == 200


def test_bytes_in_flight_are_counted_as_declared_and_freed_by_who_leaves() -> None:
    with limited(bytes_in_flight=300_000, body_bytes=200_000) as server:
        with server.open("Content-Length: 199999"):
            until(lambda: server.admission.bytes == 199_999)
            refused(server.client.post(PATH, content=b" " * 150_000), "BYTES_IN_FLIGHT")
            assert server.ask().status_code == 200
        until(lambda: server.admission.bytes == 0)
        assert server.client.post(PATH, content=b" " * 150_000).status_code == 400


def test_bytes_that_were_not_declared_are_counted_as_they_come() -> None:
    with limited(bytes_in_flight=300_000, body_bytes=200_000) as server, server.open("Content-Length: 199999"):
        until(lambda: server.admission.bytes == 199_999)
        refused(server.client.post(PATH, content=(b" " * 2**14 for _ in range(10))), "BYTES_IN_FLIGHT")
        until(lambda: server.admission.bytes == 199_999)


def test_elements_in_flight_are_counted_before_they_are_read() -> None:
    with limited(elements_in_flight=100_000) as server:
        other = Visit({"headers": []}, UNBOUNDED, server.admission)
        server.admission.hold(other, elements=60_000)
        body = CODECS[SAFETENSORS].encode(
            {name: np.zeros(50_000, np.float32) for name in ("prediction", "target")}, "string", "base64"
        )
        headers = {"Content-Type": SAFETENSORS}
        refused(server.client.post(PATH, content=body, headers=headers), "ELEMENTS_IN_FLIGHT")
        server.admission.leave(other)
        until(lambda: server.admission.elements == 0)
        assert server.client.post(PATH, content=body, headers=headers).status_code == 200


def test_the_queue_of_the_worker_threads_is_bounded() -> None:
    admission = Admission(Settings(queue=1), threads=1)
    visit = Visit({"headers": []}, UNBOUNDED, admission)
    admission.start(visit)
    admission.start(visit)
    with pytest.raises(Full, match="LOSSAPI_QUEUE"):
        admission.start(visit)
    admission.finish(visit)
    admission.start(visit)


def test_waiting_that_does_not_cease_is_an_overload_until_it_ceases() -> None:
    waiting, start = Waiting(2), time.perf_counter()
    assert not waiting.saw(start + 1, waiting=False)
    steps = [
        (0.2, True, False),
        (0.3, True, False),
        (0.4, True, False),
        (1.5, True, True),
        (1.6, False, False),
        (1.7, True, True),
        (1.6 + CALM / MOMENT, False, False),
        (1.6 + CALM / MOMENT, True, True),
        (1.7 + 2 * CALM / MOMENT, False, False),
        (2.9 + 2 * CALM / MOMENT, True, False),
        (3.0 + 2 * CALM / MOMENT, True, False),
    ]
    for moments, waits, overload in steps:
        assert waiting.saw(start + 1 + moments * MOMENT, waiting=waits) is overload, moments


def test_a_client_that_sends_too_slowly_is_a_504() -> None:
    with limited() as server:
        with server.open("X-Request-Timeout: 0.3\r\nContent-Length: 200000") as slow:
            assert slow.recv(12) == b"HTTP/1.1 504"
        until(lambda: server.admission.bytes == 0)


@pytest.mark.parametrize("limit", [{"deadline": 0.000_001}, {"deadline": 60.0}])
def test_a_request_past_its_time_is_a_504(limit: dict[str, float]) -> None:
    with limited(**limit) as server:
        reply = server.ask(**({"X-Request-Timeout": "0.000001"} if limit["deadline"] > 1 else {}))
        assert reply.status_code == 504
        named = "header X-Request-Timeout" if limit["deadline"] > 1 else "setting LOSSAPI_DEADLINE"
        assert f"no reply within 0.000001 s ({named})" in reply.json()["detail"]


@pytest.mark.parametrize("said", ["", "soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_none_is_a_422(client: httpx.Client, said: str) -> None:
    reply = client.post(PATH, content=HUBER, headers={"X-Request-Timeout": said})
    assert (reply.status_code, "X-Request-Timeout" in reply.json()["detail"]) == (422, True)


def test_memory_that_there_is_not_is_a_503() -> None:
    with limited() as server:

        def spent(*arguments: Any) -> bytes:
            raise MemoryError

        app: Any = server.app
        app.computing.answers[PATH] = spent
        reply = server.ask()
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert "memory" in reply.json()["detail"]


class Counted(Allowance):
    """An allowance that ends at the fourth chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def check(self) -> None:
        """Count."""
        self.seen += 1
        if self.seen > 3:
            raise Gone


@pytest.mark.parametrize("returns", [("value",), ("value", "gradient")])
def test_work_ends_between_chunks(returns: tuple[str, ...]) -> None:
    allowance = Counted()
    token = ALLOWANCE.set(allowance)
    try:
        tensors = {name: np.zeros(chunks.CHUNK * 10) for name in ("prediction", "target")}
        with pytest.raises(Gone):
            engine.compute("huber", tensors, returns=returns, threads=1, backend="numpy")
    finally:
        ALLOWANCE.reset(token)
    assert allowance.seen == 4


def test_who_leaves_ends_the_work_and_frees_the_place() -> None:
    body = b" " * 100_000
    with limited() as server:

        def endless(*arguments: Any) -> bytes:
            while True:
                ALLOWANCE.get().check()
                time.sleep(0.001)

        app: Any = server.app
        app.computing.answers[PATH] = endless
        with server.open(f"Content-Length: {len(body)}", body):
            until(lambda: server.admission.working == 1)
        until(lambda: server.admission.working == 0)
        until(lambda: (server.admission.bytes, server.admission.elements) == (0, 0))
        assert not server.admission.inside


def test_an_error_that_ended_a_request_leads_back_to_it_no_longer() -> None:
    admission = Admission(Settings(), threads=1)
    visit = Visit({"headers": []}, UNBOUNDED, admission)
    visit.within(1e-9, "a test")
    with pytest.raises(HTTPException) as raised:
        visit.check()
    assert raised.value.__traceback__ is not None
    admission.start(visit)
    admission.finish(visit)
    assert visit.ended is raised.value
    assert raised.value.__traceback__ is None
