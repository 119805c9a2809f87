"""POST /v1/losses/{name}, /v1/metrics/{name} and /v1/like/{library}/{function}; the catalogues and cards."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lossapi import describe, engine, export, like, registry
from lossapi.codecs import json
from lossapi.definition import Definition, Kind
from lossapi.errors import LossError, ParameterError, TooLarge, UnknownKey, Unreadable, nearest
from lossapi.request import as_call
from service.schemas import REPLY_KEYS, read_request
from service.settings import Settings, variable

Answer = Callable[[bytes], bytes]
READABLE = ("", "application/json", "application/x-www-form-urlencoded", "text/json")
"""Media types read as JSON; the form type is what `curl -d` sends of itself."""


class Computing:
    """The endpoints that compute, bound to the settings and the worker threads of one app."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers = ThreadPoolExecutor(engine.cores(), thread_name_prefix="lossapi-request")

    async def loss(self, request: Request) -> Response:
        """Compute a loss."""
        return await self._compute("loss", request)

    async def metric(self, request: Request) -> Response:
        """Compute a metric."""
        return await self._compute("metric", request)

    async def _compute(self, kind: Kind, request: Request) -> Response:
        definition = registry.get(kind, request.path_params["name"])
        query = read_query(request)
        return await self._answer(request, lambda body: compute(definition, body, query))

    async def like(self, request: Request) -> Response:
        """Compute under another library's name and conventions."""
        library, function = request.path_params["library"], request.path_params["function"]
        like.find(library, function)
        query = read_query(request)
        return await self._answer(request, lambda body: compute_like(library, function, body, query))

    async def model(self, request: Request) -> Response:
        """A loss as an ONNX model; parameters and options stand in the query string."""
        name = request.path_params["name"]
        definition, query = registry.get("loss", name), read_query(request)
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(self.workers, export.as_model, definition, query)
        headers = {"Content-Disposition": f'attachment; filename="{name}.onnx"'}
        return Response(model, media_type="application/octet-stream", headers=headers)

    async def _answer(self, request: Request, answer: Answer) -> Response:
        """Inline when the body is small, on a worker thread when it is large."""
        check_media_type(request)
        body = await read_body(request, self.settings.body_bytes)
        if len(body) <= self.settings.inline_bytes:
            return Response(answer(body), media_type=json.MEDIA_TYPE)
        loop = asyncio.get_running_loop()
        return Response(await loop.run_in_executor(self.workers, answer, body), media_type=json.MEDIA_TYPE)


def check_media_type(request: Request) -> None:
    """A body without a type is read as JSON; another type is refused with those that work."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in READABLE and not given.endswith("+json"):
        raise HTTPException(415, f"{given} is not read here; send {json.MEDIA_TYPE}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HTTPException(415, f"Content-Encoding {encoding} is not read here")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, refused before it is read where its declared length is over the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _over(limit, int(declared))
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _over(limit, size)
            parts.append(part)
    except ClientDisconnect:
        raise Unreadable("a whole body", "a closed connection") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _over(limit: int, size: int) -> TooLarge:
    return TooLarge(f"a body of at most {limit} bytes (setting {variable('body_bytes')})", f"{size} bytes or more")


def read_query(request: Request) -> dict[str, Any]:
    """Parameters of the query string, each read as JSON where it is JSON, else as text."""
    if not request.scope["query_string"]:
        return {}
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name in given:
            raise ParameterError(f"{name} once", "more than once", (name,))
        try:
            given[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            given[name] = text
    return given


def read_object(body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """The request: the body's keys and the query's."""
    value = json.decode(body)
    if not isinstance(value, dict):
        raise Unreadable("a JSON object", f"a JSON {type(value).__name__}")
    twice = next((name for name in query if name in value), None)
    if twice is not None:
        raise ParameterError(f"{twice} in the body or the query string", "both", (twice,))
    return {**value, **query}


def compute(definition: Definition, body: bytes, query: Mapping[str, Any]) -> bytes:
    """One request to one definition, from bytes to bytes."""
    given = read_object(body, query)
    request = read_request(definition, given)
    options = {name: request.pop(name) for name in REPLY_KEYS}
    reply = engine.run(as_call(definition, request)).reply()
    return json.encode(reply, **reply_options(options, given))


LIKE_KEYS = ("return", "encoding", "nonfinite", "backend")


def compute_like(library: str, function: str, body: bytes, query: Mapping[str, Any]) -> bytes:
    """One request under another library's names; where a name of ours clashes with its argument, the argument wins."""
    given = read_object(body, query)
    _, preset = like.find(library, function)
    options = {name: given.pop(name) for name in LIKE_KEYS if name in given and name not in preset.arguments}
    reply = like.compute(library, function, read_arguments(library, function, given)).reply()
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
    as_base64 = any(isinstance(v, dict) and isinstance(v.get("data"), str) for v in given.values())
    return {
        "nonfinite": options.get("nonfinite") or "string",
        "encoding": options.get("encoding") or ("base64" if as_base64 else "list"),
    }


def listing(kind: Kind) -> Callable[[Request], Awaitable[Response]]:
    """The catalogue of one kind, filtered by `family` and `q`."""

    async def catalogue(request: Request) -> Response:
        for name in request.query_params:
            if name not in ("family", "q"):
                raise UnknownKey(nearest(name, ("family", "q")), f"unknown query parameter {name!r}", (name,))
        family, words = request.query_params.get("family"), request.query_params.get("q", "").lower().split()
        cards = [describe.summary(definition) for definition in registry.definitions(kind)]
        chosen = [
            card
            for card in cards
            if family in (None, card["family"]) and all(w in f"{card['name']} {card['summary']}".lower() for w in words)
        ]
        return Response(json.encode({registry.PLURAL[kind]: chosen}), media_type=json.MEDIA_TYPE)

    return catalogue


def card(kind: Kind) -> Callable[[Request], Awaitable[Response]]:
    """The card of one definition."""

    async def show(request: Request) -> Response:
        found = describe.card(registry.get(kind, request.path_params["name"]))
        return Response(json.encode(found), media_type=json.MEDIA_TYPE)

    return show


async def like_listing(request: Request) -> Response:
    """Every function of another library that is served, and what it stands for."""
    entries = [
        describe.describe_like(definition, preset)
        for functions in like.presets().values()
        for definition, preset in functions.values()
    ]
    return Response(json.encode({"like": entries}), media_type=json.MEDIA_TYPE)
