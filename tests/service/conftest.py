"""Addresses of stores, for what must do the same on all of them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import redis

from service.stores import MEMORY, SQLITE
from tests.service.redis_server import redis_server

DATABASES = count()
SHARED = ("sqlite", "redis")
"""The kinds of store that several processes share."""


@pytest.fixture(scope="session")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that runs while the tests do."""
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


def emptied(address: str) -> str:
    """A Redis database with nothing in it."""
    client = redis.Redis.from_url(address)
    client.flushdb()
    client.close()
    return address


def address_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """An empty store's address."""
    if kind == "redis":
        return emptied(f"{request.getfixturevalue('redis_address')}/{next(DATABASES) % 16}")
    return MEMORY if kind == "memory" else f"{SQLITE}{folder}/streams.db"


@pytest.fixture(params=["memory", *SHARED])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind."""
    return address_of(request.param, tmp_path, request)


@pytest.fixture(params=SHARED)
def shared_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind that several processes share."""
    return address_of(request.param, tmp_path, request)
