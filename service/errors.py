"""Every failure as one body, `application/problem+json` (RFC 9457): one table, one handler."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lossapi.errors import Conflict, Fault, Invalid, LossError, TooLarge, UnknownName, Unreadable, nearest
from service.visit import Gone, current

LOG = logging.getLogger("lossapi")
STATUS: Mapping[type[LossError], int] = {
    Unreadable: 400,
    UnknownName: 404,
    Conflict: 409,
    TooLarge: 413,
    Invalid: 422,
}
UNPROCESSABLE = STATUS[Invalid]
GONE = 499
"""What is logged of a client that left; nobody reads it."""
TYPES = "/errors/"
MEDIA_TYPE = "application/problem+json"


def status_of(error: type[LossError]) -> int:
    """The status of an error: that of the nearest class in the table."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    faults: tuple[Fault, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The one error."""
    body = body_of(status, code, title, detail, request.scope.get("request_id", ""), faults)
    return Response(body, status, headers, MEDIA_TYPE)


def body_of(status: int, code: str, title: str, detail: str, identity: str, faults: tuple[Fault, ...] = ()) -> bytes:
    """The one error body."""
    return orjson.dumps({**_body(status, code, title, detail, faults), "request_id": identity})


def _body(status: int, code: str, title: str, detail: str, faults: tuple[Fault, ...]) -> dict[str, Any]:
    return {
        "type": TYPES + code,
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [{"pointer": f.pointer, "expected": f.expected, "got": f.got} for f in faults],
        "error": detail,
    }


def described(error: LossError) -> dict[str, Any]:
    """The same body within a reply, for one of several things that were asked for."""
    return _body(status_of(type(error)), error.code, error.title, str(error), error.faults)


async def on_loss_error(request: Request, error: Exception) -> Response:
    """An error of the core."""
    assert isinstance(error, LossError)
    status = status_of(type(error))
    if status == UNPROCESSABLE and request.scope["path"].startswith("/v2"):
        status = 400  # as clients of the Open Inference Protocol expect
    return problem(request, status, error.code, error.title, str(error), error.faults)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """An error of the transport: no such path, wrong method, wrong media type."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    detail = phrase if error.detail == phrase else f"{phrase}: {error.detail}"
    return problem(request, error.status_code, code, phrase, detail, headers=error.headers)


async def on_exception(request: Request, error: Exception) -> Response:
    """A bug: the details are in the log under the request's id."""
    return problem(request, 500, "bug", "Internal error", "A bug of ours; please report it with the request id")


async def explain(request: Request) -> Response:
    """What an error's `type` leads to: its title, status and meaning."""
    code = request.path_params["code"]
    kinds = {kind.code: kind for kind in descendants(LossError)}
    if code not in kinds:
        raise UnknownName(f"an error code such as {nearest(code, kinds)}", repr(code))
    kind = kinds[code]
    body = {"code": code, "title": kind.title, "status": status_of(kind), "meaning": kind.__doc__}
    return Response(orjson.dumps(body), media_type="application/json")


def descendants(kind: type[LossError]) -> list[type[LossError]]:
    """Every error below one, as the tree draws them."""
    return [each for child in kind.__subclasses__() for each in (child, *descendants(child))]


EXPECTED = (LossError, HTTPException, Gone)


async def answer(request: Request, error: Exception) -> Response:
    """The one handler: an error of the core, of the transport, or a bug."""
    if (visit := current()) is not None:
        visit.reason = getattr(error, "reason", "")
    if isinstance(error, LossError):
        return await on_loss_error(request, error)
    if isinstance(error, MemoryError):
        error = HTTPException(503, "there is no memory for this now; try again, or with less", {"Retry-After": "1"})
    if isinstance(error, Gone):
        return Response(status_code=GONE)
    return await (on_http_exception if isinstance(error, HTTPException) else on_exception)(request, error)


async def refuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error, past the framework; one that is not expected is logged under the request's id."""
    if not isinstance(error, EXPECTED):
        LOG.error("request %s failed", scope["request_id"], exc_info=error)
    response = await answer(Request(scope, receive), error)
    await response(scope, receive, send)


def handlers() -> dict[int | type[Exception], Any]:
    """The same for the framework."""
    return {LossError: answer, HTTPException: answer, Gone: answer, MemoryError: answer, Exception: answer}
