"""What Grafana's JSON data source asks for: health, the names of series, their values over time, tables.

A target is `stream/series`, by the stream's name or its id; `*` and `?` stand for anything, so `*/accuracy` compares
models. Null is never NaN.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lossapi.codecs import json
from service.bodies import read_body, read_headers
from service.catalogue import Endpoint
from service.dashboards.queries import Query, Target, over_time, read_query, text_of, unique
from service.dashboards.series import called, series_of
from service.streams.endpoints import Streams
from service.streams.stream import Head, Stream

PREFIX = "/v1/dashboards/grafana"
TIME, NUMBER, TEXT = "time", "number", "string"
COLUMNS = {"updated": TIME, "stream": TEXT, "series": TEXT, "index": TEXT, "value": NUMBER, "rows": NUMBER}


class Grafana:
    """The endpoints of the data source."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def paths(self) -> Mapping[str, Mapping[str, Endpoint]]:
        """What is answered, by path and method."""
        posts = {
            "search": self.search,
            "metrics": self.metrics,
            "metric-payload-options": self.nothing,
            "query": self.query,
            "variable": self.variable,
            "tag-keys": self.tag_keys,
            "tag-values": self.tag_values,
            "annotations": self.nothing,
        }
        health = {PREFIX: {"GET": self.health}, f"{PREFIX}/": {"GET": self.health}}
        return {**health, **{f"{PREFIX}/{name}": {"POST": endpoint} for name, endpoint in posts.items()}}

    async def health(self, request: Request) -> Response:
        """The data source works: the store can be read."""
        await self.streams.stored(self.streams.heads)
        return reply({"status": "ok"})

    async def nothing(self, request: Request) -> Response:
        """There are none."""
        await self._body(request)
        return reply([])

    async def search(self, request: Request) -> Response:
        """The names of series that hold what was typed."""
        return reply(await self._names(text_of(await self._body(request), "target")))

    async def metrics(self, request: Request) -> Response:
        """The names of series, as the query editor lists them."""
        names = await self._names(text_of(await self._body(request), "metric"))
        return reply([{"label": name, "value": name, "payloads": []} for name in names])

    async def variable(self, request: Request) -> Response:
        """The streams' names, for a variable of a dashboard; or the values of a label, where one is the target."""
        label = text_of((await self._body(request)).get("payload"), "target")
        heads = await self._heads()
        found = [head.plain["labels"].get(label) for head in heads] if label else [called(head) for head in heads]
        return reply([{"__text": each, "__value": each} for each in unique(each for each in found if each)])

    async def tag_keys(self, request: Request) -> Response:
        """The labels that streams have."""
        await self._body(request)
        names = unique(key for head in await self._heads() for key in head.plain["labels"])
        return reply([{"type": TEXT, "text": name} for name in names])

    async def tag_values(self, request: Request) -> Response:
        """What a label comes to."""
        key = text_of(await self._body(request), "key")
        values = [head.plain["labels"].get(key) for head in await self._heads()]
        return reply([{"text": value} for value in unique(each for each in values if each)])

    async def query(self, request: Request) -> Response:
        """Every target, over time or as a table."""
        query = read_query(await self._body(request))
        found: list[Any] = []
        for target in query.targets:
            chosen = await self._chosen(query, target)
            if target.table:
                found.append(await self.streams.stored(self._table, chosen, target))
            else:
                found += over_time(query, target, chosen)
        return reply(found[: self.streams.settings.published_series])

    def _table(self, chosen: Sequence[Stream], target: Target) -> dict[str, Any]:
        """What series come to now."""
        labels = unique(key for stream in chosen for key in stream.head.plain["labels"])
        columns = {**COLUMNS, **dict.fromkeys(labels, TEXT)}
        rows = [
            [
                *(stream.updated, each.stream, each.label, each.place or None, each.value, stream.count),
                *(stream.head.plain["labels"].get(label) for label in labels),
            ]
            for stream in chosen
            for each in series_of(stream, stream.read(self.streams.clock()))
            if target.means(stream.head, each.label)
        ]
        named = [{"text": name, "type": kind} for name, kind in columns.items()]
        return {"type": "table", "columns": named, "rows": rows, **target.more}

    async def _heads(self) -> list[Head]:
        found: list[Head] = await self.streams.stored(self.streams.heads)
        return found

    async def _names(self, typed: str) -> list[str]:
        names = unique(f"{called(head)}/{item.label}" for head in await self._heads() for item in head.items)
        return [name for name in names if typed in name]

    async def _chosen(self, query: Query, target: Target) -> list[Stream]:
        """The streams that a target is about, as they are now."""
        chosen = await self.streams.stored(
            self.streams.chosen, lambda head: query.passes(head) and target.means_any(head)
        )
        return [stream for stream, _ in chosen]

    async def _body(self, request: Request) -> dict[str, Any]:
        """The object that was sent; none is an empty one."""
        limits = self.streams.computing.limits
        wire = read_headers(request.scope, limits)
        body = await read_body(request.scope, request.receive, limits)
        return wire.read(body, limits) if len(body) else {}


def reply(value: Any) -> Response:
    """A value as JSON."""
    return Response(json.encode(value, "null"), media_type=json.MEDIA_TYPE)
