"""The OpenAPI document: it lists exactly the registry, and the server does as it says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis

from lossapi import registry
from lossapi.codecs import CODECS
from lossapi.tables.files import FORMS
from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.drawing import BASE, CHECKS, EXAMPLES, FUZZ, SCHEMA, every_request, labels, reaching

OTHERS = ("/v2/", "/v1/streams", "/v1/dashboards/")
"""What does not compute one thing from one body."""


def left_out() -> list[str]:
    """The definitions whose tensors another one takes too: requests to both are read alike."""
    every = list(registry.catalogue().values())
    first = {(each.kind, each.input_names): each for each in reversed(every)}
    return [f"/v1/{registry.PLURAL[d.kind]}/{d.name}" for d in every if first[d.kind, d.input_names] is not d]


COMPUTING = (
    SCHEMA.exclude(path_regex="^/v1/(losses|metrics)/", method="GET")
    .exclude(path_regex="^/v1/(streams|dashboards)")  # tests/service/streams/test_fuzz.py has streams for them
    .exclude(path=[] if FUZZ else left_out())
)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A session whose requests a server's application answers directly."""
    with reaching(create_app(Settings(store=MEMORY))) as session:
        yield session


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


@pytest.mark.parametrize("label", labels(COMPUTING))
def test_no_request_meets_a_server_error_or_an_undeclared_answer(label: str, session: requests.Session) -> None:
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=BASE, session=session, checks=CHECKS)

    every_request(label, ask, EXAMPLES)
