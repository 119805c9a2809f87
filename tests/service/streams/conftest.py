"""A server with streams on each kind of store, and a clock that tests turn."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.live import serving

MORNING = 1_700_000_000_000


@dataclass
class Clock:
    """A time that stands still until it is moved."""

    now: int = MORNING

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1000)


@pytest.fixture
def clock() -> Clock:
    """The clock of the server."""
    return Clock()


@pytest.fixture
def server(store_address: str, clock: Clock) -> Iterator[httpx.Client]:
    """A client of a server with an empty store."""
    with serving(create_app(Settings(store=store_address), clock)) as client:
        yield client
