"""Servers as child processes on free loopback ports, always ended with the block that started them."""

import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
READY = "/health/ready"
START_LIMIT = 60.0
STOP_LIMIT = 5.0


@dataclass(frozen=True)
class Contender:
    """A server to measure: what to call it, the arguments that start it, but for the port, and settings of its own."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


OURS = Contender("lossapi", ("-m", "lossapi", "serve"))
PLAIN = Contender("plain", ("-m", "benchmarks.peers.plain"))
BARE = Contender("bare", ("-m", "benchmarks.peers.bare"))


@dataclass(frozen=True)
class Server:
    """A running server, its port and process, and the seconds from exec to its first 200."""

    name: str
    port: int
    process: int
    seconds: float

    def cpu_seconds(self) -> float:
        """Processor time it has used; NaN where the system does not say (not Linux)."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return math.nan
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Wait until it is at rest: we compute what first requests would wait for, and torch starts threads."""
        used = -1.0
        while self.cpu_seconds() - used > 0.01:
            used = self.cpu_seconds()
            time.sleep(0.5)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_ready(port: int) -> bool:
    """Whether the server there answers 200."""
    connection = HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", READY)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: IO[bytes], name: str) -> None:
    """Poll until the server is ready; say what it printed if it is not ready in time."""
    deadline = time.perf_counter() + START_LIMIT
    while not is_ready(port):
        if process.poll() is not None or time.perf_counter() > deadline:
            log.seek(0)
            raise RuntimeError(f"{name} did not become ready:\n{log.read().decode(errors='replace')[-2000:]}")
        time.sleep(0.002)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server's process group to stop, and insist after a while."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_LIMIT)
        except ProcessLookupError:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            continue
        return


@contextmanager
def running(contender: Contender) -> Iterator[Server]:
    """Start a server, wait until it is ready, and end it with the block."""
    port = free_port()
    command = [sys.executable, *contender.command, "--port", str(port)]
    environment = {**os.environ, **contender.environment, "LOSSAPI_PORT": str(port), "LOSSAPI_HOST": HOST}
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_ready(process, port, log, contender.name)
            yield Server(contender.name, port, process.pid, time.perf_counter() - began)
        finally:
            end(process)


def timed_import(module: str) -> float:
    """Seconds that a fresh interpreter takes to import a module."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_LIMIT, check=True)
    return float(done.stdout)


def post(port: int, path: str, body: bytes, limit: float = 120.0) -> tuple[float, bytes]:
    """Post JSON on a fresh connection; seconds from first byte out to last in, and the reply."""
    connection = HTTPConnection(HOST, port, timeout=limit)
    connection.connect()
    try:
        began = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        reply = response.read()
        seconds = time.perf_counter() - began
    finally:
        connection.close()
    if response.status not in (200, 201):
        raise RuntimeError(f"Expected 200 or 201, got {response.status} - from port {port}: {reply[:500]!r}")
    return seconds, reply


def only(contenders: Sequence[Contender]) -> list[Contender]:
    """Those of the contenders that can start here, in order; the others are named."""
    able = []
    for contender in contenders:
        try:
            with running(contender):
                able.append(contender)
        except RuntimeError as error:
            print(f"missing: {error}")
    return able
