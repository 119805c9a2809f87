"""What a request brings: its media type, its body, its query string; read off the ASGI scope, within the limits."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from lossapi.codecs import json
from lossapi.errors import ParameterError, TooLarge, Unreadable
from service.settings import variable

READABLE = (b"", b"application/json", b"application/x-www-form-urlencoded", b"text/json")
"""Media types read as JSON; the form type is what `curl -d` sends of itself."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body, refused before it is read where its type is foreign or its declared length over the limit."""
    _check_headers(scope["headers"], limit)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unreadable("a whole body", "a closed connection")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _over(limit, size)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_headers(headers: list[tuple[bytes, bytes]], limit: int) -> None:
    """A body without a type is read as JSON; another type or encoding is refused with those that work."""
    for name, value in headers:
        if name == b"content-type" and value != b"application/json":
            kind = value.partition(b";")[0].strip().lower()
            if kind not in READABLE and not kind.endswith(b"+json"):
                raise HTTPException(415, f"{kind.decode('latin-1')} is not read here; send {json.MEDIA_TYPE}")
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            raise HTTPException(415, f"Content-Encoding {value.decode('latin-1')} is not read here")
        elif name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _over(limit, int(value))


def _over(limit: int, size: int) -> TooLarge:
    return TooLarge(f"a body of at most {limit} bytes (setting {variable('body_bytes')})", f"{size} bytes or more")


def read_query(scope: Scope) -> dict[str, Any]:
    """Parameters of the query string, each read as JSON where it is JSON, else as text."""
    if not scope["query_string"]:
        return {}
    given: dict[str, Any] = {}
    for name, text in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
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
    if type(value) is not dict:
        raise Unreadable("a JSON object", f"a JSON {type(value).__name__}")
    twice = next((name for name in query if name in value), None)
    if twice is not None:
        raise ParameterError(f"{twice} in the body or the query string", "both", (twice,))
    return {**value, **query} if query else value
