"""A server with a few streams, at a known time."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.live import serving
from tests.service.streams.asking import created, sent
from tests.service.streams.conftest import MORNING, Clock


@dataclass
class Board:
    """A client, and the ids of two streams named `val` (models a and b) and of one without a name."""

    client: httpx.Client
    one: str
    two: str
    nameless: str


def times(*minutes: int) -> list[int]:
    """Minutes after the clock's beginning, in milliseconds since 1970."""
    return [MORNING + 60_000 * each for each in minutes]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """Absolute errors of 1, 2, 3 at minutes 1, 2, 3 in one stream, 4 in the other, with no R² for one row."""
    clock = Clock()
    asked = {"metrics": [{"name": "mean_absolute_error", "as": "mae"}, "r2"], "name": "val"}
    with serving(create_app(Settings(store=MEMORY), clock)) as client:
        one, two = (created(client, **asked, labels={"model": model, "host": "x"}) for model in "ab")
        nameless = created(client, metrics=["confusion_matrix"])
        for error in (1, 2, 3):
            clock.pass_by(60)
            sent(client, one, {"prediction": [float(error)], "target": [0.0]})
        sent(client, two, {"prediction": [4.0], "target": [0.0]})
        sent(client, nameless, {"prediction": [1, 0], "target": [1, 1]})
        yield Board(client, one, two, nameless)
