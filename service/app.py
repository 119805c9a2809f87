"""Wiring only: which path is answered by what."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from lossapi import __version__, registry
from lossapi.codecs import json
from service import catalogue, compute, errors, health, metrics, openapi_protocol
from service.catalogue import Endpoint
from service.dashboards import gauges
from service.dashboards.grafana import Grafana
from service.dashboards.tables import Tables
from service.gate import EXPOSED, Gate
from service.inference import Inferring, Inlet
from service.keys import Keys
from service.lifecycle import Life
from service.openinference import OpenInference, Paths
from service.settings import Settings, choose_providers, read_settings
from service.streams.endpoints import Streams
from service.streams.shelf import Clock, wall_clock
from service.tally import Tally
from service.turns import KEY, Turns


def create_app(settings: Settings | None = None, clock: Clock = wall_clock) -> ASGIApp:
    """The application; settings come from the environment unless given, and the time of streams from the wall."""
    settings = settings or read_settings()
    choose_providers(settings)
    registry.catalogue()
    computing, tally = compute.Computing(settings), Tally()
    turns = Turns(computing.admission)
    life = Life(settings, tally, computing.admission)
    inferring = Inferring(computing)
    streams = Streams(computing, clock)
    protocol = OpenInference(inferring)
    app = FastAPIOffline(
        redoc_url=None,
        title="lossapi",
        version=__version__,
        routes=routes(
            computing,
            {
                **streams.paths(),
                **Grafana(streams).paths(),
                **Tables(streams).paths(),
                **protocol.paths(),
                **protocol.not_offered(),
                "/openapi.json": {"GET": described(protocol.paths())},
            },
        ),
        exception_handlers=errors.handlers(),
        lifespan=partial(lifespan, life, streams, turns),
    )
    app.state.settings, app.state.life = settings, life
    app.state.published = partial(streams.stored, gauges.exposition, streams)
    app.state.tally, app.state.admission = tally, computing.admission
    keys = None if settings.keys_file is None else Keys(settings.keys_file)
    gate = Gate(Inlet(app, inferring), computing, life, tally, keys)
    origins = [each.strip() for each in settings.cors_origins.split(",") if each.strip()]
    if origins:
        return CORSMiddleware(gate, origins, ["*"], ["*"], expose_headers=EXPOSED)
    turns.desk = gate
    return gate


@asynccontextmanager
async def lifespan(life: Life, streams: Streams, turns: Turns, app: ASGIApp) -> AsyncIterator[Mapping[str, Any]]:
    """What the server runs within: warm before it is ready; once it stops, what was opened is closed."""
    async with streams.lifespan(app), life.span(app):
        yield {KEY: turns}


def routes(computing: compute.Computing, protocol: Paths) -> list[BaseRoute]:
    """Every path. One route serves all losses, so that finding it does not grow with their number."""
    paths: Paths = {
        "/v1/losses/{name}": {"POST": compute.unknown, "GET": catalogue.card("loss")},
        "/v1/losses/{name}/model.onnx": {"GET": computing.model},
        "/v1/metrics/{name}": {"POST": compute.unknown, "GET": catalogue.card("metric")},
        "/v1/like/{library}/{function}": {"POST": compute.unknown},
        "/v1/losses": {"GET": catalogue.listing("loss")},
        "/v1/metrics": {"GET": catalogue.listing("metric")},
        "/v1/like": {"GET": catalogue.like_listing},
        "/v1/states/merge": {"POST": compute.unknown},
        "/v1/evaluate": {"POST": compute.unknown},
        "/v1/limits": {"GET": health.limits},
        "/health/live": {"GET": health.live},
        "/health/ready": {"GET": health.ready},
        "/metrics": {"GET": metrics.exposition},
        **protocol,
        "/errors/{code}": {"GET": errors.explain},
        "/": {"GET": home},
    }
    return [Route(path, by_method(path, endpoints), methods=list(endpoints)) for path, endpoints in paths.items()]


def by_method(path: str, endpoints: Mapping[str, Endpoint]) -> Endpoint:
    """One endpoint for all methods of a path, so that a 405 names them all."""

    async def endpoint(request: Request) -> Response:
        request.scope["template"] = path
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


def described(protocol: Paths) -> Endpoint:
    """Answers with the OpenAPI document, which is made when it is first asked for."""

    @cache
    def document() -> bytes:
        return json.encode(openapi_protocol.document(protocol))

    async def endpoint(request: Request) -> Response:
        return Response(document(), media_type=json.MEDIA_TYPE)

    return endpoint


async def home(request: Request) -> RedirectResponse:
    """People land on the documentation."""
    return RedirectResponse("/docs")
