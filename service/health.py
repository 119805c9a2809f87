"""Liveness, readiness, and the limits in force."""

from starlette.requests import Request
from starlette.responses import Response

from lossapi import __version__, registry
from lossapi.allowance import MOST_PAIRS
from lossapi.backends import choice
from lossapi.codecs import json, msgpack, safetensors
from lossapi.codecs.inference_data import MOST_STRINGS
from lossapi.evaluation import items, of_tensors, slices
from lossapi.maps.confusion import MOST_CLASSES
from service.settings import Settings, variable
from service.shared_memory import MOST_REGIONS


def _reply(value: object) -> Response:
    return Response(json.encode(value), media_type=json.MEDIA_TYPE)


async def live(request: Request) -> Response:
    """The process answers."""
    return _reply({"status": "live"})


async def ready(request: Request) -> Response:
    """Every definition is loaded, one of each family was computed, and it is not about to stop; says what computes."""
    request.app.state.life.require_ready()
    return _reply(
        {
            "status": "ready",
            "version": __version__,
            "backends": choice.running(),
            "definitions": len(registry.catalogue()),
        }
    )


LIMITS = (
    "body_bytes",
    "elements",
    "dimensions",
    "json_depth",
    "requests_in_flight",
    "bytes_in_flight",
    "elements_in_flight",
    "queue",
    "lag",
    "deadline",
    "streams",
    "stream_bytes",
    "history_points",
    "idempotency_seconds",
    "published_series",
)
"""Limits that settings move."""
FIXED = (
    ("json_values", json.MOST_VALUES, "values in a JSON body besides the text of base64"),
    ("msgpack_values", msgpack.MOST_VALUES, "values in a MessagePack body besides the bytes of tensors"),
    ("safetensors_header", safetensors.MOST_HEADER, "bytes of the header of a safetensors body"),
    ("strings", MOST_STRINGS, "strings in one tensor of /v2"),
    ("regions", MOST_REGIONS, "registered regions of shared memory"),
    ("classes", MOST_CLASSES, "classes in a confusion table"),
    ("pairs", MOST_PAIRS, "pairs of rows, where all rows of a loss see each other"),
    ("items", items.MOST, "losses, and as many metrics, in one evaluation or stream"),
    ("groups", slices.MOST, "groups of rows of one column, or one crossing, in an evaluation"),
    ("drawn_values", of_tensors.MOST_READINGS, "values of draws in an evaluation: draws × groups × items"),
    ("drawn_rows", of_tensors.MOST_DRAWN, "rows drawn in an evaluation: draws × rows"),
)
"""Limits that no setting changes: what the parser, the arrays and the memory of one request bear."""


async def limits(request: Request) -> Response:
    """Every limit in force, with its value and the setting that changes it, if one does."""
    settings: Settings = request.app.state.settings
    moved = [
        {"name": name, "value": value, "setting": variable(name), "meaning": Settings.model_fields[name].description}
        for name in LIMITS
        if (value := getattr(settings, name)) is not None
    ]
    fixed = [{"name": name, "value": value, "setting": None, "meaning": meaning} for name, value, meaning in FIXED]
    return _reply({"limits": [*moved, *fixed]})
