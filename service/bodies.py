"""What a request brings: its formats, its body, its query string; read off the ASGI scope, within the limits."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from lossapi.codecs import json
from lossapi.codecs.codec import Limits
from lossapi.codecs.room import Room
from lossapi.codecs.tensors import Buffer
from lossapi.errors import ParameterError
from service.media import Wire, wire_of
from service.visit import Gone, current, headers_of


def read_headers(scope: Scope, limits: Limits) -> Wire:
    """The formats of the request and its reply; a body that says that it is over the limit is not even read."""
    headers = headers_of(scope)
    said = headers.get(b"content-length", b"")
    if said.isdigit() and int(said) > limits.unfolded:
        raise limits.over(int(said))
    return wire_of(headers)


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> Buffer:
    """The whole body; a large one in room of its own, where what its length is said to be costs nothing."""
    room: Room | None = None
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        size = len(part) + (room.size if room else 0)
        if size > limits.unfolded:
            raise limits.over(size)
        more = message.get("more_body", False)
        if room is None and not more:
            return part
        if (visit := current()) is not None:
            visit.has(size)
        room = room or Room(_said(scope, limits))
        room.add(part)
        if not more:
            return room.filled()


def _said(scope: Scope, limits: Limits) -> int:
    """How long the body is said to be; where nothing is said, as long as it may be."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), limits.unfolded)


def read_query(scope: Scope) -> dict[str, Any]:
    """Parameters of the query string, each read as JSON where it is JSON, else as text; `return` may list words."""
    given: dict[str, Any] = {}
    if not scope["query_string"]:
        return given
    for name, text in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name in given:
            raise ParameterError(f"{name} once", "more than once", (name,))
        value = json.value_of(text, name)
        given[name] = value.split(",") if name == "return" and isinstance(value, str) else value
    return given


def with_query(given: dict[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
    """The request: the body's keys and the query's."""
    if not query:
        return given
    twice = next((name for name in query if name in given), None)
    if twice is not None:
        raise ParameterError(f"{twice} in the body or the query string", "both", (twice,))
    return {**given, **query}
