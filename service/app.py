"""Wiring only: which path is answered by what."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse

from lossapi import __version__, registry
from service import compute, errors, health, openapi
from service.settings import Settings, read_settings
from service.telemetry import RequestId


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    settings = settings or read_settings()
    registry.catalogue()
    app = FastAPI(
        title="lossapi",
        version=__version__,
        middleware=[Middleware(RequestId)],
        exception_handlers=errors.handlers(),
    )
    app.state.settings = settings
    app.openapi = cache(openapi.document)  # type: ignore[method-assign]  # FastAPI's documented way to bring one's own
    for method, path, endpoint in routes(compute.Computing(settings)):
        app.add_route(path, endpoint, methods=[method])
    return app


def routes(computing: compute.Computing) -> list[tuple[str, str, Any]]:
    """Every path. One route serves all losses, so that finding it does not grow with their number."""
    return [
        ("POST", "/v1/losses/{name}", computing.loss),
        ("GET", "/v1/losses/{name}", compute.card("loss")),
        ("POST", "/v1/metrics/{name}", computing.metric),
        ("GET", "/v1/metrics/{name}", compute.card("metric")),
        ("GET", "/v1/losses", compute.listing("loss")),
        ("GET", "/v1/metrics", compute.listing("metric")),
        ("POST", "/v1/like/{library}/{function}", computing.like),
        ("GET", "/v1/like", compute.like_listing),
        ("GET", "/v1/limits", health.limits),
        ("GET", "/health/live", health.live),
        ("GET", "/health/ready", health.ready),
        ("GET", "/", home),
    ]


async def home(request: Request) -> RedirectResponse:
    """People land on the documentation."""
    return RedirectResponse("/docs")
