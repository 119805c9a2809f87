"""A real Redis for tests, on a free port."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.programs import require

NAME = "redis-server"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_ready(client: redis.Redis) -> bool:
    """Whether the server listens, and has read its file."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:  # that it is loading is one too
        return False


@contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """The address of a server that runs meanwhile, and writes each change to a file in `folder`."""
    require(NAME, NAME)
    port = port or free_port()
    options = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder), "save": "", "appendonly": "yes"}
    command = [NAME, *(text for name, value in options.items() for text in (f"--{name}", value))]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            while not is_ready(client):
                assert server.poll() is None, f"{NAME} ended at its start"
                time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
