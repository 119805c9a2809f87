"""The law of the surface: each definition computes over /v2 what it computes over /v1."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton

from lossapi import models
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition
from lossapi.domains import TAG
from tests.service.openinference.conftest import synchronous
from tests.service.openinference.requests import tensors

EVERY = [pytest.param(name, definition, id=name) for name, definition in models.every().items()]


def taken_apart(definition: Definition, request: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors of a request to /v1 under the names that they have here."""
    for name, value in request.items():
        if isinstance(value, dict) and TAG in value:
            members = {key: each for key, each in value.items() if key != TAG}
            yield from ((f"{name}.{value[TAG]}.{key}", tensor(each)) for key, each in members.items())
        elif name in definition.input_names or name == "weight":
            yield name, tensor(value)


def flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value of /v1 by the outputs' names."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from flat(f"{name}.{key}", each)
    else:
        yield name, tensor(value)


@pytest.mark.parametrize(("name", "definition"), EVERY)
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_the_example_of_each_card_gives_the_value_of_v1(
    client: httpx.Client, address: str, name: str, definition: Definition, binary: bool
) -> None:
    request, _ = definition.document.example
    arrays = {key: np.asarray(array) for key, array in taken_apart(definition, request)}
    parameters = {
        key: value for key, value in request.items() if key not in {each.partition(".")[0] for each in arrays}
    }
    outputs = None if binary else [triton.InferRequestedOutput(each.name, False) for each in models.outputs(definition)]
    result = synchronous(address)("infer", name, tensors(arrays, binary=binary), outputs=outputs, parameters=parameters)
    plural = "losses" if definition.kind == "loss" else "metrics"
    reply = client.post(f"/v1/{plural}/{definition.name}", json=request).json()
    expected = dict(flat("value", reply.get("value", reply.get("values"))))
    for output, value in expected.items():
        np.testing.assert_array_equal(result.as_numpy(output), value)
    assert [each["name"] for each in result.get_response()["outputs"]] == list(expected)
    if "reduction" not in request:
        given = [(each["name"], each["datatype"], len(each["shape"])) for each in result.get_response()["outputs"]]
        assert given == [(each.name, each.datatype, len(each.shape)) for each in models.outputs(definition)]
