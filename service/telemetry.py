"""What every reply carries: the request's id."""

import secrets
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = b"x-request-id"
LONGEST = 128


class RequestId:
    """Gives each request an id, the client's own where it sent a sane one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        sane = 0 < len(given) <= LONGEST and given.isascii() and all(32 < byte < 127 for byte in given)
        identity = given if sane else secrets.token_hex(8).encode()
        scope["request_id"] = identity.decode()

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, identity)]
            await send(message)

        await self.app(scope, receive, reply)
