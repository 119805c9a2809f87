"""Every knob: its name, default and one line of help. Read from the environment as `LOSSAPI_<NAME>`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lossapi.allowance import MOST_DEPTH, MOST_DIMENSIONS
from lossapi.backends import providers
from lossapi.errors import Unsupported
from lossapi.loops import build

PREFIX = "LOSSAPI_"

Size = Annotated[int, Ge(1)]


class Settings(BaseModel):
    """How the server runs; each field is set by the environment variable LOSSAPI_ and its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Ge(0), Le(65535)] = Field(default=8000, description="port to listen on; 0 picks a free one")
    workers: Size = Field(default=1, description="server processes")
    log_level: str = Field(default="info", description="critical, error, warning, info, debug or trace")
    log_format: Literal["text", "json"] = Field(default="text", description="lines for people, or JSON for programs")
    access_log: bool = Field(default=False, description="whether each request is a line of the log")
    keep_alive: Size = Field(default=75, description="seconds an idle connection is kept open")
    traces: str = Field(
        default="",
        description="OTLP endpoint that traces are sent to, such as http://collector:4318; needs lossapi[otel]",
    )
    drain_delay: Annotated[float, Ge(0)] = Field(
        default=1.0, description="seconds from SIGTERM, when /health/ready says no, until no connection is accepted"
    )
    grace: Size = Field(default=30, description="most seconds for what is in flight after that")
    body_bytes: Size = Field(default=256 * 2**20, description="largest request body, in bytes, once unfolded")
    elements: Size = Field(default=2**28, description="most elements of one tensor")
    dimensions: Annotated[int, Ge(1), Le(MOST_DIMENSIONS)] = Field(
        default=MOST_DIMENSIONS, description="most dimensions of one tensor"
    )
    json_depth: Annotated[int, Ge(1), Le(MOST_DEPTH)] = Field(
        default=MOST_DEPTH, description="most levels of nesting in a JSON body"
    )
    requests_in_flight: Size = Field(default=1024, description="most requests in flight, of each worker")
    bytes_in_flight: Size = Field(default=2**30, description="most bytes of bodies in flight, of each worker")
    elements_in_flight: Size = Field(default=2**29, description="most elements of tensors in flight, of each worker")
    queue: Annotated[int, Ge(0)] = Field(
        default=64, description="most large requests that wait for a thread, of each worker"
    )
    lag: Annotated[float, Gt(0)] = Field(
        default=1.0,
        description="seconds that requests may wait, for a tenth of a second without a pause, until more are refused",
    )
    deadline: Annotated[float, Ge(0)] = Field(
        default=60.0, description="most seconds that a request may take, its body's arrival included; 0 is any time"
    )
    keys_file: Path | None = Field(
        default=None, description="file of API keys, made by lossapi key; without one everybody may ask"
    )
    cors_origins: str = Field(
        default="", description="origins whose pages may ask, such as https://example.org,https://example.com; * is all"
    )
    providers: str = Field(
        default="", description="ONNX Runtime providers in order, such as CUDAExecutionProvider,CPUExecutionProvider"
    )
    provider_mode: Literal["prefer", "require"] = Field(
        default="prefer", description="whether the first provider must run (require) or the next may (prefer)"
    )
    device_memory: Size | None = Field(default=None, description="most bytes of a device's memory to take")
    cache: str = Field(default="", description="folder of compiled loops; where empty, the user's own for caches")
    shared_memory: bool = Field(
        default=False,
        description="whether clients on this machine may pass tensors in files of /dev/shm (/v2, one worker)",
    )
    inline_bytes: Annotated[int, Ge(0)] = Field(
        default=32 * 2**10, description="bodies up to this many bytes are computed without a worker thread"
    )
    store: str = Field(
        default="sqlite:///lossapi.db",
        description="where streams live: sqlite:///path/to/file.db, redis://host:port/db or memory:// (one worker)",
    )
    streams: Size = Field(default=10_000, description="most streams that there may be")
    stream_bytes: Size = Field(default=64 * 2**20, description="most bytes that a stream may come to in the store")
    history_points: Annotated[int, Ge(4)] = Field(
        default=1024, description="points of history that a stream keeps; older ones lie wider apart"
    )
    idempotency_seconds: Size = Field(
        default=86_400, description="seconds for which the Idempotency-Key of a batch is remembered"
    )
    published_series: Annotated[int, Ge(0)] = Field(
        default=1000, description="most series of streams that GET /metrics publishes"
    )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force; a bad value names its variable."""
    given: dict[str, Any] = {
        name: environment[variable(name)] for name in Settings.model_fields if variable(name) in environment
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = variable(str(first["loc"][0]))
        raise SystemExit(f"lossapi: {name}={first['input']}: {first['msg']}") from None


def choose_providers(settings: Settings) -> None:
    """Ask ONNX Runtime for the providers of the settings; one that is required and does not run ends the start.

    Compiled loops are kept in the folder of the settings.
    """
    build.keep_in(settings.cache)
    if not settings.providers:
        return
    names = [name.strip() for name in settings.providers.split(",") if name.strip()]
    try:
        providers.configure(names, settings.provider_mode, settings.device_memory)
    except Unsupported as error:
        raise SystemExit(f"lossapi: {variable('providers')}: {error}") from None
