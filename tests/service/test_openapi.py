"""The OpenAPI document: it lists exactly the registry, and the server does as it says."""

import os
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from lossapi import registry
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


@schemathesis.serializer(*(media_type for media_type in (*CODECS, *FORMS) if media_type != MEDIA_TYPE))
def as_bytes(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Bytes that are hardly ever what they claim to be."""
    return value if isinstance(value, bytes) else str(value).encode()


OTHERS = ("/v2/", "/v1/streams", "/v1/dashboards/")
"""What does not compute one thing from one body."""


def left_out() -> list[str]:
    """The definitions whose tensors another one takes too: requests to both are read alike."""
    every = list(registry.catalogue().values())
    first = {(each.kind, each.input_names): each for each in reversed(every)}
    return [f"/v1/{registry.PLURAL[d.kind]}/{d.name}" for d in every if first[d.kind, d.input_names] is not d]


# A longer look, at every definition: LOSSAPI_FUZZ=100 pytest tests/service/test_openapi.py
FUZZ = os.environ.get("LOSSAPI_FUZZ")
EXAMPLES = int(FUZZ or "2")
schema = (
    schemathesis.openapi.from_asgi("/openapi.json", create_app(Settings(store=MEMORY)))
    .exclude(path_regex="^/v1/(losses|metrics)/", method="GET")
    .exclude(path_regex="^/v1/(streams|dashboards)")  # tests/service/streams/test_fuzz.py has streams for them
    .exclude(path=[] if FUZZ else left_out())
)


def test_every_definition_has_one_operation(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for plural, kind in (("losses", "loss"), ("metrics", "metric")):
        prefix = f"/v1/{plural}/"
        below = [path.removeprefix(prefix) for path in document["paths"] if path.startswith(prefix)]
        listed = sorted(name for name in below if "/" not in name)
        assert listed == registry.names("loss" if kind == "loss" else "metric")


def test_an_operation_shows_bounds_shapes_and_an_example(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/losses/huber"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["delta"] == {"default": 1.0, "exclusiveMinimum": 0, "type": "number"}
    assert "(batch, *axes)" in body["schema"]["properties"]["prediction"]["description"]
    assert body["example"] == {"prediction": [0.0, 3.0], "target": [0.0, 0.0], "delta": 1.0}
    assert "Quadratic" in operation["description"]


def test_every_operation_that_computes_lists_every_format(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    computing = [each["post"] for path, each in paths.items() if "post" in each and not path.startswith(OTHERS)]
    assert len(computing) > len(registry.catalogue())
    for operation in computing:
        assert operation["requestBody"]["content"].keys() - FORMS.keys() == CODECS.keys()
        assert operation["responses"]["200"]["content"].keys() == CODECS.keys()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_meets_a_server_error_or_an_undeclared_answer(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)
