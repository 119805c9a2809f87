"""POST /v2/models/{model}/infer, past the framework: from the body's one buffer to the reply's parts."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter_ns as now
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lossapi import models
from lossapi.codecs import openinference as codec
from lossapi.codecs.codec import Limits, NonFinite
from lossapi.codecs.inference_header import Placed
from lossapi.codecs.openinference import Inference, Wanted
from lossapi.codecs.unfold import unfold
from lossapi.definition import Definition
from lossapi.errors import LossError, Unreadable
from service.compute import Computing, inline
from service.errors import refuse
from service.inference_body import Headers, chosen_coding, coding_of, folded, read_aligned
from service.schemas import read_options
from service.settings import variable
from service.shared_memory import Regions
from service.statistics import Stages, Statistics
from service.visit import current

HEADER_LENGTH = b"inference-header-content-length"
LONGEST_NUMBER = 18
OPTIONS = ("return", "backend", "nonfinite")
JSON, BINARY = b"application/json", b"application/octet-stream"

NOWHERE = Placed()

Answer = Callable[[Scope, Receive], Awaitable[Response]]


class Parts(Response):
    """A response in several pieces, none of them copied."""

    def __init__(self, parts: Sequence[bytes | memoryview], headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.parts = parts
        self.raw_headers = [*headers, (b"content-length", str(sum(map(len, parts))).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them one after another."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for part in self.parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": self.parts[-1]})


class Asked(NamedTuple):
    """One request, read: which model under which name, what of it, and how the reply may be compressed."""

    name: str
    definition: Definition
    inference: Inference
    coding: str | None


class Answered(NamedTuple):
    """A reply; when it was begun, computed and written."""

    reply: Parts
    times: tuple[int, int, int]


class Inferring:
    """What infers, bound to the settings and the worker threads of one app; it knows regions and statistics."""

    def __init__(self, computing: Computing) -> None:
        self.settings = computing.settings
        self.on_worker, self.inline_bytes = computing.on_worker, computing.inline_bytes
        self.limits = Limits(self.settings.body_bytes, variable("body_bytes"))
        self.regions = Regions(self.settings)
        self.statistics = Statistics()

    def at(self, path: str) -> Answer | None:
        """What answers a POST to this path, if it is one that infers."""
        match path.split("/"):
            case ["", "v2", "models", name, "infer"]:
                return partial(self.infer, name, models.VERSION)
            case ["", "v2", "models", name, "versions", version, "infer"]:
                return partial(self.infer, name, version)
        return None

    async def post(self, request: Request) -> Response:
        """The same, asked through the framework."""
        answer = self.at(request.url.path)
        assert answer is not None
        return await answer(request.scope, request.receive)

    async def infer(self, name: str, version: str, scope: Scope, receive: Receive) -> Response:
        """One request to one model, counted."""
        definition = models.find(name, version)
        record, start = self.statistics.of(definition), now()
        try:
            headers = dict(scope["headers"])
            length, coding = header_length(headers), coding_of(headers)
            body = await read_aligned(headers, receive, self.limits, length or 0)
            arrived, large = now(), coding is not None or self.is_large(body, definition)
            decode = partial(self._decoded, name, definition, body, length, coding)
            inference = await self.on_worker(decode) if large else decode()
            decoded = now()
            asked = Asked(name, definition, inference, chosen_coding(headers.get(b"accept-encoding", b"")))
            answered = await self._in_time(partial(self._answered, asked), inference.timeout, large=large)
        except Exception:
            record.failed(now() - start)
            raise
        begun, computed, written = answered.times
        if (visit := current()) is not None:
            visit.codec, visit.received = "openinference", len(body)
            visit.begun, visit.decoded = arrived / 1e9, decoded / 1e9
            visit.computed, visit.encoded = computed / 1e9, written / 1e9
        stages = Stages(begun - decoded, decoded - arrived, computed - begun, written - computed)
        record.succeeded(inference.batch, now() - start, stages)
        return answered.reply

    def is_large(self, body: memoryview, definition: Definition) -> bool:
        """Whether a body takes long to compute, or may: where there are regions, it may bring much with few bytes."""
        return len(body) > self.inline_bytes(definition) or bool(self.regions.regions)

    async def _in_time(self, work: Callable[[], Answered], micros: int, *, large: bool) -> Answered:
        """What comes out within so many microseconds of the request's arrival; 0 is any time."""
        visit = current()
        if micros and visit is not None:
            visit.within(micros / 1e6, "parameter timeout")
        return await self.on_worker(work) if large else inline(work)

    def _decoded(
        self, name: str, definition: Definition, body: memoryview, length: int | None, coding: str | None
    ) -> Inference:
        """The request; a header of no bytes says that the body is the only tensor's."""
        if coding is not None:
            body = memoryview(unfold(body, coding, self.limits))
        if length == 0:
            only = models.only_input(name, definition)
            return codec.decode_raw(body, only.name, only.datatype, only.shape)
        return codec.decode(body, len(body) if length is None else length, self.regions, self.limits)

    def _answered(self, asked: Asked) -> Answered:
        """Compute and write."""
        begun, inference = now(), asked.inference
        inference, nonfinite = with_options(inference)
        result = models.run(asked.definition, inference)
        arrays = models.arrays(result)
        models.require_outputs([each.name for each in inference.outputs], arrays)
        wanted = inference.outputs or [Wanted(name, inference.binary, NOWHERE) for name in arrays]
        computed = now()
        head = {
            **({"id": inference.id} if inference.id else {}),
            "model_name": asked.name,
            "model_version": models.VERSION,
            "parameters": models.remarks(result),
        }
        encoded = codec.encode(head, arrays, wanted, self.regions, nonfinite)
        return Answered(reply(encoded, asked.coding), (begun, computed, now()))


