"""POST /v1/evaluate: in every format, with errors in the one form, its states merged."""

import io
from typing import Any

import httpx
import numpy as np
import ormsgpack
import pytest

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Limits
from lossapi.tables import files
from service.media import wire

PREDICTION, TARGET = [0.9, 0.2, 0.7, 0.4], [1, 0, 0, 1]
ASKED: Any = {"losses": ["huber"], "metrics": ["accuracy", {"name": "f_beta", "beta": 2, "as": "f2"}]}


def evaluated(client: httpx.Client, **asked: Any) -> Any:
    """The reply to a request in JSON."""
    reply = client.post("/v1/evaluate", json={"prediction": PREDICTION, "target": TARGET, **asked})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_results_come_in_the_order_asked_for(client: httpx.Client) -> None:
    reply = evaluated(client, **ASKED)
    assert reply == {
        "count": 4,
        "results": [
            {"name": "huber", "as": "huber", "value": pytest.approx(0.1125), "count": 4, "finite": True},
            {"name": "accuracy", "as": "accuracy", "value": 0.5, "count": 4, "finite": True},
            {"name": "f_beta", "as": "f2", "value": 0.5, "count": 4, "finite": True},
        ],
    }


def test_an_items_error_is_the_body_of_that_error(client: httpx.Client) -> None:
    single = client.post("/v1/losses/triplet_margin", json={"anchor": [[1.0]]})
    reply = evaluated(client, losses=["triplet_margin", "huber"])
    error = reply["results"][0]["error"]
    assert error.keys() == single.json().keys() - {"request_id"}
    assert (error["status"], error["code"]) == (422, "parameter")
    assert "value" in reply["results"][1]


@pytest.mark.parametrize(
    ("asked", "status", "pointer"),
    [
        ({}, 422, ""),
        ({"metrics": ["acuracy"]}, 404, "/metrics/0"),
        ({"metrics": [{"name": "f_beta", "beta": -1}]}, 422, "/metrics/0/beta"),
        ({"metrics": ["r2"], "slices": {"a": ["x"]}}, 422, "/slices/a"),
    ],
)
def test_a_fault_of_the_request_is_an_error(client: httpx.Client, asked: Any, status: int, pointer: str) -> None:
    reply = client.post("/v1/evaluate", json={"prediction": PREDICTION, "target": TARGET, **asked})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (status, pointer)


@pytest.mark.parametrize("media_type", [name for name in CODECS if name != "application/json"])
def test_every_format_asks_and_answers(client: httpx.Client, media_type: str) -> None:
    codec = CODECS[media_type]
    metrics = [{"name": "recall", "average": "none"}, "accuracy"]
    tensors = {"prediction": np.array(PREDICTION), "target": np.array(TARGET)}
    given = {**tensors, "slices": {"group": np.array([1, 1, 2, 2])}, "metrics": metrics}
    headers = {"Content-Type": media_type, "Accept": media_type}
    reply = client.post("/v1/evaluate", content=codec.encode(given, "string", "list"), headers=headers)
    assert reply.status_code == 200, reply.text
    read = codec.decode(reply.content, Limits())
    recall = read["results"][0] if isinstance(read["results"], list) else read["results"]["0"]
    assert np.array_equal(np.asarray(_array(recall["value"])), [0.5, 0.5])
    assert read["slices"].keys() == {"group"}


def _array(value: Any) -> Any:
    return np.frombuffer(value["data"]) if isinstance(value, dict) else value


def test_what_is_asked_for_may_stand_in_the_query(client: httpx.Client) -> None:
    body = ormsgpack.packb({"prediction": PREDICTION, "target": TARGET})
    headers = {"Content-Type": "application/msgpack"}
    reply = client.post("/v1/evaluate?metrics=accuracy,r2&nonfinite=null", content=body, headers=headers)
    assert [each["as"] for each in reply.json()["results"]] == ["accuracy", "r2"]


CSV = b"score,y,country\n0.9,1,de\n0.2,0,de\n0.7,0,fr\n0.4,1,fr\n"
COLUMNS = '{"prediction": "score", "target": "y"}'


