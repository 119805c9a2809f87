"""Every format and compression over a live server: the same numbers, whatever they travel in."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import ml_dtypes
import numpy as np
import pytest
import zstandard

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import DTYPES, tensor
from tests.lossapi.codecs.hostile import folded, mutants, valid
from tests.service.test_errors import refuse

JSON, SAFETENSORS, NPZ, MSGPACK = CODECS
LIMIT = 4 * 2**20
FOLDS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}

every_format = pytest.mark.parametrize("media_type", CODECS)


def ask(
    client: httpx.Client, path: str, request: dict[str, Any], media_type: str, accept: str = JSON
) -> tuple[httpx.Response, dict[str, Any]]:
    """A request in one format, and its reply read."""
    body = CODECS[media_type].encode(request, "string", "base64")
    reply = client.post(path, content=body, headers={"Content-Type": media_type, "Accept": accept})
    kind = reply.headers["content-type"]
    return reply, CODECS[kind].decode(reply.content, Limits()) if kind in CODECS else reply.json()


@every_format
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_gives_its_number_in_every_format(client: httpx.Client, media_type: str, dtype: str) -> None:
    prediction = np.array([[0, 1], [1, 0]]).astype(DTYPES[dtype])
    request = {"prediction": prediction, "target": np.array([[0, 0], [0, 0]], np.int8), "reduction": "sum"}
    reply, answer = ask(client, "/v1/losses/mean_squared_error", request, media_type, media_type)
    assert reply.headers["content-type"] == media_type
    assert (answer["value"], answer["count"], answer["finite"]) == (2.0, 4, True)


@every_format
def test_tensors_and_numbers_come_back_in_the_format_asked_for(client: httpx.Client, media_type: str) -> None:
    tensors = {"prediction": np.array([0.5, np.nan], np.float32), "target": np.zeros(2, np.float32)}
    request = {**tensors, "return": ["value", "gradient"], "reduction": "none"}
    _, answer = ask(client, "/v1/losses/mean_squared_error", request, JSON, media_type)
    values, gradient = tensor(answer["values"]), tensor(answer["gradient"]["prediction"])
    assert (values.dtype, gradient.dtype) == (np.float32, np.float32)
    assert np.array_equal(values, [0.25, np.nan], equal_nan=True)
    assert np.array_equal(gradient, [1.0, np.nan], equal_nan=True)
    assert answer["finite"] is False


def test_a_group_of_tensors_travels_in_every_format(client: httpx.Client) -> None:
    normal = {"distribution": "normal", "loc": np.zeros(3), "scale": np.ones(3)}
    request = {"p": normal, "q": {**normal, "loc": np.ones(3)}}
    values = [ask(client, "/v1/losses/distribution_kl_divergence", request, each)[1]["value"] for each in CODECS]
    assert values == [0.5] * len(CODECS)


@every_format
def test_another_librarys_function_reads_and_writes_every_format(client: httpx.Client, media_type: str) -> None:
    request = {"input": np.array([0.0, 3.0], np.float32), "target": np.zeros(2, np.float32), "delta": 2.0}
    _, answer = ask(client, "/v1/like/torch/huber_loss", {**request, "return": ["gradient"]}, media_type, media_type)
    assert tensor(answer["gradient"]["input"]).tolist() == [0.0, 1.0]


@every_format
def test_states_travel_in_every_format(client: httpx.Client, media_type: str) -> None:
    request = {"prediction": np.array([0, 3]), "target": np.array([0, 1]), "return": ["state"]}
    _, answer = ask(client, "/v1/metrics/accuracy", request, media_type, media_type)
    _, merged = ask(client, "/v1/states/merge", {"states": [answer["state"], answer["state"]]}, media_type, media_type)
    assert (merged["value"], merged["count"]) == (0.5, 4)


@every_format
def test_parameters_may_stand_in_the_query_beside_every_format(client: httpx.Client, media_type: str) -> None:
    request = {"prediction": np.array([0.0, 3.0]), "target": np.zeros(2)}
    assert ask(client, "/v1/losses/huber?delta=2&reduction=sum", request, media_type)[1]["value"] == 4.0


@every_format
def test_a_fault_is_placed_by_name_in_every_format(client: httpx.Client, media_type: str) -> None:
    request = {"prediction": np.array([[0.5, 0.5]]), "target": np.array([2])}
    reply, _ = ask(client, "/v1/losses/cross_entropy", request, media_type, media_type)
    assert refuse(reply, 422, "domain")["errors"][0]["pointer"] == "/target/0"


def test_labels_beyond_an_index_are_told(client: httpx.Client) -> None:
    labels = np.array([2**64 - 1, 0], np.uint64)
    reply, _ = ask(client, "/v1/metrics/accuracy", {"prediction": labels, "target": labels}, SAFETENSORS)
    assert "2**63" in refuse(reply, 422, "domain")["detail"]


def test_half_precisions_compute_in_float32(client: httpx.Client) -> None:
    for dtype in (np.float16, ml_dtypes.bfloat16):
        prediction = np.array([60000.0], dtype)
        request = {"prediction": prediction, "target": -prediction, "return": ["value", "gradient"]}
        _, answer = ask(client, "/v1/losses/mean_squared_error", request, SAFETENSORS, SAFETENSORS)
        assert answer["value"] == (2 * float(prediction[0])) ** 2
        assert answer["gradient"]["prediction"].dtype == dtype


@pytest.mark.parametrize(
    ("policy", "written"),
    [("", ["NaN", "Infinity", 0.1]), ("string", ["NaN", "Infinity", 0.1]), ("null", [None, None, 0.1])],
)
def test_a_non_finite_number_beside_others_is_written_by_the_policy(
    client: httpx.Client, policy: str, written: list[Any]
) -> None:
    request = {"prediction": np.array([[np.nan, -np.inf, 0.1]], np.float32), "target": np.zeros((1, 3), np.float32)}
    query = f"encoding=list&nonfinite={policy}" if policy else "encoding=list"
    path = f"/v1/losses/mean_absolute_error?reduction=none&{query}"
    reply, answer = ask(client, path, request, SAFETENSORS)
    assert answer["values"] == [written]
    assert b"0.1]" in reply.content


@every_format
def test_a_non_finite_result_can_be_refused_in_every_format(client: httpx.Client, media_type: str) -> None:
    request = {"prediction": np.array([np.nan]), "target": np.zeros(1), "nonfinite": "error"}
    for more in ({}, {"reduction": "none"}, {"return": ["gradient"]}):
        reply, _ = ask(client, "/v1/losses/huber", {**request, **more}, media_type, media_type)
        refuse(reply, 422, "nonfinite")


@pytest.mark.parametrize("coding", FOLDS)
def test_a_compressed_body_is_read(client: httpx.Client, coding: str) -> None:
    body = FOLDS[coding](json.dumps({"prediction": [0.0, 3.0], "target": [0.0, 0.0]}).encode())
    reply = client.post("/v1/losses/huber", content=body, headers={"Content-Encoding": coding})
    assert reply.json()["value"] == 1.25


@pytest.mark.parametrize("coding", FOLDS)
def test_the_limit_is_on_what_a_body_unfolds_to(client: httpx.Client, coding: str) -> None:
    for size, status, code in ((LIMIT + 1, 413, "limit"), (LIMIT - 1, 400, "unreadable")):
        reply = client.post(
            "/v1/losses/huber", content=FOLDS[coding](bytes(size)), headers={"Content-Encoding": coding}
        )
        problem = refuse(reply, status, code)
        assert ("LOSSAPI_BODY_BYTES" in problem["detail"]) == (status == 413)


def test_what_is_not_written_here_is_a_406(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber", content=b"{}", headers={"Accept": "text/html"})
    assert SAFETENSORS in refuse(reply, 406, "not_acceptable")["detail"]


@every_format
def test_hostile_bodies_are_answered_and_the_server_lives(client: httpx.Client, media_type: str) -> None:
    for body in mutants(valid()[media_type], 1, 100):
        reply = client.post("/v1/losses/huber", content=body, headers={"Content-Type": media_type})
        assert reply.status_code in (200, 400, 413, 422), reply.text


@pytest.mark.parametrize("coding", FOLDS)
def test_hostile_compression_is_answered_and_the_server_lives(client: httpx.Client, coding: str) -> None:
    for body in mutants(folded()[coding], 1, 100):
        reply = client.post("/v1/losses/huber", content=body, headers={"Content-Encoding": coding})
        assert reply.status_code in (200, 400, 413, 422), reply.text
