"""The one way in: who asks, whether there is room, how long it takes; and the short way to what computes.

A POST that computes passes by the framework's layers, which cost more than most computations.
"""

import asyncio
from collections.abc import Mapping
from random import getrandbits
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lossapi.allowance import ALLOWANCE
from service.admission import Full, counts
from service.compute import Answer, Computing
from service.errors import MEDIA_TYPE, body_of, refuse
from service.keys import Keys
from service.lifecycle import Life
from service.logs import LOG, access
from service.metrics import Flow, note, note_refusal
from service.otel import tracer
from service.tally import Tally
from service.traces import continued
from service.turns import CLOSE, REFUSED, Reply
from service.visit import Visit, headers_of

TRACE: Final = b"traceparent"
OTHER = {"/v1/states/merge": "/v1/states/merge", "/v1/evaluate": "/v1/evaluate"}
IDENTITY: Final = b"x-request-id"
LONGEST = 128
VISIT = "visit"
"""Where the scope of a request that was not answered at once has what is known of it."""
OK, FULL = 200, 503
BUSY = "Service Unavailable"
PROBLEM = MEDIA_TYPE.encode()
EXPOSED = ("X-Request-Id", "Server-Timing", "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate")
"""Headers of a reply that pages from elsewhere may read, where they may ask."""
PAGE = [
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"SAMEORIGIN"),
]
"""What pages for people carry: all that they load comes from here."""
PLAIN = (b"x-content-type-options", b"nosniff")


def identity_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The client's own id of a request, where it sent a sane one."""
    identity = headers.get(IDENTITY, b"")
    if 0 < len(identity) <= LONGEST and all(32 < byte < 127 for byte in identity):
        return identity
    return b"%016x" % getrandbits(64)


def timing(visit: Visit) -> bytes:
    """`Server-Timing`: the milliseconds of each stage that was reached."""
    begun = visit.begun or perf_counter()
    if not visit.encoded:
        return b"queue;dur=%.3f" % ((begun - visit.arrived) * 1e3)
    return b"queue;dur=%.3f, decode;dur=%.3f, compute;dur=%.3f, encode;dur=%.3f" % (
        (begun - visit.arrived) * 1e3,
        (visit.decoded - begun) * 1e3,
        (visit.computed - visit.decoded) * 1e3,
        (visit.encoded - visit.computed) * 1e3,
    )