def parquet(data: bytes) -> bytes:
    """A table in CSV as Parquet."""
    from pyarrow import BufferReader, parquet
    from pyarrow.csv import read_csv

    room = io.BytesIO()
    parquet.write_table(read_csv(BufferReader(data)), room)
    return room.getvalue()


@pytest.mark.parametrize(
    ("media_type", "body"),
    [("text/csv", CSV), ("application/vnd.apache.parquet", parquet(CSV))],
    ids=["csv", "parquet"],
)
def test_a_table_is_evaluated_like_its_columns(client: httpx.Client, media_type: str, body: bytes) -> None:
    query = {"metrics": "accuracy,roc_auc", "losses": "huber", "columns": COLUMNS, "slices": "country"}
    headers = {"Content-Type": media_type}
    reply = client.post("/v1/evaluate", params=query, content=body, headers=headers)
    assert reply.status_code == 200, reply.text
    asked = {"metrics": ["accuracy", "roc_auc"], "losses": ["huber"], "slices": {"country": ["de", "de", "fr", "fr"]}}
    assert reply.json() == evaluated(client, **asked)
    more = {**query, "confidence": '{"resamples": 50}', "compare": '{"prediction": "y"}'}
    reply = client.post("/v1/evaluate", params=more, content=body, headers=headers)
    whole = evaluated(client, **asked, confidence={"resamples": 50}, compare={"prediction": TARGET})
    assert reply.json() == whole


def test_a_table_is_refused_where_tensors_are_wanted(client: httpx.Client) -> None:
    reply = client.post("/v1/losses/huber", content=CSV, headers={"Content-Type": "text/csv"})
    assert reply.status_code == 415
    assert "application/json" in reply.json()["detail"]


def test_without_the_library_the_refusal_says_what_to_install(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.cache_clear()
    monkeypatch.setattr(files, "installed", lambda: False)
    reply = client.post("/v1/evaluate?metrics=r2", content=CSV, headers={"Content-Type": "text/csv"})
    assert reply.status_code == 415
    assert "lossapi[tables]" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("text/csv", b"", 400),
        ("text/csv", b"prediction,target\n1,2,3\n", 400),
        ("text/csv", b"prediction,target\n1,x\n", 422),
        ("application/vnd.apache.parquet", b"PAR1 nothing PAR1", 400),
        ("application/vnd.apache.parquet", parquet(CSV)[:-40], 400),
    ],
)
def test_what_is_no_table_is_refused(client: httpx.Client, media_type: str, body: bytes, status: int) -> None:
    reply = client.post("/v1/evaluate?metrics=r2", content=body, headers={"Content-Type": media_type})
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "application/problem+json"), reply.text


def test_parts_evaluated_apart_merge_to_the_whole(client: httpx.Client) -> None:
    asked = {"losses": ["huber"], "metrics": ["r2", "roc_auc", "accuracy", "recall"], "return": ["state"]}
    parts = [
        client.post("/v1/evaluate", json={"prediction": PREDICTION[rows], "target": TARGET[rows], **asked}).json()
        for rows in (slice(0, 1), slice(1, 4))
    ]
    assert "results" not in parts[0]
    merged = client.post("/v1/states/merge", json={"states": [each["state"] for each in parts]}).json()
    whole = evaluated(client, **{**asked, "return": ["value"]})
    found = {each["as"]: each["value"] for each in merged["results"]}
    assert found == pytest.approx({each["as"]: each["value"] for each in whole["results"]}, rel=1e-12)


def test_unlike_states_are_a_conflict(client: httpx.Client) -> None:
    states = [evaluated(client, metrics=[name], **{"return": ["state"]})["state"] for name in ("r2", "accuracy")]
    reply = client.post("/v1/states/merge", json={"states": states})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (409, "/states/1")


def test_the_documents_example_is_answered_as_printed(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/evaluate"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    answer = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert client.post("/v1/evaluate", json=example).json() == answer
