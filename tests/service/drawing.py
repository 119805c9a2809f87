"""Requests drawn from the OpenAPI document: the document, what is drawn of it, and how a request is sent.

A thousand requests are drawn for some operations. They are drawn when an operation's own test runs, not when tests are
collected, and reach the application without a socket or a thread in between.
"""

import asyncio
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import schemathesis
import urllib3
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from lossapi.codecs import CODECS
from lossapi.codecs.json import MEDIA_TYPE
from lossapi.tables.files import FORMS
from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY

# Not `positive_data_acceptance`: a schema cannot say that two tensors have one shape, so much that fits it is refused.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

REFUSING = {"negative_data_rejection": {"expected-statuses": [400, 404, 409, 413, 415, 422, 428]}}
"""What is not as the document says may be refused for another fault of it, its size among them."""

# A longer look, at every definition: LOSSAPI_FUZZ=100 pytest tests/service/test_openapi.py
FUZZ = os.environ.get("LOSSAPI_FUZZ")
EXAMPLES = int(FUZZ or "2")
BASE = "http://testserver"


@schemathesis.serializer(*(media_type for media_type in (*CODECS, *FORMS) if media_type != MEDIA_TYPE))
def as_bytes(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Bytes that are hardly ever what they claim to be."""
    return value if isinstance(value, bytes) else str(value).encode()


class Direct(requests.adapters.HTTPAdapter):
    """Hands requests to an application on an event loop of this very thread."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self.app = app
        self.loop = asyncio.new_event_loop()
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.life = self.loop.create_task(self.running(scope))
        self.tell("startup")

    async def running(self, scope: Any) -> None:
        """The application, from its start to its end."""
        await self.app(scope, self.told.get, self.heard.put)

    def tell(self, event: str) -> None:
        """Have the application start or stop, and wait until it has."""
        self.told.put_nowait({"type": f"lifespan.{event}"})
        assert self.loop.run_until_complete(self.heard.get())["type"] == f"lifespan.{event}.complete"

    def close(self) -> None:
        """End the application."""
        self.tell("shutdown")
        self.loop.run_until_complete(self.life)
        self.loop.close()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The reply to a request."""
        body = request.body or b""
        waiting = [{"type": "http.request", "body": body.encode() if isinstance(body, str) else body}]
        sent: list[Any] = []
        answered = asyncio.Event()

        async def receive() -> Any:
            if not waiting:
                await answered.wait()  # whoever asks stays until there is an answer
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        self.loop.run_until_complete(self.app(scope_of(request), receive, send))
        start, *parts = sent
        found = urllib3.HTTPResponse(
            body=io.BytesIO(b"".join(part.get("body", b"") for part in parts)),
            headers=urllib3.HTTPHeaderDict(
                (name.decode(), value.decode("latin-1")) for name, value in start["headers"]
            ),
            status=start["status"],
            preload_content=False,
        )
        return self.build_response(request, found)


def scope_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """A request as a server tells an application of it."""
    url = urlsplit(str(request.url))
    headers = {"host": url.netloc, **{name.lower(): value for name, value in request.headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "root_path": "",
        "query_string": url.query.encode(),
        "headers": [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()],
        "client": ("testclient", 50000),
        "server": (url.hostname, 80),
        "state": {},
    }


@contextmanager
def reaching(app: ASGIApp) -> Iterator[requests.Session]:
    """A session whose requests an application answers directly."""
    with requests.Session() as session:
        session.trust_env = False  # no look at the proxies of the environment for each request
        session.mount(BASE, Direct(app))
        yield session


def every_request(label: str, ask: Callable[[schemathesis.Case[Any]], None], examples: int) -> None:
    """Ask for what covers the schemas of an operation, and for some more that is drawn at random."""
    drawing = settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    one: Any = SCHEMA.include(name=label)
    (found,) = get_all_tests(schema=one, test_func=drawing(ask), settings=None, given_kwargs=None)
    assert isinstance(found, Ok), found.err()
    _, test = found.ok()
    test()


def labels(schema: Any) -> list[str]:
    """The operations of a schema by name; one that cannot be read is an error here."""
    return [each.ok().label for each in schema.get_all_operations()]


def untupled(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of lists instead of one of tuples, which Schemathesis cannot hold a reply against."""
    if "prefixItems" in schema:
        schema["items"] = {"anyOf": schema.pop("prefixItems")}
    return schema


def document() -> Any:
    """The OpenAPI document of an application."""
    with reaching(create_app(Settings(store=MEMORY))) as session:
        document = session.get(f"{BASE}/openapi.json").json(object_hook=untupled)
        return schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict({"checks": REFUSING}))


SCHEMA = document()
