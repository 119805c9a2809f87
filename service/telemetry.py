"""What every reply carries: the request's id."""

from random import getrandbits
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = b"x-request-id"
LONGEST = 128


def identify(scope: Scope) -> bytes:
    """Give a request its id: the client's own where it sent a sane one."""
    identity: bytes | None = None
    for name, value in scope["headers"]:
        if name == HEADER and 0 < len(value) <= LONGEST and all(32 < byte < 127 for byte in value):
            identity = value
            break
    identity = identity or b"%016x" % getrandbits(64)
    scope["request_id"] = identity.decode()
    return identity


def identified(send: Send, identity: bytes) -> Send:
    """Send a reply under its request's id."""

    async def reply(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HEADER, identity)]
        await send(message)

    return reply


class RequestId:
    """Gives each request an id and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] == "http":
            send = identified(send, identify(scope))
        await self.app(scope, receive, send)
