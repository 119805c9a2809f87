"""GET /metrics: the service seen from outside, as Prometheus reads it."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from lossapi import __version__
from lossapi.backends import choice

REGISTRY = CollectorRegistry()
BUILD = Gauge("lossapi_build_info", "The version that runs; always 1.", ["version"], registry=REGISTRY)
PROVIDER = Gauge(
    "lossapi_provider_info", "Where each backend computes; always 1.", ["backend", "provider"], registry=REGISTRY
)


async def exposition(request: Request) -> Response:
    """All metrics in Prometheus' text format."""
    BUILD.labels(__version__).set(1)
    for backend, provider in choice.running().items():
        PROVIDER.labels(backend, provider).set(1)
    published = await request.app.state.published()
    return Response(generate_latest(REGISTRY) + published, media_type=CONTENT_TYPE_LATEST)
