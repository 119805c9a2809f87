"""The head of a reply goes out with what follows it, and waits no longer than until the reply is complete."""

import socket
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from service.server import SHORT, Joined
from tests.service.live import serving

START = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Written:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.parts.append(bytes(data))

    def close(self) -> None:
        """Be closed."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether it is."""
        return self.closed


def after(*parts: bytes | memoryview, close: bool = False) -> list[bytes]:
    """What has been written once these parts were and the reply was complete."""
    written = Written()
    transport = Joined(written)
    for part in parts:
        transport.write(part)
    if close:
        transport.close()
        assert transport.is_closing()
    else:
        transport.flush()
    return written.parts


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ([START, b"body"], [START + b"body"]),
        ([START, b""], [START]),
        ([START, memoryview(b"view"), memoryview(b"another")], [START + b"view", b"another"]),
        ([START, b"one", b"two"], [START + b"one", b"two"]),
        ([START, b"1", START, b"2"], [START + b"1", START + b"2"]),
        ([START], [START]),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid"], [b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid"]),
    ],
)
def test_a_head_is_joined_by_what_follows(parts: list[bytes], written: list[bytes]) -> None:
    assert after(*parts) == written


def test_a_long_body_is_not_copied_to_be_joined() -> None:
    long = b"x" * (SHORT + 1)
    assert after(START, long) == [START, long]


def test_a_head_is_written_before_the_connection_closes() -> None:
    assert after(START, close=True) == [START]


def test_an_interim_head_does_not_wait() -> None:
    written = Written()
    Joined(written).write(CONTINUE)
    assert written.parts == [CONTINUE]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads what comes, and answers without a body."""
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


def test_replies_without_a_body_arrive_one_after_another() -> None:
    with serving(app) as client:
        assert [client.request(method, "/").status_code for method in ("HEAD", "GET", "HEAD")] == [200] * 3


def test_a_client_is_told_to_go_on_before_it_sends_its_body() -> None:
    with serving(app) as client, socket.create_connection((client.base_url.host, client.base_url.port or 0)) as opened:
        opened.settimeout(20)
        opened.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert opened.recv(100) == CONTINUE
        opened.sendall(b"x")
        assert opened.recv(15) == b"HTTP/1.1 200 OK"
