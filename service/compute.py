"""POST /v1/losses/{name}, /v1/metrics/{name}, /v1/like/{library}/{function}: from the body's bytes to the reply's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from lossapi import engine, export, like, registry
from lossapi.codecs import json
from lossapi.definition import Definition, Kind
from lossapi.errors import LossError, UnknownKey, nearest
from lossapi.request import as_call
from service.bodies import read_body, read_object, read_query
from service.schemas import OPTIONS, REPLY_KEYS, read_options, read_request
from service.settings import Settings

Answer = Callable[[bytes], bytes]
Computed = Callable[[Scope, Receive], Awaitable[bytes]]
KINDS: Mapping[str, Kind] = {plural: kind for kind, plural in registry.PLURAL.items()}


class Computing:
    """The endpoints that compute, bound to the settings and the worker threads of one app."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers = ThreadPoolExecutor(engine.cores(), thread_name_prefix="lossapi-request")

    def at(self, path: str) -> Computed | None:
        """What answers a POST to this path, if it is one that computes."""
        match path.split("/"):
            case ["", "v1", plural, name] if plural in KINDS:
                return partial(self._definition, KINDS[plural], name)
            case ["", "v1", "like", library, function]:
                return partial(self._like, library, function)
        return None

    async def _definition(self, kind: Kind, name: str, scope: Scope, receive: Receive) -> bytes:
        """Compute a loss or a metric."""
        return await self._answer(scope, receive, partial(compute, registry.get(kind, name), read_query(scope)))

    async def _like(self, library: str, function: str, scope: Scope, receive: Receive) -> bytes:
        """Compute under another library's name and conventions."""
        like.find(library, function)
        return await self._answer(scope, receive, partial(compute_like, library, function, read_query(scope)))

    async def _answer(self, scope: Scope, receive: Receive, answer: Answer) -> bytes:
        """Inline when the body is small, on a worker thread when it is large."""
        body = await read_body(scope, receive, self.settings.body_bytes)
        if len(body) <= self.settings.inline_bytes:
            return answer(body)
        return await asyncio.get_running_loop().run_in_executor(self.workers, answer, body)

    async def post(self, request: Request) -> Response:
        """The same, asked through the framework."""
        computed = self.at(request.url.path)
        assert computed is not None
        return Response(await computed(request.scope, request.receive), media_type=json.MEDIA_TYPE)

    async def model(self, request: Request) -> Response:
        """A loss as an ONNX model; parameters and options stand in the query string."""
        name = request.path_params["name"]
        definition, query = registry.get("loss", name), read_query(request.scope)
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(self.workers, export.as_model, definition, query)
        headers = {"Content-Disposition": f'attachment; filename="{name}.onnx"'}
        return Response(model, media_type="application/octet-stream", headers=headers)


def compute(definition: Definition, query: Mapping[str, Any], body: bytes) -> bytes:
    """One request to one definition, from bytes to bytes."""
    given = read_object(body, query)
    request = read_request(definition, given)
    options = {name: request.pop(name) for name in REPLY_KEYS}
    return json.encode(engine.run(as_call(definition, request)).reply(), **reply_options(options, given))


def compute_like(library: str, function: str, query: Mapping[str, Any], body: bytes) -> bytes:
    """One request under another library's names; where a name of ours clashes with its argument, the argument wins."""
    given = read_object(body, query)
    _, preset = like.find(library, function)
    options = read_options(
        {name: given.pop(name) for name in OPTIONS if name in given and name not in preset.arguments}
    )
    arguments = read_arguments(library, function, given)
    returns, backend = options["return"] or ("value",), options["backend"] or "auto"
    reply = like.compute(library, function, arguments, returns=returns, backend=backend).reply()
    return json.encode(reply, **reply_options(options, given))


def read_arguments(library: str, function: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The library's arguments, tensors decoded."""
    definition, preset = like.find(library, function)
    inputs = frozenset(each.name for each in definition.inputs)
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name not in preset.arguments and name not in preset.library.ignored:
            raise UnknownKey(nearest(name, preset.arguments), f"unknown key {name!r}", (name,))
        tensor = value is not None and preset.is_tensor(name, inputs)
        arguments[name] = decode_at(name, value) if tensor else value
    return arguments


def decode_at(name: str, value: Any) -> Any:
    """A tensor whose faults are placed under its name."""
    try:
        return json.tensor(value)
    except LossError as error:
        raise error.within(name) from None


def reply_options(options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """How the reply is written: as asked, else tensors as the request's were."""
    as_base64 = any(type(value) is dict and type(value.get("data")) is str for value in given.values())
    return {
        "nonfinite": options.get("nonfinite") or "string",
        "encoding": options.get("encoding") or ("base64" if as_base64 else "list"),
    }