class Inlet:
    """Lets what infers answer, and passes everything else on to `app`."""

    def __init__(self, app: ASGIApp, inferring: Inferring) -> None:
        self.app = app
        self.inferring = inferring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever goes wrong."""
        post = scope["type"] == "http" and scope["method"] == "POST"
        answer = self.inferring.at(scope["path"]) if post else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        try:
            response = await answer(scope, receive)
        except Exception as error:
            await refuse(error, scope, receive, send)
        else:
            await response(scope, receive, send)


def header_length(headers: Headers) -> int | None:
    """How many bytes of the body are its header, where that is said."""
    text = headers.get(HEADER_LENGTH, b"").decode("latin-1")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise Unreadable("a whole number as Inference-Header-Content-Length", repr(text))
    return int(text)


def with_options(inference: Inference) -> tuple[Inference, NonFinite]:
    """The request with those parameters checked that all models share; and how NaN and infinities are written."""
    if not inference.parameters.keys() & OPTIONS:
        return inference, "string"
    parameters = dict(inference.parameters)
    given = {name: parameters.pop(name) for name in OPTIONS if name in parameters}
    if isinstance(given.get("return"), str):
        given["return"] = given["return"].split(",")
    try:
        options = read_options(given)
    except LossError as error:
        raise error.within("parameters") from None
    shared = {name: options[name] for name in ("return", "backend") if options[name]}
    return inference._replace(parameters={**parameters, **shared}), options["nonfinite"] or "string"


def reply(encoded: codec.Encoded, coding: str | None) -> Parts:
    """The response; compressed where the client prefers that."""
    headers = [(b"content-type", JSON if encoded.header_length is None else BINARY)]
    if encoded.header_length is not None:
        headers.append((HEADER_LENGTH, str(encoded.header_length).encode()))
    if coding is None:
        return Parts(encoded.parts, headers)
    return Parts([folded(coding, encoded.parts)], [*headers, (b"content-encoding", coding.encode())])
