"""Requests take turns on the event loop: a few in each, first come, first served; who is late is refused."""

import asyncio
import socket
import time
from contextlib import ExitStack
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Scope

from service.admission import MOMENT, Admission, Full
from service.app import create_app
from service.settings import Settings
from service.turns import AT_ONCE, MANY, REFUSED, Reply, Turns
from tests.service.live import serving
from tests.service.test_seeing import counted

PATH = "/v1/losses/huber"
BODY = orjson.dumps({"prediction": [0.0, 3.0], "target": [0.0, 0.0]})


class Asked:
    """A request that notes what becomes of it."""

    def __init__(self, number: int, noted: list[tuple[str, int]], takes: float = 0.0) -> None:
        self.asked: Scope = {}
        self._number, self._noted, self._takes = number, noted, takes

    def begin(self) -> None:
        """Be answered."""
        time.sleep(self._takes)
        self._noted.append(("begun", self._number))

    def start(self) -> None:
        """Be answered by the application."""
        self._noted.append((f"left {self.asked[REFUSED]}", self._number))

    def reply(self, status: int, headers: Any, body: bytes) -> None:
        """Be refused."""
        self._noted.append((body.decode(), self._number))


class Telling:
    """Refuses by the reason alone, or leaves it to the application."""

    def __init__(self, *, tells: bool = True) -> None:
        self._tells = tells

    def answer(self, scope: Scope, body: bytearray) -> Reply | None:
        """Nothing."""

    def turn_away(self, scope: Scope, full: Full) -> Reply | None:
        """The reason."""
        return (503, [], full.reason.encode()) if self._tells else None


def taken(count: int, takes: float = 0.0, *, tells: bool = True, **settings: Any) -> list[list[tuple[str, int]]]:
    """What becomes of so many requests that come at once, turn by turn."""

    async def take() -> list[list[tuple[str, int]]]:
        noted: list[tuple[str, int]] = []
        turns = Turns(Admission(Settings.model_validate(settings), 1), Telling(tells=tells))
        for number in range(count):
            turns.take(Asked(number, noted, takes))
        each = []
        while noted:
            each.append(noted.copy())
            noted.clear()
            await asyncio.sleep(0)
        assert not len(turns)
        return each

    return asyncio.run(take())


def test_a_few_begin_in_each_turn_first_come_first_served() -> None:
    turns = taken(3 * AT_ONCE + 1)
    assert [len(each) for each in turns] == [AT_ONCE, AT_ONCE, AT_ONCE, 1]
    assert [each for turn in turns for each in turn] == [("begun", number) for number in range(3 * AT_ONCE + 1)]


def test_more_than_may_be_in_flight_are_refused_in_the_next_turn() -> None:
    first, second, *_ = taken(AT_ONCE + 7, requests_in_flight=5)
    assert first == [("begun", number) for number in range(AT_ONCE)]
    assert second[:2] == [("requests", AT_ONCE + 5), ("requests", AT_ONCE + 6)]


def test_who_is_late_is_refused_once_so_many_in_a_row_were() -> None:
    fates = [each for turn in taken(AT_ONCE + MANY + 9, takes=2 * MOMENT / AT_ONCE / 8, lag=1e-9) for each in turn]
    assert fates[: AT_ONCE + MANY] == [("begun", number) for number in range(AT_ONCE + MANY)]
    assert fates[AT_ONCE + MANY :] == [("lag", number) for number in range(AT_ONCE + MANY, AT_ONCE + MANY + 9)]


def test_nobody_is_late_within_the_lag() -> None:
    assert {
        fate for turn in taken(AT_ONCE + MANY + 9, takes=2 * MOMENT / AT_ONCE / 8, lag=1000.0) for fate, _ in turn
    } == {"begun"}


def test_a_refusal_may_be_left_to_the_application() -> None:
    turns = taken(AT_ONCE + 6, tells=False, requests_in_flight=5)
    assert turns[1][0][0].startswith("left 503: 5 requests are in flight")


@pytest.mark.parametrize("settings", [{}, {"access_log": True}, {"cors_origins": "https://example.org"}])
def test_refusals_of_an_overload_are_whole_replies_on_connections_that_stay(settings: dict[str, Any]) -> None:
    app: Any = create_app(Settings.model_validate({"lag": 1e-6, **settings}))
    gate: Any = app.app if settings.get("cors_origins") else app
    answer = gate.computing.answers[PATH]

    def slow(*arguments: Any) -> bytes:
        time.sleep(0.004)
        return bytes(answer(*arguments))

    gate.computing.answers[PATH] = slow
    head = f'POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\nX-Request-Id: a"b\r\n\r\n'
    with serving(app) as client, ExitStack() as opened:
        address = (client.base_url.host, client.base_url.port or 0)
        lines = [opened.enter_context(socket.create_connection(address, timeout=20)) for _ in range(2 * MANY)]
        statuses = [0]
        for _ in range(3):
            for line in lines:
                line.sendall(head.encode() + BODY)
            replies = [read(line) for line in lines]
            statuses += [reply.status_code for reply in replies]
        refused = [reply for reply in replies if reply.status_code == 503]
        assert refused
        assert statuses.count(200) + statuses.count(503) == 6 * MANY
        for reply in refused:
            assert (reply.headers["retry-after"], reply.headers["x-request-id"]) == ("1", 'a"b')
            assert (reply.json()["code"], reply.json()["request_id"]) == ("service_unavailable", 'a"b')
            assert "more requests come than are answered" in reply.json()["detail"]
        assert counted(client, "lossapi_rejections_total", reason="lag") == statuses.count(503)


def read(line: socket.socket) -> httpx.Response:
    """One reply."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(each.split(": ", 1) for each in rest)
    while len(body) < int(headers["content-length"]):
        body += line.recv(65536)
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)
