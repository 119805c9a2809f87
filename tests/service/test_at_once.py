"""Small requests that are all here are answered without a task; whatever else may happen to them is as ever."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest

from service.app import create_app
from service.server import OneWrite
from service.settings import Settings
from service.visit import Visit
from tests.service.live import serving
from tests.service.test_seeing import counted
from tests.service.test_turns import read

PATH = "/v1/losses/huber"


def request(target: list[float], *, version: str = "1.1", more: str = "") -> bytes:
    """A request whose answer tells which one it is."""
    body = orjson.dumps({"prediction": [0.0] * len(target), "target": target})
    head = f"POST {PATH} HTTP/{version}\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@contextmanager
def connected(client: httpx.Client) -> Iterator[socket.socket]:
    """A connection of one's own."""
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=20) as line:
        yield line


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A server in this process."""
    with serving(create_app()) as client:
        yield client


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests for which there was a task."""
    seen: list[str] = []
    start = OneWrite.start

    def noted(self: OneWrite) -> None:
        seen.append(self.asked["path"])
        start(self)

    monkeypatch.setattr(OneWrite, "start", noted)
    return seen


def test_a_small_request_takes_no_task(client: httpx.Client, tasks: list[str]) -> None:
    with connected(client) as line:
        line.sendall(request([4.0]))
        assert read(line).json()["value"] == 3.5
    assert tasks == []


def test_what_went_wrong_is_told_with_its_id_and_counted_once(client: httpx.Client, tasks: list[str]) -> None:
    labels = {"route": "/v1/losses/{name}", "status": "422", "codec": "json"}
    before = counted(client, "lossapi_request_seconds_count", **labels)
    reply = client.post(PATH, json={"prediction": [0.0], "target": [0.0, 1.0]}, headers={"X-Request-Id": "mine"})
    assert (reply.status_code, reply.json()["request_id"], reply.headers["x-request-id"]) == (422, "mine", "mine")
    assert tasks.count(PATH) == 1
    assert counted(client, "lossapi_request_seconds_count", **labels) == before + 1


def test_a_body_over_the_limit_is_not_answered_at_once() -> None:
    with serving(create_app(Settings(body_bytes=40))) as client, connected(client) as line:
        line.sendall(request([4.0]))
        assert read(line).json()["count"] == 1
        line.sendall(request([4.0, 1.0]))
        assert read(line).json()["code"] == "limit"


def test_a_request_that_went_wrong_was_let_in_once() -> None:
    app: Any = create_app()
    with serving(app) as client:
        entered: list[bytes] = []
        enter = app.admission.enter

        def noted(visit: Visit) -> None:
            entered.append(visit.identity)
            enter(visit)

        app.admission.enter = noted
        assert client.post(PATH, json={"prediction": "x", "target": [0.0]}).status_code == 422
        assert len(entered) == 1
        assert not app.admission.inside


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_a_request_may_come_in_parts(client: httpx.Client, tasks: list[str], parts: int) -> None:
    whole = request([4.0])
    size = -(-len(whole) // parts)
    with connected(client) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), size):
            line.sendall(whole[start : start + size])
            time.sleep(0.02)
        assert read(line).json()["value"] == 3.5


def test_requests_that_come_together_are_answered_in_their_order(client: httpx.Client) -> None:
    many = [1.0 + place for place in range(40)]
    with connected(client) as line:
        line.sendall(b"".join(request([each]) for each in many))
        received = b""
        while received.count(b'"value"') < len(many):
            received += line.recv(65536)
    values = [float(each.partition(b",")[0]) for each in received.split(b'"value":')[1:]]
    assert values == [each - 0.5 for each in many]


def test_one_that_takes_a_task_does_not_overtake(client: httpx.Client) -> None:
    large = [4.0] * 40_000
    with connected(client) as line:
        line.sendall(request(large) + request([9.0]) + b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while b'"status"' not in received:
            received += line.recv(65536)
    assert received.index(b'"value":3.5') < received.index(b'"value":8.5') < received.index(b'"status"')


@pytest.mark.parametrize(("version", "more"), [("1.0", ""), ("1.1", "Connection: close\r\n")])
def test_the_connection_is_closed_where_the_client_wants_it(client: httpx.Client, version: str, more: str) -> None:
    with connected(client) as line:
        line.sendall(request([4.0], version=version, more=more))
        assert read(line).headers["connection"] == "close"
        assert line.recv(1) == b""


def test_an_idle_connection_is_closed_and_one_that_sends_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made = OneWrite.connection_made

    def hasty(self: OneWrite, transport: Any) -> None:
        made(self, transport)
        self.timeout_keep_alive = 1

    monkeypatch.setattr(OneWrite, "connection_made", hasty)
    with serving(create_app(Settings())) as client, connected(client) as idle, connected(client) as slow:
        for line in (idle, slow):
            line.sendall(request([4.0]))
            assert read(line).json()["value"] == 3.5
        begun = request([5.0])
        slow.sendall(begun[:20])
        assert idle.recv(1) == b""
        time.sleep(0.5)
        slow.sendall(begun[20:])
        assert read(slow).json()["value"] == 4.5


def test_the_connection_is_closed_once_the_server_drains() -> None:
    app: Any = create_app()
    with serving(app) as client, connected(client) as line:
        line.sendall(request([4.0]))
        assert "connection" not in read(line).headers
        app.life.draining = True
        line.sendall(request([5.0]))
        received = b""
        while part := line.recv(65536):
            received += part
    assert received.lower().count(b"connection: close") == 1
    assert b'"value":4.5' in received


def test_what_follows_that_is_no_request_harms_nobody(client: httpx.Client) -> None:
    with connected(client) as line, connected(client) as other:
        line.sendall(request([4.0]) + b"no request\r\n\r\n")
        assert line.recv(65536)
        other.sendall(request([5.0]))
        assert read(other).json()["value"] == 4.5
