"""Flat tables, as JSON or CSV: what Grafana's Infinity data source, a spreadsheet or pandas read."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lossapi.codecs import json
from lossapi.errors import ParameterError
from service.catalogue import Endpoint
from service.dashboards.series import called, series_of
from service.streams.endpoints import POINTS, SPAN, Streams
from service.streams.requests import MOST_POINTS, parsed, read_count, read_labels, read_time, require_known
from service.streams.stream import Head

CSV = "text/csv"
COMMON = ("name", "label", "format")
Row = dict[str, Any]


class Tables:
    """The values of streams, now and over time, one row for each number."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def paths(self) -> Mapping[str, Mapping[str, Endpoint]]:
        """What is answered, by path and method."""
        return {
            "/v1/dashboards/values": {"GET": self.values},
            "/v1/dashboards/history": {"GET": self.history},
        }

    async def values(self, request: Request) -> Response:
        """What every stream comes to now."""
        query = request.query_params
        require_known(query, COMMON)
        name, labels = query.get("name"), read_labels(query.getlist("label"))
        rows: list[Row] = [
            {
                **described(stream.head),
                "series": each.label,
                "index": each.place or None,
                "value": each.value,
                "count": stream.count,
                "updated": stream.updated,
            }
            for stream, outcomes in await self.streams.stored(
                self.streams.chosen, lambda head: head.matches(name, labels)
            )
            for each in series_of(stream, outcomes)
        ]
        return written(request, rows)

    async def history(self, request: Request) -> Response:
        """What every stream came to, over time."""
        query = request.query_params
        require_known(query, (*COMMON, *SPAN))
        start, end = (read_time(name, parsed(query.get(name))) for name in SPAN[:2])
        points = read_count("points", parsed(query.get("points")), POINTS, MOST_POINTS)
        name, labels = query.get("name"), read_labels(query.getlist("label"))
        rows: list[Row] = [
            {"time": time, **described(stream.head), "series": item.label, "value": values[index]}
            for stream, _ in await self.streams.stored(self.streams.chosen, lambda head: head.matches(name, labels))
            for time, values in stream.history.between(start, end, points)
            for index, item in enumerate(stream.head.items)
        ]
        return written(request, rows)


def described(head: Head) -> Row:
    """Which stream a row is of, its labels one by one."""
    labels = {f"label_{key}": value for key, value in head.plain["labels"].items()}
    return {"id": head.plain["id"], "stream": called(head), **labels}


def written(request: Request, rows: Sequence[Row]) -> Response:
    """A list of objects, or CSV where that is asked for."""
    wanted = request.query_params.get("format")
    if wanted not in (None, "json", "csv"):
        raise ParameterError("format to be json or csv", repr(wanted)[:60], ("format",))
    if wanted == "csv" or (wanted is None and CSV in request.headers.get("accept", "")):
        return Response(as_csv(rows), media_type=CSV)
    return Response(json.encode(list(rows)), media_type=json.MEDIA_TYPE)


def as_csv(rows: Sequence[Row]) -> str:
    """Rows under the names that any of them has; what a row has not is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
