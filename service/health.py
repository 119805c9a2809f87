"""Liveness, readiness, and the limits in force."""

from starlette.requests import Request
from starlette.responses import Response

from lossapi import __version__, registry
from lossapi.backends import numpy as numpy_backend
from lossapi.codecs import json
from service.settings import LIMITS, Settings, variable


def _reply(value: object) -> Response:
    return Response(json.encode(value), media_type=json.MEDIA_TYPE)


async def live(request: Request) -> Response:
    """The process answers."""
    return _reply({"status": "live"})


async def ready(request: Request) -> Response:
    """Every definition is loaded; says what computes."""
    return _reply(
        {
            "status": "ready",
            "version": __version__,
            "backend": numpy_backend.NAME,
            "provider": numpy_backend.PROVIDER,
            "definitions": len(registry.catalogue()),
        }
    )


async def limits(request: Request) -> Response:
    """Every limit in force, with its value and the setting that changes it."""
    settings: Settings = request.app.state.settings
    entries = [
        {
            "name": name,
            "value": getattr(settings, name),
            "setting": variable(name),
            "meaning": Settings.model_fields[name].description,
        }
        for name in LIMITS
    ]
    return _reply({"limits": entries})
