"""A live server on a free port, and a client of it."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from service.app import create_app
from service.settings import Settings


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a server that runs while the tests do."""
    app = create_app(Settings(body_bytes=4 * 2**20, inline_bytes=2**15))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """A client of the live server."""
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
