"""Triton's client, synchronous and asynchronous, of a live server."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio

Call = Callable[..., Any]


@pytest.fixture(scope="session")
def address(client: httpx.Client) -> str:
    """Where the server is, as the client wants it."""
    return f"{client.base_url.host}:{client.base_url.port}"


@pytest.fixture(params=["sync", "aio"])
def call(request: pytest.FixtureRequest, address: str) -> Call:
    """Calls a method of the client by name: `call("infer", "huber", inputs)`."""
    return synchronous(address) if request.param == "sync" else asynchronous(address)


def synchronous(address: str) -> Call:
    """The client on gevent."""

    def call(method: str, *arguments: Any, **options: Any) -> Any:
        with triton.InferenceServerClient(address) as client:
            return getattr(client, method)(*arguments, **options)

    return call


def asynchronous(address: str) -> Call:
    """The client on aiohttp."""

    async def answer(method: str, *arguments: Any, **options: Any) -> Any:
        async with triton_aio.InferenceServerClient(address) as client:
            return await getattr(client, method)(*arguments, **options)

    return lambda *arguments, **options: asyncio.run(answer(*arguments, **options))
