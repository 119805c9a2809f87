"""The one way in: who asks, whether there is room, how long it takes; and the short way to what computes.

A POST that computes passes by the framework's layers, which cost more than most computations.
"""

import asyncio
from random import getrandbits
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lossapi.allowance import ALLOWANCE
from service.compute import Answer, Computing
from service.errors import refuse
from service.keys import Keys
from service.lifecycle import Life
from service.visit import Visit

IDENTITY: Final = b"x-request-id"
LONGEST = 128
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
CLOSE = (b"connection", b"close")
PLAIN = (b"x-content-type-options", b"nosniff")


def identify(visit: Visit, scope: Scope) -> bytes:
    """Give a request its id: the client's own where it sent a sane one."""
    identity = visit.headers.get(IDENTITY, b"")
    if not (0 < len(identity) <= LONGEST and all(32 < byte < 127 for byte in identity)):
        identity = b"%016x" % getrandbits(64)
    visit.identity = identity
    scope["request_id"] = identity.decode()
    return identity


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

    def __init__(self, app: ASGIApp, computing: Computing, life: Life, keys: Keys | None = None) -> None:
        self.app = app
        self.life = life
        self.keys = keys
        self.computing = computing
        self.admission = computing.admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever goes wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(scope, receive, self.computing.allowance, self.admission)
        ALLOWANCE.set(visit)
        identify(visit, scope)
        path, post = scope["path"], scope["method"] == "POST"
        answer = self.computing.answers.get(path) if post else None
        reply = None if answer is not None else finished(visit, send)
        if self.life.draining:
            visit.more.append(CLOSE)
        try:
            if self.keys is not None:
                self.keys.admit(visit, scope)
            if post or path.startswith("/v1/"):
                self.admission.enter(visit)
            if answer is None:
                await self.app(scope, receive, reply or send)
            else:
                await self._answer(answer, visit, scope, receive, send)
        except Exception as error:
            await refuse(error, scope, receive, reply or finished(visit, send))
        except asyncio.CancelledError:
            if visit.ended is None or visit.task is None:
                raise
            visit.task.uncancel()
            await refuse(visit.ended, scope, receive, reply or finished(visit, send))
        finally:
            self.admission.leave(visit)

    async def _answer(self, answer: Answer, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """The short way; one reply in one piece."""
        media_type, body = await self.computing.answered(answer, scope, receive)
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (IDENTITY, visit.identity),
            (b"server-timing", timing(visit)),
            PLAIN,
            *visit.more,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def finished(visit: Visit, send: Send) -> Send:
    """Send a reply with what every reply carries."""

    async def reply(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], *visit.more]
            headers += [(IDENTITY, visit.identity), (b"server-timing", timing(visit)), PLAIN]
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                headers += PAGE
            message["headers"] = headers
        await send(message)

    return reply
