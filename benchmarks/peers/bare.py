"""The limit: an ASGI app that drains the body and answers a constant."""

import argparse

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPResponseStartEvent, Scope

ANSWER = b'{"name":"huber","value":0.5}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": HEADERS,
    "trailers": False,
}


async def app(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Read everything, understand nothing, answer 200."""
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message["more_body"]
    await send(START)
    await send({"type": "http.response.body", "body": ANSWER, "more_body": False})


def main() -> None:
    """Serve on loopback with uvicorn[standard], one worker, no access log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
