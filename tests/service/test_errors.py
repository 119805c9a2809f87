"""Wrong requests: one body, the right status, and a pointer to what is wrong."""

import gc
import weakref
from typing import Any

import httpx
import pytest

from lossapi import registry
from lossapi.errors import LossError
from service.errors import descendants, status_of
from service.schemas import read_call

HUBER = {"prediction": [0.0, 3.0], "target": [0.0, 0.0]}
KEYS = {"type", "title", "status", "code", "detail", "errors", "error", "request_id"}


def refuse(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in a reply, its form checked."""
    body: dict[str, Any] = reply.json()
    assert (reply.status_code, body["code"]) == (status, code), body
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(body) == KEYS
    assert body["error"] == body["detail"]
    assert body["request_id"] == reply.headers["x-request-id"]
    return body


WRONG: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "huber",
        {"prediction": [[1, 2], [3]], "target": [1, 2]},
        "shape",
        "/prediction/1",
        "a list of length 2, as the first",
    ),
    ("huber", {"prediction": [1, [2]], "target": [1, 2]}, "shape", "/prediction/1", "a number"),
    (
        "huber",
        {"prediction": [1, "two"], "target": [1, 2]},
        "dtype",
        "/prediction/1",
        'a number (or "NaN", "Infinity", "-Infinity")',
    ),
    ("huber", {"prediction": [1, None], "target": [1, 2]}, "dtype", "/prediction/1", "a number"),
    ("huber", {"prediction": [1, 2, 3], "target": [1, 2]}, "shape", "/target", "target of shape (3,) (batch, *axes)"),
    ("huber", {"prediction": [1]}, "parameter", "/target", "target"),
    ("huber", {**HUBER, "delta": 0}, "parameter", "/delta", "delta > 0"),
    ("huber", {**HUBER, "delta": "1"}, "parameter", "/delta", "delta: a valid number"),
    ("huber", {**HUBER, "dleta": 1}, "unknown_key", "/dleta", "'delta'"),
    ("huber", {**HUBER, "reduction": "average"}, "parameter", "/reduction", "reduction to be 'mean'"),
    ("huber", {**HUBER, "weight": [1, 2, 3]}, "shape", "/weight", "weight broadcastable to shape (2,)"),
    ("huber", {"prediction": [], "target": []}, "empty", "", "at least one row that enters"),
    (
        "huber",
        {"prediction": {"dtype": "float32", "shape": [2], "data": "AAAA"}, "target": [1, 2]},
        "shape",
        "/prediction/data",
        "8 bytes",
    ),
    (
        "huber",
        {"prediction": {"dtype": "int8", "shape": [2], "data": [1, 300]}, "target": [1, 2]},
        "domain",
        "/prediction/data/1",
        "int8",
    ),
    (
        "huber",
        {"prediction": {"dtype": "f4", "shape": [1], "data": [1]}, "target": [1]},
        "dtype",
        "/prediction/dtype",
        "dtype one of",
    ),
    (
        "binary_cross_entropy",
        {"prediction": [[0.5], [1.5]], "target": [[1], [0]]},
        "domain",
        "/prediction/1/0",
        "from_logits",
    ),
    ("binary_cross_entropy", {"prediction": [0.5], "target": [2]}, "domain", "/target/0", "probability in [0, 1]"),
    ("cross_entropy", {"prediction": [[0.5, 0.5]], "target": [7]}, "domain", "/target/0", "label < 2 (axis classes)"),
    ("cross_entropy", {"prediction": [[0.5, 0.5]], "target": [-1]}, "domain", "/target/0", "label < 2"),
    ("cross_entropy", {"prediction": [[0.5, 0.5]], "target": [0.5]}, "dtype", "/target", "as integers"),
    (
        "cross_entropy",
        {"prediction": [[0.5, 0.5]], "target": [0], "class_axis": 2},
        "parameter",
        "/class_axis",
        "within the 2 axes",
    ),
    (
        "cross_entropy",
        {"prediction": [[0.5, 0.5]], "target": [[0, 1]], "ignore_index": 0},
        "parameter",
        "/ignore_index",
        "labels",
    ),
    (
        "cross_entropy",
        {"prediction": [0.5, 0.5], "target": [0]},
        "shape",
        "/prediction",
        "axes (batch, classes, *axes)",
    ),
    ("cross_entropy", {"prediction": [[], []], "target": [0, 0]}, "shape", "", "at least one entry along axis classes"),
]


@pytest.mark.parametrize(("name", "body", "code", "pointer", "expected"), WRONG)
def test_a_wrong_request_is_told_what_where(
    client: httpx.Client, name: str, body: dict[str, Any], code: str, pointer: str, expected: str
) -> None:
    problem = refuse(client.post(f"/v1/losses/{name}", json=body), 422, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert expected in problem["errors"][0]["expected"]
    assert problem["errors"][0]["got"]


def test_several_faults_are_told_at_once(client: httpx.Client) -> None:
    problem = refuse(client.post("/v1/losses/huber", json={**HUBER, "delta": -1, "reducton": "sum"}), 422, "parameter")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/delta", "/reducton"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"prediction": NaN}', b"\xff\xfe", b"[1]", b"1", b"null"])
def test_unreadable_bytes_are_a_400(client: httpx.Client, body: bytes) -> None:
    refuse(client.post("/v1/losses/huber", content=body), 400, "unreadable")


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (b'{"prediction": ' + b"[" * 60 + b"1" + b"]" * 60 + b', "target": [1]}', "DIMENSIONS"),
        (b"[" * 100_000, "JSON_DEPTH"),
    ],
)
def test_what_is_nested_too_deep_is_a_413(client: httpx.Client, body: bytes, limit: str) -> None:
    problem = refuse(client.post("/v1/losses/huber", content=body), 413, "limit")
    assert f"setting LOSSAPI_{limit}" in problem["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/losses/hubr", "/v1/metrics/huber", "/v1/like/torch/hubr_loss", "/v1/like/tourch/huber_loss"]
)
def test_an_unknown_name_is_a_404_that_suggests(client: httpx.Client, path: str) -> None:
    problem = refuse(client.post(path, json=HUBER), 404, "unknown")
    assert "such as" in problem["detail"]


def test_many_faults_and_long_names_make_no_long_reply(client: httpx.Client) -> None:
    many = {**{f"key {number}": 0 for number in range(5000)}, "x" * 100_000: 0, "prediction": [0.0], "target": [0.0]}
    reply = client.post("/v1/losses/huber", json=many)
    assert (reply.status_code, reply.json()["code"]) == (422, "unknown_key")
    assert reply.json()["detail"].endswith("and 4981 more")
    assert len(reply.content) < 20_000


def test_an_unknown_path_is_a_404(client: httpx.Client) -> None:
    refuse(client.get("/v3/losses"), 404, "not_found")


def test_another_method_is_a_405_that_names_those_that_work(client: httpx.Client) -> None:
    reply = client.put("/v1/losses/huber", json=HUBER)
    refuse(reply, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(reply.headers["allow"].split(", "))


@pytest.mark.parametrize("headers", [{"Content-Type": "text/csv"}, {"Content-Encoding": "br"}])
def test_another_media_type_or_encoding_is_a_415(client: httpx.Client, headers: dict[str, str]) -> None:
    refuse(client.post("/v1/losses/huber", content=b"{}", headers=headers), 415, "unsupported_media_type")


def test_a_body_over_the_limit_is_a_413_that_names_its_setting(client: httpx.Client) -> None:
    problem = refuse(client.post("/v1/losses/huber", content=b" " * (5 * 2**20)), 413, "limit")
    assert "LOSSAPI_BODY_BYTES" in problem["detail"]


def test_a_body_of_undeclared_length_over_the_limit_is_a_413(client: httpx.Client) -> None:
    refuse(client.post("/v1/losses/huber", content=(b" " * 2**20 for _ in range(6))), 413, "limit")


def test_a_parameter_in_body_and_query_is_refused(client: httpx.Client) -> None:
    refuse(client.post("/v1/losses/huber?delta=2", json={**HUBER, "delta": 1}), 422, "parameter")


def test_an_unknown_query_parameter_is_refused(client: httpx.Client) -> None:
    refuse(client.post("/v1/losses/huber?dleta=2", json=HUBER), 422, "unknown_key")
    refuse(client.get("/v1/losses?famly=binary"), 422, "unknown_key")


def test_a_fault_under_like_is_placed_by_the_librarys_own_name(client: httpx.Client) -> None:
    problem = refuse(client.post("/v1/like/torch/huber_loss", json={"input": [1, "x"], "target": [1, 2]}), 422, "dtype")
    assert problem["errors"][0]["pointer"] == "/input/1"
    problem = refuse(
        client.post("/v1/like/torch/huber_loss", json={"input": [1], "target": [1], "detla": 1}), 422, "unknown_key"
    )
    assert problem["errors"][0]["expected"] == "'delta'"


def test_every_error_has_a_status_and_a_page(client: httpx.Client) -> None:
    for kind in descendants(LossError):
        page = client.get(f"/errors/{kind.code}").json()
        assert page["status"] == status_of(kind)
        assert page["meaning"]


def test_a_request_id_is_given_back_or_made(client: httpx.Client) -> None:
    assert client.get("/health/live", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(client.get("/health/live").headers["x-request-id"]) == 16


@pytest.mark.parametrize(
    "body",
    [
        {"prediction": [1.0], "target": ["x"]},
        {"prediction": [1.0], "target": [1.0], "delta": -1.0},
        {"prediction": [1.0], "target": [1.0], "backend": "x"},
        {"prediction": [1.0], "target": [1.0], "delte": 1.0},
    ],
)
def test_an_error_that_was_answered_is_let_go_of(body: dict[str, Any]) -> None:
    def fail() -> weakref.ref[LossError]:
        try:
            read_call(registry.get("loss", "huber"), body)
        except LossError as error:
            return weakref.ref(error)
        raise AssertionError("no error")

    errors = [fail() for _ in range(5)]
    gc.collect()
    assert [each() for each in errors] == [None] * 5
