"""A request that has left is gone: nothing of it waits for the garbage collector."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import pytest

from lossapi.codecs import CODECS
from service.app import create_app
from service.visit import Visit
from tests.service.live import serving

SAFETENSORS = "application/vnd.safetensors"
LARGE = dict.fromkeys(("prediction", "target"), np.zeros(1 << 16))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A server in this process."""
    with serving(create_app()) as client:
        yield client


@contextmanager
def no_collection() -> Iterator[None]:
    """Nothing is freed but by the last reference to it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def visits() -> set[Visit]:
    """The requests that are not freed yet."""
    return {each for each in gc.get_objects() if type(each) is Visit}


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"prediction": [0.0, 3.0], "target": [0.0, 0.0]}', "application/json", 200),
        (CODECS[SAFETENSORS].encode(LARGE, "string", "list"), SAFETENSORS, 200),
        (b'{"prediction": [0.0, 3.0], "target": [0.0]}', "application/json", 422),
    ],
)
def test_a_request_is_freed_as_it_leaves(client: httpx.Client, body: bytes, media_type: str, status: int) -> None:
    with no_collection():
        before = visits()  # what other tests hold
        assert client.post("/v1/losses/huber", content=body, headers={"Content-Type": media_type}).status_code == status
        end = time.monotonic() + 20
        while visits() - before:
            assert time.monotonic() < end
            time.sleep(0.01)
