"""The head of a reply goes out with what follows it, and never waits longer than a turn of the loop."""

import asyncio
from typing import Any

import pytest

from service.server import SHORT, Joined

START = b"HTTP/1.1 200 OK\r\n\r\n"


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
    """What has been written once these parts were and the loop took a turn."""

    async def write() -> list[bytes]:
        written = Written()
        transport = Joined(written)
        for part in parts:
            transport.write(part)
        if close:
            transport.close()
            assert transport.is_closing()
        else:
            await asyncio.sleep(0)
        return written.parts

    return asyncio.run(write())


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