class Gate:
    """Answers what `computing` knows, and passes everything else on to `app`."""

    def __init__(self, app: ASGIApp, computing: Computing, life: Life, tally: Tally, keys: Keys | None = None) -> None:
        self.app = app
        self.computing, self.admission = computing, computing.admission
        self.life, self.tally, self.keys = life, tally, keys
        self.flows: dict[tuple[str, str], Flow] = {}
        self.tracer = tracer(computing.settings)
        self.logged = computing.settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever goes wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit: Visit = scope.pop(VISIT, None) or self._come(scope)
        visit.receive, visit.task, visit.reading = receive, asyncio.current_task(), True
        scope["request_id"] = visit.identity.decode()
        ALLOWANCE.set(visit)
        try:
            await self._pass(visit, scope, receive, send)
        except Exception as error:
            await self._refuse(error, visit, scope, receive, send)
        except asyncio.CancelledError:
            if visit.ended is None or visit.task is None:
                raise
            visit.task.uncancel()
            await self._refuse(visit.ended, visit, scope, receive, send)
        finally:
            self._leave(visit, scope)

    def answer(self, scope: Scope, body: bytearray) -> Reply | None:
        """Answer what is computed on the event loop, without a task; what goes wrong there is told by one."""
        answer = self.computing.of(scope)
        if answer is None:
            return None
        scope[VISIT] = visit = self._come(scope)
        wire = self.computing.quick(answer, visit, len(body))
        if wire is None:
            return None
        before = ALLOWANCE.set(visit)
        try:
            self._let_in(visit, scope)
            reply = self._reply(visit, *self.computing.computed(answer, wire, scope, bytes(body), visit))
            self._leave(visit, scope)
        except Exception as error:
            scope[REFUSED] = error
            return None
        finally:
            ALLOWANCE.reset(before)
        return reply

    def _come(self, scope: Scope) -> Visit:
        """A request has come: what is known of it."""
        visit = Visit(scope, self.computing.allowance, self.admission)
        visit.identity = identity_of(visit.headers)
        if TRACE in visit.headers or self.tracer is not None:
            self._trace(visit)
        if self.life.draining:
            visit.more.append(CLOSE)
        return visit

    def _let_in(self, visit: Visit, scope: Scope) -> None:
        if self.keys is not None:
            self.keys.admit(visit, scope)
        if counts(scope):
            self.admission.enter(visit)

    async def _pass(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """Who may come in is answered, the short way or by the framework."""
        if REFUSED in scope:
            raise scope.pop(REFUSED)
        self._let_in(visit, scope)
        answer = self.computing.of(scope)
        if answer is None:
            await self.app(scope, receive, finished(visit, send))
        else:
            await self._answer(answer, visit, scope, receive, send)

    async def _answer(self, answer: Answer, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """The short way; one reply in one piece."""
        status, headers, body = self._reply(visit, *await self.computing.answered(answer, scope, receive))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _reply(self, visit: Visit, media_type: str, body: bytes) -> Reply:
        """All of a reply, if it is in time."""
        if visit.end is not None and visit.encoded > visit.end:
            visit.check()
        visit.status, visit.sent = OK, len(body)
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (IDENTITY, visit.identity),
            (b"server-timing", timing(visit)),
            PLAIN,
            *visit.more,
        ]
        return OK, headers, body

    async def _refuse(self, error: Exception, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        if visit.status:  # the framework has answered that it failed
            LOG.error("request %s failed", scope["request_id"], exc_info=error)
        elif isinstance(error, Full):
            await self._turn_away(error, visit, send)
        else:
            await refuse(error, scope, receive, finished(visit, send))

    async def _turn_away(self, error: Full, visit: Visit, send: Send) -> None:
        """The short way out: under overload it is what most requests take."""
        status, headers, body = refusal(error, visit.identity)
        visit.status, visit.sent, visit.reason = status, len(body), error.reason
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *visit.more]})
        await send({"type": "http.response.body", "body": body})

    def turn_away(self, scope: Scope, full: Full) -> Reply | None:
        """Refuse a request that was not begun; where more than a count is kept of each, or said to it, it has to be."""
        if self.logged or self.tracer is not None or self.life.draining:
            return None
        reply = refusal(full, identity_of(headers_of(scope)))
        seconds = perf_counter() - scope["arrived"]
        note_refusal(self.tally, full.reason, route_of(scope), seconds, len(reply[-1]))
        return reply

    def _trace(self, visit: Visit) -> None:
        """Continue the trace that the client began, or begin one."""
        visit.trace = continued(visit.headers.get(TRACE)) if self.tracer is None else self.tracer.begin(visit)
        if visit.trace is not None:
            visit.more.append((b"traceresponse", visit.trace.header))

    def _leave(self, visit: Visit, scope: Scope) -> None:
        self.admission.leave(visit)
        visit.part()
        seconds, path = perf_counter() - visit.arrived, scope["path"]
        if visit.encoded and visit.status == OK and not visit.key and path in self.computing.answers:
            flow = self.flows.get((path, visit.codec))
            if flow is None:
                flow = self.flows[path, visit.codec] = Flow(self.tally, route_of(scope), visit.codec)
            flow.add(visit, seconds)
        else:
            note(self.tally, visit, route_of(scope), seconds)
        if self.tracer is None and not self.logged:
            return
        route = route_of(scope)
        if self.tracer is not None:
            self.tracer.end(visit, scope["method"], route)
        if self.logged:
            access(visit, scope["method"], route, seconds)


def refusal(full: Full, identity: bytes) -> Reply:
    """What refuses a request."""
    body = body_of(FULL, "service_unavailable", BUSY, f"{BUSY}: {full.detail}", identity.decode())
    length = (b"content-length", b"%d" % len(body))
    return FULL, [(b"content-type", PROBLEM), length, (b"retry-after", b"1"), (IDENTITY, identity)], body


def route_of(scope: Scope) -> str:
    """The template of a request's path: not as many as there are names."""
    template: str | None = scope.get("template")
    if template is not None:
        return template
    match scope["path"].split("/", 4):
        case ["", "v1", ("losses" | "metrics") as plural, _]:
            return f"/v1/{plural}/{{name}}"
        case ["", "v1", "like", _, _]:
            return "/v1/like/{library}/{function}"
        case ["", "v2", "models", _, _]:
            return "/v2/models/{model}/infer"
    return OTHER.get(scope["path"], "other")


def finished(visit: Visit, send: Send) -> Send:
    """Send a reply with what every reply carries."""

    async def reply(message: Message) -> None:
        if message["type"] == "http.response.start":
            visit.status = message["status"]
            headers = [*message["headers"], *visit.more]
            headers += [(IDENTITY, visit.identity), (b"server-timing", timing(visit)), PLAIN]
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                headers += PAGE
            message["headers"] = headers
        else:
            visit.sent += len(message.get("body", b""))
        await send(message)

    return reply
