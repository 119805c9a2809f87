"""Limits: what is over one is refused by the name of its setting, before it takes memory."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from lossapi import registry
from lossapi.allowance import MOST_PAIRS, Allowance
from lossapi.codecs import CODECS
from lossapi.codecs.json import depth_of
from lossapi.errors import TooLarge
from service.app import create_app
from service.settings import Settings
from tests.service.live import serving

LIMITS = {"body_bytes": 2**20, "elements": 6, "dimensions": 2, "json_depth": 4}
MSE = "/v1/losses/mean_squared_error"


@pytest.fixture(scope="module")
def small() -> Iterator[httpx.Client]:
    """A client of a server that takes little."""
    with serving(create_app(Settings.model_validate(LIMITS))) as client:
        yield client


def pair(shape: tuple[int, ...]) -> dict[str, Any]:
    """Two tensors of a shape."""
    return {"prediction": np.zeros(shape, np.float32), "target": np.ones(shape, np.float32)}


@pytest.mark.parametrize("media_type", CODECS)
@pytest.mark.parametrize("encoding", ["list", "base64"])
@pytest.mark.parametrize(
    ("shape", "setting"), [((6,), None), ((7,), "ELEMENTS"), ((2, 3), None), ((1, 2, 3), "DIMENSIONS")]
)
def test_large_tensors_are_refused_in_every_format(
    small: httpx.Client, media_type: str, encoding: Any, shape: tuple[int, ...], setting: str | None
) -> None:
    body = CODECS[media_type].encode(pair(shape), "string", encoding)
    reply = small.post(MSE, content=body, headers={"Content-Type": media_type})
    assert reply.status_code == (200 if setting is None else 413)
    if setting is not None:
        assert f"(setting LOSSAPI_{setting})" in reply.json()["detail"]


def test_large_tensors_are_refused_over_the_protocol(small: httpx.Client) -> None:
    shapes = {(7,): "ELEMENTS", (1, 2, 3): "DIMENSIONS"}
    for shape, setting in shapes.items():
        inputs = [
            {"name": name, "datatype": "FP32", "shape": list(shape), "data": array.reshape(-1).tolist()}
            for name, array in pair(shape).items()
        ]
        reply = small.post("/v2/models/mean_squared_error/infer", json={"inputs": inputs})
        assert (reply.status_code, f"LOSSAPI_{setting}" in reply.json()["detail"]) == (413, True)


def test_a_shape_is_refused_before_its_bytes_are_looked_at(small: httpx.Client) -> None:
    tensor = {"dtype": "float64", "shape": [2**40], "data": base64.b64encode(b"12345678").decode()}
    reply = small.post(MSE, json={"prediction": tensor, "target": tensor})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (413, "/prediction/shape")


def test_json_is_refused_by_its_depth_and_strings_do_not_count(small: httpx.Client) -> None:
    deep = {"states": [{"a": {"b": {"c": 1}}}]}
    reply = small.post("/v1/states/merge", json=deep)
    assert (reply.status_code, "LOSSAPI_JSON_DEPTH" in reply.json()["detail"]) == (413, True)
    assert depth_of(rb'{"a\"[[[[": ["]", [{}], "\\"], "b": []}') == 4
    assert depth_of(b"1") == 0


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_is_refused_by_what_it_declares_and_by_what_comes(small: httpx.Client, declared: bool) -> None:
    size = LIMITS["body_bytes"] + 1
    body: Any = b" " * size if declared else (b" " * 2**16 for _ in range(size // 2**16 + 1))
    reply = small.post(MSE, content=body)
    assert (reply.status_code, "LOSSAPI_BODY_BYTES" in reply.json()["detail"]) == (413, True)


def test_every_limit_is_listed_with_its_setting(small: httpx.Client) -> None:
    listed = {each["name"]: each for each in small.get("/v1/limits").json()["limits"]}
    for name, value in LIMITS.items():
        assert (listed[name]["value"], listed[name]["setting"]) == (value, f"LOSSAPI_{name.upper()}")
    assert all(each["meaning"] for each in listed.values())
    assert listed["pairs"]["value"] == MOST_PAIRS


def test_rows_that_all_see_each_other_are_refused_by_their_pairs(client: httpx.Client) -> None:
    rows = int(MOST_PAIRS**0.5) + 1
    body = CODECS["application/vnd.safetensors"].encode(
        {"embedding": np.ones((rows, 1), np.float32), "label": np.zeros(rows, np.int32)}, "string", "base64"
    )
    meeting = [d for d in registry.definitions("loss") if any("rows" in str(i.forms.specs[0]) for i in d.inputs)]
    assert meeting
    for definition in meeting:
        path = f"/v1/losses/{definition.name}"
        reply = client.post(path, content=body, headers={"Content-Type": "application/vnd.safetensors"})
        assert (reply.status_code, f"at most {MOST_PAIRS} pairs" in reply.json()["detail"]) == (413, True), path


def test_without_a_server_no_setting_is_named() -> None:
    with pytest.raises(TooLarge, match=r"^Expected at most 3 elements in one tensor, got 4$"):
        Allowance(elements=3).require_shape((2, 2))
