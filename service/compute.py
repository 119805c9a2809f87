"""POST /v1/losses/{name}, /v1/metrics/{name}, /v1/like/{library}/{function}: from the body's bytes to the reply's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from lossapi import engine, export, like, registry, workers
from lossapi.allowance import Allowance
from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import Buffer, tensor
from lossapi.definition import Definition
from lossapi.errors import LossError, UnknownKey, nearest
from service import states
from service.admission import Admission
from service.bodies import read_body, read_headers, read_query, with_query
from service.evaluate import PATH, evaluate
from service.media import Wire, wire_of
from service.schemas import OPTIONS, read_call, read_options
from service.settings import PREFIX, Settings, variable
from service.visit import Visit, current

T = TypeVar("T")
Answer = Callable[[Wire, Mapping[str, Any], Buffer, Limits], bytes]
"""From the formats, a query string and a body to the reply."""
PAIRED = 32
"""How much less a body may bring to be computed at once where rows meet in pairs."""


class Computing:
    """The endpoints that compute, bound to the settings and the worker threads of one app."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limits = Limits(settings.body_bytes, variable("body_bytes"))
        self.allowance = Allowance(settings.elements, settings.dimensions, settings.json_depth, PREFIX)
        self.admission = Admission(settings, workers.cores())
        self.workers = ThreadPoolExecutor(workers.cores(), thread_name_prefix="lossapi-request")
        self.answers = dict(answers())
        self.most_inline = min(settings.inline_bytes, settings.body_bytes)
        self.inline = {evaluate: 0, **{self.answers[path]: self.inline_bytes(each) for path, each in of_pairs()}}

    async def answered(self, answer: Answer, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        """The reply and its type: inline what is small and quick, on a worker thread what may be large or take long."""
        wire = read_headers(scope, self.limits)
        if answer is not evaluate:
            wire.require_no_table()
        body = await read_body(scope, receive, self.limits)
        if self.is_quick(answer, wire, len(body)):
            return self.computed(answer, wire, scope, body, current())
        visit = current()
        if visit is not None:
            visit.received = len(body)
        work = partial(answer, wire, read_query(scope), body, self.limits)
        return wire.writer.media_type, await self.on_worker(work)

    def is_quick(self, answer: Answer, wire: Wire, size: int) -> bool:
        """Whether a body of a size is answered on the event loop."""
        return size <= self.inline.get(answer, self.most_inline) and not wire.coding

    def of(self, scope: Scope) -> Answer | None:
        """What answers a request, if it is to compute."""
        return self.answers.get(scope["path"]) if scope["method"] == "POST" else None

    def quick(self, answer: Answer, visit: Visit, size: int) -> Wire | None:
        """The formats of what is answered on the event loop; nothing where it is not, or its headers are wrong."""
        try:
            wire = wire_of(visit.headers)
        except (LossError, HTTPException):
            return None
        return None if wire.table or not self.is_quick(answer, wire, size) else wire

    def computed(
        self, answer: Answer, wire: Wire, scope: Scope, body: Buffer, visit: Visit | None
    ) -> tuple[str, bytes]:
        """The reply and its type, at once."""
        if visit is not None:
            visit.received = len(body)
            visit.begin()
        return wire.writer.media_type, answer(wire, read_query(scope), body, self.limits)

    async def on_worker(self, work: Callable[[], T]) -> T:
        """What comes out on a worker thread, as long as somebody waits for it."""
        visit = current()
        if visit is None:
            return await asyncio.get_running_loop().run_in_executor(self.workers, work)
        return await visit.on(self.workers, work)

    def inline_bytes(self, definition: Definition) -> int:
        """How large a body may be that is computed at once: where rows meet all others, work grows by its square."""
        return self.most_inline // (PAIRED if meets(definition) else 1)

    async def model(self, request: Request) -> Response:
        """A loss as an ONNX model; parameters and options stand in the query string."""
        name = request.path_params["name"]
        definition, query = registry.get("loss", name), read_query(request.scope)
        model = await self.on_worker(partial(export.as_model, definition, query))
        headers = {"Content-Disposition": f'attachment; filename="{name}.onnx"'}
        return Response(model, media_type="application/octet-stream", headers=headers)


def inline(work: Callable[[], T]) -> T:
    """What comes out at once, within the request's time."""
    visit = current()
    if visit is None:
        return work()
    visit.begin()
    done = work()
    visit.check()
    return done


def answers() -> Iterator[tuple[str, Answer]]:
    """What answers a POST, by path: every definition, and every function of another library."""
    for (kind, name), definition in registry.catalogue().items():
        yield f"/v1/{registry.PLURAL[kind]}/{name}", partial(compute, definition)
    yield "/v1/states/merge", merge_states
    yield PATH, evaluate
    for library, functions in like.presets().items():
        for function in functions:
            yield f"/v1/like/{library}/{function}", partial(compute_like, library, function)


def meets(definition: Definition) -> bool:
    """Whether all rows of a definition see each other."""
    return any("rows" in spec.axes for each in definition.inputs for spec in each.forms.specs)


def of_pairs() -> Iterator[tuple[str, Definition]]:
    """The definitions whose rows all see each other, by the paths that lead to them."""
    for (kind, name), definition in registry.catalogue().items():
        if meets(definition):
            yield f"/v1/{registry.PLURAL[kind]}/{name}", definition
    for library, functions in like.presets().items():
        for function, (definition, _) in functions.items():
            if meets(definition):
                yield f"/v1/like/{library}/{function}", definition


def merge_states(wire: Wire, query: Mapping[str, Any], body: Buffer, limits: Limits) -> bytes:
    """Several states as one."""
    given = with_query(wire.read(body, limits), query)
    options = read_options({name: given.pop(name) for name in ("encoding", "nonfinite") if name in given})
    return wire.write(states.merge(given), wire.form(options, given))


async def unknown(request: Request) -> Response:
    """No definition has that name; the error says which come near."""
    match request.url.path.split("/")[2:]:
        case ["like", library, function]:
            like.find(library, function)
        case [plural, name]:
            registry.get(next(kind for kind, each in registry.PLURAL.items() if each == plural), name)
    raise AssertionError("a known name is answered before it comes here")


def compute(definition: Definition, wire: Wire, query: Mapping[str, Any], body: Buffer, limits: Limits) -> bytes:
    """One request to one definition, from bytes to bytes; what was read is let go of before it is computed."""
    given = with_query(wire.read(body, limits), query)
    call, options = read_call(definition, given)
    form = wire.form(options, given)
    del given
    return wire.write(engine.run(call).reply(), form)


def compute_like(
    library: str, function: str, wire: Wire, query: Mapping[str, Any], body: Buffer, limits: Limits
) -> bytes:
    """One request under another library's names; where a name of ours clashes with its argument, the argument wins."""
    given = with_query(wire.read(body, limits), query)
    _, preset = like.find(library, function)
    options = read_options(
        {name: given.pop(name) for name in OPTIONS if name in given and name not in preset.arguments}
    )
    arguments = read_arguments(library, function, given)
    form = wire.form(options, given)
    del given
    returns, backend = options["return"] or ("value",), options["backend"] or "auto"
    return wire.write(like.compute(library, function, arguments, returns=returns, backend=backend).reply(), form)


def read_arguments(library: str, function: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The library's arguments, tensors decoded."""
    definition, preset = like.find(library, function)
    inputs = frozenset(each.name for each in definition.inputs)
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name not in preset.arguments and name not in preset.library.ignored:
            raise UnknownKey(nearest(name, preset.arguments), f"unknown key {name!r}", (name,))
        read = value is not None and preset.is_tensor(name, inputs)
        arguments[name] = decode_at(name, value) if read else value
    return arguments


def decode_at(name: str, value: Any) -> Any:
    """A tensor whose faults are placed under its name."""
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(name) from None
