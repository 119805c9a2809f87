"""/v2: the Open Inference Protocol (KServe v2, Triton) with binary tensors. Every loss and metric is a model.

What is not offered (loading, traces, settings of the log, CUDA memory) answers 501. The statistics, and the regions
of shared memory, are those of one server process; statistics count what came through /v2.
"""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lossapi import __version__, models
from lossapi.codecs.inference_header import parsed
from lossapi.definition import Definition
from lossapi.errors import Unreadable
from service.catalogue import Endpoint, reply
from service.inference import Inferring
from service.inference_body import read_aligned

EXTENSIONS = (
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
)
Paths = Mapping[str, Mapping[str, Endpoint]]
STARTS = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
"""What a model's paths begin with."""


class OpenInference:
    """The endpoints of the protocol; the first line of each is its summary in OpenAPI."""

    def __init__(self, inferring: Inferring) -> None:
        self.inferring = inferring

    def paths(self) -> Paths:
        """Every path that is offered, by method."""
        of_a_model: Paths = {
            "": {"GET": self.metadata},
            "/ready": {"GET": self.model_ready},
            "/config": {"GET": self.config},
            "/stats": {"GET": self.statistics},
            "/infer": {"POST": self.infer},
        }
        return {
            "/v2": {"GET": self.server},
            "/v2/health/live": {"GET": self.live},
            "/v2/health/ready": {"GET": self.ready},
            "/v2/models": {"GET": self.listing},
            "/v2/models/stats": {"GET": self.all_statistics},
            "/v2/repository/index": {"POST": self.index},
            **{start + end: methods for end, methods in of_a_model.items() for start in STARTS},
            **(self.shared_memory() if self.inferring.regions.enabled else {}),
        }

    def not_offered(self) -> Paths:
        """Paths of the protocol that answer 501."""
        refused: Paths = {path: {"GET": not_offered, "POST": not_offered} for path in NOT_OFFERED}
        return refused if self.inferring.regions.enabled else {**refused, **self.shared_memory()}

    def shared_memory(self) -> Paths:
        """The paths of regions."""
        start, region = "/v2/systemsharedmemory", "/region/{region}"
        return {
            **{f"{start}{some}/status": {"GET": self.regions} for some in ("", region)},
            **{f"{start}{some}/unregister": {"POST": self.unregister} for some in ("", region)},
            f"{start}{region}/register": {"POST": self.register},
        }

    async def server(self, request: Request) -> Response:
        """The server's name, version and extensions."""
        extensions = [*EXTENSIONS, *(["system_shared_memory"] if self.inferring.regions.enabled else [])]
        return reply({"name": models.PLATFORM, "version": __version__, "extensions": extensions})

    async def live(self, request: Request) -> Response:
        """Whether the server runs."""
        return reply({"live": True})

    async def ready(self, request: Request) -> Response:
        """Whether the server answers for its models."""
        request.app.state.life.require_ready()
        return reply({"ready": True})

    async def listing(self, request: Request) -> Response:
        """The names of all models."""
        return reply({"models": list(models.every())})

    async def index(self, request: Request) -> Response:
        """All models with their state."""
        await self._object(request)
        state = {"version": models.VERSION, "state": "READY", "reason": ""}
        return reply([{"name": name, **state} for name in models.every()])

    async def metadata(self, request: Request) -> Response:
        """A model's tensors."""
        return reply(models.metadata(*asked(request)))

    async def model_ready(self, request: Request) -> Response:
        """Whether a model can be asked."""
        name, _ = asked(request)
        return reply({"name": name, "ready": True})

    async def config(self, request: Request) -> Response:
        """A model's configuration: which inputs are optional, and its parameters."""
        return reply(models.config(*asked(request)))

    async def statistics(self, request: Request) -> Response:
        """How often a model was asked, and what took how long."""
        return reply(self.inferring.statistics.shown(dict([asked(request)])))

    async def all_statistics(self, request: Request) -> Response:
        """The statistics of all models."""
        return reply(self.inferring.statistics.shown(models.every()))

    async def infer(self, request: Request) -> Response:
        """Compute a model's outputs."""
        return await self.inferring.post(request)

    async def regions(self, request: Request) -> Response:
        """The regions of shared memory that are registered."""
        return reply(self.inferring.regions.status(request.path_params.get("region")))

    async def register(self, request: Request) -> Response:
        """Register a region of shared memory."""
        self.inferring.regions.require_enabled()
        self.inferring.regions.register(request.path_params["region"], await self._object(request))
        return reply({})

    async def unregister(self, request: Request) -> Response:
        """Forget one region of shared memory, or all."""
        self.inferring.regions.unregister(request.path_params.get("region"))
        return reply({})

    async def _object(self, request: Request) -> dict[str, Any]:
        """The JSON object of a body; none is an empty one."""
        body = await read_aligned(dict(request.scope["headers"]), request.receive, self.inferring.limits, 0)
        value = parsed(body) if len(body) else {}
        if not isinstance(value, dict):
            raise Unreadable("a JSON object", f"a JSON {type(value).__name__}")
        return value


NOT_OFFERED = (
    "/v2/logging",
    "/v2/trace/setting",
    "/v2/models/{model}/trace/setting",
    "/v2/repository/models/{model}/load",
    "/v2/repository/models/{model}/unload",
    "/v2/cudasharedmemory/{rest:path}",
)


async def not_offered(request: Request) -> Response:
    """A call of the protocol that is not offered."""
    raise HTTPException(501, f"{request.url.path} is not offered here; the extensions at /v2 are")


def asked(request: Request) -> tuple[str, Definition]:
    """The model of a path, under the name that it has there."""
    name = request.path_params["model"]
    return name, models.find(name, request.path_params.get("version", models.VERSION))
