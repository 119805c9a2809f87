"""Batches a second into one stream, on each store, beside how often the disk says that it has written."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from subprocess import DEVNULL, Popen

import numpy as np

from benchmarks.load import CONNECTIONS, socket_load
from benchmarks.servers import HOST, OURS, Contender, Server, free_port, post, running
from benchmarks.spread import spread

ASKED = {"losses": ["huber"], "metrics": ["mean_squared_error", "mean_absolute_error", "r2"]}
ROWS = 100


@contextmanager
def redis(folder: str) -> Iterator[str]:
    """The address of a Redis that writes every change to the disk before it answers, as docker-compose.yml has it."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", HOST, "--dir", folder, "--save", ""]
    server = Popen([*command, "--appendonly", "yes", "--appendfsync", "always"], stdout=DEVNULL)
    try:
        yield f"redis://{HOST}:{port}/0"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def stores(folder: str) -> Iterator[dict[str, str]]:
    """The address of each store that can be had here."""
    found = {"memory": "memory://", "sqlite": f"sqlite:///{folder}/streams.db"}
    if which("redis-server") is None:
        print("missing: redis-server")
        yield found
        return
    with redis(folder) as address:
        yield {**found, "redis": address}


def batch() -> bytes:
    """A hundred rows."""
    random = np.random.default_rng(7)
    return json.dumps({name: random.normal(size=ROWS).tolist() for name in ("prediction", "target")}).encode()


def made(server: Server) -> str:
    """The path that takes a new stream's batches."""
    return f"/v1/streams/{json.loads(post(server.port, '/v1/streams', json.dumps(ASKED).encode())[1])['id']}/batches"


def fsyncs(folder: str, count: int) -> float:
    """How often a second the disk takes a page."""
    with Path(folder, "page").open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(count):
            file.write(bytes(4096))
            os.fsync(file.fileno())
        return count / (time.perf_counter() - began)


def main(*, quick: bool) -> int:
    """Print the rates."""
    rounds, count = (2, 200) if quick else (5, 2000)
    body = batch()
    with tempfile.TemporaryDirectory() as folder, stores(folder) as addresses:
        pages = fsyncs(folder, 200)
        print(f"\nStreams: batches of {ROWS} rows, four losses and metrics; the disk takes {pages:.0f} pages/s")
        for name, address in addresses.items():
            ours = Contender(name, OURS.command, {"LOSSAPI_STORE": address})
            with running(ours) as server:
                path = made(server)
                socket_load(server.port, path, body, count // 4)
                rates = [socket_load(server.port, path, body, count).rate for _ in range(rounds)]
                alone = [post(server.port, path, body)[0] * 1000 for _ in range(rounds * 10)]
            each, several = spread(alone).text(1), spread(rates).text(0)
            print(f"  {name:<8} {several} batches/s over {CONNECTIONS} connections, {each} ms for one alone")
    return 0
