"""The calls of /v1/streams: what computes runs on the worker threads, what waits for the store on others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lossapi.codecs import json
from lossapi.errors import TooLarge, UnknownName
from lossapi.evaluation.panel import Outcome
from lossapi.evaluation.portable_panel import pack
from service.bodies import read_body, read_headers, read_query, with_query
from service.catalogue import Endpoint
from service.compute import Computing
from service.media import Wire
from service.schemas import REPLY_KEYS, read_options
from service.settings import variable
from service.stores import MEMORY, open_store, require_address
from service.stores.store import Unavailable
from service.streams import replies, requests
from service.streams.draft import Written
from service.streams.errors import gone
from service.streams.keeper import Keeper
from service.streams.owners import mine, owner, require_mine
from service.streams.shelf import Clock, Shelf
from service.streams.stream import Change, Head, Stream

THREADS, KEEPERS = 8, 4
"""Threads that wait for the store, and threads that write: a stream that is slow to read holds up few others."""
MOST_LISTED, LISTED = 1000, 100
POINTS = 500
SPAN = ("from", "to", "points")
REPLAYED = {"Idempotent-Replayed": "true"}


class Streams:
    """The streams of one app; the store is opened when it is first asked for."""

    def __init__(self, computing: Computing, clock: Clock) -> None:
        self.computing, self.settings, self.clock = computing, computing.settings, clock
        self.workers = ThreadPoolExecutor(THREADS, thread_name_prefix="lossapi-store")
        self._lock, self._opened = Lock(), list[tuple[Shelf, list[Keeper]]]()
        if self.settings.workers > 1 and self.settings.store == MEMORY:
            raise SystemExit(f"lossapi: {variable('store')}={MEMORY}: each of several workers would have its own")
        try:
            require_address(self.settings.store)
        except Unavailable as error:
            raise SystemExit(f"lossapi: {variable('store')}: {error}") from None

    def opened(self) -> tuple[Shelf, list[Keeper]]:
        """What is known of the store's streams, and the threads that write; the store is opened at the first call."""
        with self._lock:
            if not self._opened:
                shelf = Shelf(open_store(self.settings.store), self.settings, self.clock)
                self._opened.append((shelf, [Keeper(shelf) for _ in range(KEEPERS)]))
            return self._opened[0]

    @property
    def shelf(self) -> Shelf:
        """What is known of the store's streams."""
        return self.opened()[0]

    def paths(self) -> Mapping[str, Mapping[str, Endpoint]]:
        """What is answered, by path and method."""
        return {
            "/v1/streams": {"GET": self.listing, "POST": self.create},
            "/v1/streams/{id}": {"GET": self.show, "DELETE": self.delete},
            "/v1/streams/{id}/batches": {"POST": self.batch},
            "/v1/streams/{id}/history": {"GET": self.history},
            "/v1/streams/{id}/state": {"GET": self.state},
            "/v1/streams/{id}/merge": {"POST": self.merge},
            "/v1/streams/{id}/reset": {"POST": self.reset},
        }

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Close what was opened once the server stops."""
        yield
        while self._opened:
            shelf, keepers = self._opened.pop()
            for each in keepers:
                await asyncio.get_running_loop().run_in_executor(self.workers, each.close)
            shelf.store.close()

    async def stored(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A call that waits for the store; where that is out of reach, the client is asked to come again."""
        try:
            call = partial(copy_context().run, function, *arguments)
            return await asyncio.get_running_loop().run_in_executor(self.workers, call)
        except Unavailable as error:
            raise unavailable(error) from None

    async def create(self, request: Request) -> Response:
        """A new stream."""
        wire, body = await self._body(request)
        given = with_query(wire.read(body, self.computing.limits), read_query(request.scope))
        form = wire.form(read_options(popped(given)), given)
        stream = await self.stored(self._created, given)
        reply = wire.write(replies.shown(stream, stream.read(self.clock())), form)
        headers = {"Location": f"/v1/streams/{stream.head.plain['id']}"}
        return Response(reply, 201, headers, wire.writer.media_type)

    def _created(self, given: Mapping[str, Any]) -> Stream:
        now, most = self.clock(), self.settings.streams
        plain = json.encode({**requests.read_head(given, now), "owner": owner()})
        stream = Stream.begun(plain, self.settings.history_points)
        if not self.shelf.store.create(stream.head.plain["id"], plain, stream.head.expires(now), most, now):
            raise TooLarge(f"at most {most} streams (setting {variable('streams')})", "one more")
        return stream

    async def batch(self, request: Request) -> Response:
        """Fold one batch in; answered once it is stored, with the new values."""
        return await self._changed(request, self._batch)

    def _batch(self, stream: Stream, given: Mapping[str, Any]) -> Change:
        return Change(stream.head.empty.piece(requests.read_rows(stream.head.items, given)), 1)

    async def merge(self, request: Request) -> Response:
        """Fold states in."""
        return await self._changed(
            request, lambda stream, given: Change(requests.read_states(stream.head.items, given))
        )

    async def _changed(self, request: Request, change: Callable[[Stream, Mapping[str, Any]], Change]) -> Response:
        """A body made a change, the change stored, and what the stream then comes to."""
        identity, query = request.path_params["id"], read_query(request.scope)
        wire, body = await self._body(request)
        key = requests.read_key(request.scope, body)
        stream = await self._known(identity)

        def read_change() -> tuple[Change, Mapping[str, Any]]:
            given = with_query(wire.read(body, self.computing.limits), query)
            form = requests.written_form(wire, read_options(popped(given)), given)
            made = change(stream, given)
            assert made.packed
            return made, form

        made, form = await self.computing.on_worker(read_change)
        written = await self._written(identity, made, key)
        outcomes = written.stream.outcomes or await self.stored(written.stream.read, self.clock())
        reply = wire.write(replies.shown(written.stream, outcomes), form)
        return Response(reply, 200, REPLAYED if written.replayed else None, wire.writer.media_type)

    async def reset(self, request: Request) -> Response:
        """Start again: no rows, no batches; what was in the history stays."""
        identity = request.path_params["id"]
        await self._known(identity)
        written = await self._written(identity, Change(None), requests.read_key(request.scope, b""))
        return self._reply(request, replies.shown(written.stream, written.stream.read(self.clock())))

    async def _written(self, identity: str, change: Change, key: Any) -> Written:
        _, keepers = await self.stored(self.opened)
        keeper = keepers[hash(identity) % len(keepers)]
        try:
            written: Written = await asyncio.wrap_future(keeper.submit(identity, change, key))
        except Unavailable as error:
            raise unavailable(error) from None
        return written

    async def _known(self, identity: str) -> Stream:
        """The stream as it was last known: enough to know what it asks for."""
        known = self.shelf.remembered(identity) if self._opened else None
        return require_mine(known.stream) if known else await self.current(identity)

    async def current(self, identity: str) -> Stream:
        """The stream as it is now."""
        found: Stream = await self.stored(lambda: self.shelf.caught_up(identity).stream)
        return require_mine(found)

    async def show(self, request: Request) -> Response:
        """The values now."""
        stream = await self.current(request.path_params["id"])
        return self._reply(request, await self.stored(lambda: replies.shown(stream, stream.read(self.clock()))))

    async def history(self, request: Request) -> Response:
        """The values over time."""
        stream, query = await self.current(request.path_params["id"]), request.query_params
        requests.require_known(query, SPAN)
        start, end, points = (requests.parsed(query.get(name)) for name in SPAN)
        count = requests.read_count("points", points, POINTS, requests.MOST_POINTS)
        span = requests.read_time("from", start), requests.read_time("to", end)
        return Response(json.encode(replies.history(stream, *span, count)), media_type=json.MEDIA_TYPE)

    async def state(self, request: Request) -> Response:
        """The state, to be merged elsewhere."""
        stream = await self.current(request.path_params["id"])
        panel = stream.content.panel(self.clock())
        return self._reply(request, {"state": pack(panel)})

    async def delete(self, request: Request) -> Response:
        """Remove it."""
        identity = request.path_params["id"]
        await self._known(identity)
        if not await self.stored(lambda: self.shelf.store.delete(identity, self.clock())):
            raise gone(identity)
        self.shelf.forget(identity)
        return Response(status_code=204)

    async def listing(self, request: Request) -> Response:
        """Streams, oldest first, by name and labels."""
        query = request.query_params
        requests.require_known(query, ("name", "label", "limit", "after", *REPLY_KEYS))
        limit, labels = requests.parsed(query.get("limit")), requests.read_labels(query.getlist("label"))
        most = requests.read_count("limit", limit, LISTED, MOST_LISTED)
        name, after = query.get("name"), query.get("after")
        found = await self.stored(self.chosen, lambda head: head.matches(name, labels), after, most)
        return self._reply(request, {"streams": [replies.shown(*each) for each in found]}, ("name", "limit", "after"))

    def heads(self) -> list[Head]:
        """What the streams that may be seen were asked to be, oldest first."""
        heads = self.shelf.store.heads(self.clock()).values()
        return [head for content in heads if mine(head := Head(json.decode(content)))]

    def chosen(
        self, wanted: Callable[[Head], bool], after: str | None = None, most: int | None = None
    ) -> list[tuple[Stream, list[Outcome]]]:
        """The streams that are wanted, oldest first, with what they come to now."""
        now = self.clock()
        every = [head.plain["id"] for head in self.heads() if wanted(head)]
        start = every.index(after) + 1 if after in every else 0
        found = []
        for identity in every[start : None if most is None else start + most]:
            with suppress(UnknownName):  # it may have gone meanwhile
                stream = self.shelf.caught_up(identity).stream
                found.append((stream, stream.read(now)))
        return found

    def _reply(self, request: Request, value: Mapping[str, Any], taken: Sequence[str] = ()) -> Response:
        """A reply in the format that is accepted; the query may say how numbers are written."""
        wire = read_headers(request.scope, self.computing.limits)
        options = read_options(
            {name: each for name, each in request.query_params.items() if name not in ("label", *taken)}
        )
        return Response(wire.write(value, wire.form(options, {})), media_type=wire.writer.media_type)

    async def _body(self, request: Request) -> tuple[Wire, Any]:
        wire = read_headers(request.scope, self.computing.limits)
        return wire, await read_body(request.scope, request.receive, self.computing.limits)


def popped(given: dict[str, Any]) -> dict[str, Any]:
    """What says how the reply is written, taken out of a request."""
    return {name: given.pop(name) for name in REPLY_KEYS if name in given}


def unavailable(error: Unavailable) -> HTTPException:
    """The store cannot be reached."""
    return HTTPException(503, f"the store of streams cannot be used ({error})", {"Retry-After": "1"})
