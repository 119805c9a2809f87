"""POST /v1/losses/{name}, /v1/metrics/{name}, /v1/like/{library}/{function}: from the body's bytes to the reply's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from lossapi import engine, export, like, registry
from lossapi.codecs import json
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition
from lossapi.errors import LossError, UnknownKey, nearest
from service import states
from service.bodies import read_body, read_object, read_query
from service.schemas import OPTIONS, read_call, read_options
from service.settings import Settings

Answer = Callable[[Mapping[str, Any], bytes], bytes]
"""From a query string and a body to the reply."""


class Computing:
    """The endpoints that compute, bound to the settings and the worker threads of one app."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers = ThreadPoolExecutor(engine.cores(), thread_name_prefix="lossapi-request")
        self.answers = dict(answers())

    async def answered(self, answer: Answer, scope: Scope, receive: Receive) -> bytes:
        """The reply to a request: inline when the body is small, on a worker thread when it is large."""
        body = await read_body(scope, receive, self.settings.body_bytes)
        query = read_query(scope)
        if len(body) <= self.settings.inline_bytes:
            return answer(query, body)
        return await asyncio.get_running_loop().run_in_executor(self.workers, answer, query, body)

    async def model(self, request: Request) -> Response:
        """A loss as an ONNX model; parameters and options stand in the query string."""
        name = request.path_params["name"]
        definition, query = registry.get("loss", name), read_query(request.scope)
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(self.workers, export.as_model, definition, query)
        headers = {"Content-Disposition": f'attachment; filename="{name}.onnx"'}
        return Response(model, media_type="application/octet-stream", headers=headers)


def answers() -> Iterator[tuple[str, Answer]]:
    """What answers a POST, by path: every definition, and every function of another library."""
    for (kind, name), definition in registry.catalogue().items():
        yield f"/v1/{registry.PLURAL[kind]}/{name}", partial(compute, definition)
    yield "/v1/states/merge", merge_states
    for library, functions in like.presets().items():
        for function in functions:
            yield f"/v1/like/{library}/{function}", partial(compute_like, library, function)


def merge_states(query: Mapping[str, Any], body: bytes) -> bytes:
    """Several states as one."""
    given = read_object(body, query)
    options = read_options({name: given.pop(name) for name in ("nonfinite",) if name in given})
    return json.encode(states.merge(given), nonfinite=options["nonfinite"] or "string")


async def unknown(request: Request) -> Response:
    """No definition has that name; the error says which come near."""
    match request.url.path.split("/")[2:]:
        case ["like", library, function]:
            like.find(library, function)
        case [plural, name]:
            registry.get(next(kind for kind, each in registry.PLURAL.items() if each == plural), name)
    raise AssertionError("a known name is answered before it comes here")


def compute(definition: Definition, query: Mapping[str, Any], body: bytes) -> bytes:
    """One request to one definition, from bytes to bytes."""
    given = read_object(body, query)
    call, options = read_call(definition, given)
    return json.encode(engine.run(call).reply(), **reply_options(options, given))


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
        return tensor(value)
    except LossError as error:
        raise error.within(name) from None


def reply_options(options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """How the reply is written: as asked, else tensors as the request's were."""
    return {
        "nonfinite": options.get("nonfinite") or "string",
        "encoding": options.get("encoding") or ("base64" if _in_base64(given) else "list"),
    }


def _in_base64(given: Mapping[str, Any]) -> bool:
    return any(type(value) is dict and type(value.get("data")) is str for value in given.values())
