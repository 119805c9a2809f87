"""How many streams, how large, and what the settings have to say about where they live."""

from collections.abc import Iterator

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.live import serving
from tests.service.streams.asking import created, read, sent


@pytest.fixture
def small() -> Iterator[httpx.Client]:
    """A client of a server that allows little."""
    with serving(create_app(Settings(store=MEMORY, streams=2, stream_bytes=20_000, history_points=4))) as client:
        yield client


def test_there_are_no_more_streams_than_may_be(small: httpx.Client) -> None:
    first = created(small)
    created(small)
    reply = small.post("/v1/streams", json={"losses": ["huber"]})
    assert (reply.status_code, reply.json()["code"]) == (413, "limit")
    assert "LOSSAPI_STREAMS" in reply.json()["detail"]
    small.delete(f"/v1/streams/{first}")
    created(small)


def test_a_stream_that_grows_is_refused_what_is_too_much(small: httpx.Client) -> None:
    identity = created(small, metrics=["median_absolute_error"])
    batch = {"prediction": [i / 7 for i in range(400)], "target": [0.0] * 400}
    for _ in range(20):
        before = read(small, identity)
        reply = small.post(f"/v1/streams/{identity}/batches", json=batch)
        if reply.status_code != 200:
            break
    assert (reply.status_code, reply.json()["code"]) == (413, "limit")
    assert "LOSSAPI_STREAM_BYTES" in reply.json()["detail"]
    assert read(small, identity) == before
    assert before["count"] >= 400


def test_a_batch_larger_than_a_stream_may_be_is_refused(small: httpx.Client) -> None:
    identity = created(small, losses=["huber"], window={"rows": 10_000})
    many = {"prediction": [0.5] * 2000, "target": [0.0] * 2000}
    assert small.post(f"/v1/streams/{identity}/batches", json=many).status_code == 413
    assert read(small, identity)["count"] == 0


def test_history_is_thinned_to_what_is_set(small: httpx.Client) -> None:
    identity = created(small, losses=["huber"])
    for value in range(9):
        sent(small, identity, {"prediction": [float(value)], "target": [0.0]})
    assert len(read(small, identity, "/history")["series"][0]["points"]) <= 4


def test_limits_are_listed(small: httpx.Client) -> None:
    listed = {each["name"]: (each["value"], each["setting"]) for each in small.get("/v1/limits").json()["limits"]}
    assert listed["streams"] == (2, "LOSSAPI_STREAMS")
    assert listed["stream_bytes"] == (20_000, "LOSSAPI_STREAM_BYTES")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(store="mysql://host"), r"LOSSAPI_STORE: expected sqlite:///path/to/file.db, redis://host:port/db"),
        (Settings(store=MEMORY, workers=2), r"LOSSAPI_STORE=memory://: each of several workers would have its own"),
    ],
)
def test_a_store_that_cannot_work_ends_the_start(settings: Settings, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        create_app(settings)
