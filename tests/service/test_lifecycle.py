"""From start to end, with real processes: warm, then ready, drained before it stops, replaced without a failure."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lossapi import registry
from service.app import create_app
from service.warmth import Warmth
from tests.service.live import serving
from tests.test_command import wait_for

ROOT = Path(__file__).parent.parent.parent
HUBER = {"prediction": [0.0, 3.0], "target": [0.0, 0.0]}
PATH = "/v1/losses/huber"

PAUSE = 0.02
"""Between two requests of a client: asking without one, clients keep the processors from whatever is to start."""

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for the workers")


class Server:
    """A server process, and where it listens."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.base = f"http://127.0.0.1:{port}"

    def workers(self) -> set[int]:
        """The processes that answer."""
        found = set()
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = each.read_text().rpartition(")")[2].split()
                command = each.with_name("cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and b"spawn_main" in command:
                found.add(int(each.parent.name))
        return found


@contextmanager
def started(**settings: Any) -> Iterator[Server]:
    """A server under some settings; it is told to stop in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {f"LOSSAPI_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "lossapi", "serve", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **told}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield Server(process, port)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


class Asking(threading.Thread):
    """A client that asks on and on; what was refused before it was begun is asked again, as any client would."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.answered = 0
        self.failed: list[str] = []
        self.broken: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        """Ask until it is enough."""
        with httpx.Client(base_url=self.base, timeout=30) as client:
            while not self.enough.wait(PAUSE):
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        for again in (True, True, False):
            try:
                reply = client.post(PATH, json=HUBER)
            except httpx.TransportError as error:
                self.broken.append(repr(error))
                if not again:
                    self.failed.append(repr(error))
                continue
            if reply.status_code == 200:
                self.answered += 1
            else:
                self.failed.append(reply.text)
            return


@contextmanager
def asking(base: str) -> Iterator[list[Asking]]:
    """Some clients that ask meanwhile."""
    clients = [Asking(base) for _ in range(3)]
    for each in clients:
        each.start()
    try:
        yield clients
    finally:
        for each in clients:
            each.enough.set()
            each.join()


def until(holds: Any, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_is_ready_only_once_warm_and_not_while_it_drains() -> None:
    app: Any = create_app()
    with serving(app) as client:
        for warm, draining, status in ((True, False, 200), (False, False, 503), (True, True, 503)):
            app.life.warm, app.life.draining = warm, draining
            for path in ("/health/ready", "/v2/health/ready"):
                reply = client.get(path)
                assert (reply.status_code, "retry-after" in reply.headers) == (status, status == 503)
            assert client.get("/health/live").status_code == 200
        assert client.post(PATH, json=HUBER).headers["connection"] == "close"


def test_one_of_each_family_is_computed_before_it_is_ready_and_the_others_after() -> None:
    every = {(each.kind, each.family) for each in registry.catalogue().values()}
    warmth = Warmth()
    first = [each for each in registry.catalogue().values() if each not in warmth.left]
    assert len(first) == len(every) == len({(each.kind, each.family) for each in first})
    asyncio.run(warmth.rise())
    assert warmth.left == []


def test_sigterm_drains_and_ends_with_status_0() -> None:
    with started(drain_delay=2) as server, httpx.Client(base_url=server.base) as client:
        assert "connection" not in client.post(PATH, json=HUBER).headers
        server.process.terminate()
        until(lambda: client.get("/health/ready").status_code == 503)
        reply = client.post(PATH, json=HUBER)
        assert (reply.status_code, reply.headers["connection"]) == (200, "close")
        assert server.process.wait(timeout=30) == 0


def test_what_is_in_flight_is_answered_before_it_stops() -> None:
    with started(drain_delay=0) as server:
        address = ("127.0.0.1", int(server.base.rpartition(":")[2]))
        with socket.create_connection(address, timeout=30) as slow:
            body = b'{"prediction": [0.0, 3.0], "target": [0.0, 0.0]}'
            slow.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), len(body)))
            time.sleep(0.3)
            server.process.terminate()
            time.sleep(0.5)
            slow.sendall(body)
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
        assert server.process.wait(timeout=30) == 0


@linux
def test_a_worker_that_is_killed_is_replaced_while_others_answer() -> None:
    with started(workers=2, drain_delay=0) as server:
        until(lambda: len(server.workers()) == 2)
        before = server.workers()
        os.kill(min(before), signal.SIGKILL)
        with asking(server.base) as clients:
            until(lambda: len(server.workers()) == 2 and server.workers() != before)
            until(lambda: min(each.answered for each in clients) > 20)
        assert [each.failed for each in clients] == [[], [], []]


@linux
def test_workers_are_replaced_without_a_failed_request() -> None:
    with started(workers=2, drain_delay=0.3) as server:
        until(lambda: len(server.workers()) == 2)
        before = server.workers()
        with asking(server.base) as clients:
            os.kill(server.process.pid, signal.SIGHUP)
            until(lambda: len(server.workers()) == 2 and not server.workers() & before)
            seen = [each.answered for each in clients]
            until(lambda: all(each.answered > count for each, count in zip(clients, seen, strict=True)))
        assert [each.failed + each.broken for each in clients] == [[], [], []]
