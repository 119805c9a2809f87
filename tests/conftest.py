"""A client of a live server, for all tests."""

from collections.abc import Iterator

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.live import serving


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """A client of a server that runs while the tests do; it reads bodies of up to 4 MiB."""
    with serving(create_app(Settings(body_bytes=4 * 2**20, store=MEMORY))) as client:
        yield client
