"""One stream from its making to its end, on every store."""

import re
import struct
from base64 import b64encode
from typing import Any

import httpx
import pytest

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Limits
from tests.service.streams.asking import REGRESSION, computed, created, read, rows, sent, values
from tests.service.streams.conftest import MORNING, Clock

ENCODED = {"dtype": "float64", "shape": [3], "data": b64encode(struct.pack("<3d", 1.0, 2.0, 0.5)).decode()}


def test_a_new_stream_says_what_it_is(server: httpx.Client) -> None:
    asked = {**REGRESSION, "name": "val", "labels": {"model": "resnet"}, "ttl": 60}
    reply = server.post("/v1/streams", json=asked)
    made = reply.json()
    assert (reply.status_code, reply.headers["Location"]) == (201, f"/v1/streams/{made['id']}")
    results = made.pop("results")
    identity = made.pop("id")
    assert made == {
        "name": "val",
        "labels": {"model": "resnet"},
        "created": MORNING,
        "updated": None,
        "ttl": 60,
        "window": None,
        "count": 0,
        "batches": 0,
    }
    assert [(each["name"], each["as"], each["value"]) for each in results] == [
        ("huber", "huber", None),
        ("r2", "r2", None),
        ("mean_squared_error", "mse", None),
    ]
    assert read(server, identity)["name"] == "val"


def test_batches_come_to_what_the_whole_does(server: httpx.Client, clock: Clock) -> None:
    identity = created(server)
    for start, end in ((0, 1), (1, 20), (20, 60)):
        clock.pass_by(1)
        shown = sent(server, identity, rows(slice(start, end)))
        assert (shown["count"], shown["updated"]) == (end, clock.now)
    assert shown["batches"] == 3
    assert values(shown) == pytest.approx(computed(server), rel=1e-12)
    assert read(server, identity) == shown


def test_a_value_that_is_not_defined_yet_is_no_failure(server: httpx.Client) -> None:
    shown = sent(server, created(server), rows(slice(0, 1)))
    r2 = shown["results"][1]
    assert (r2["value"], r2["error"]["code"]) == (None, "empty")
    assert shown["results"][0]["value"] is not None


def test_a_refused_batch_leaves_no_trace(server: httpx.Client) -> None:
    identity = created(server)
    before = sent(server, identity, rows(slice(0, 5)))
    for batch, pointer in (
        ({"prediction": [1.0], "target": [1.0, 2.0]}, "/target"),
        ({**rows(slice(0, 5)), "label": [1]}, "/label"),
        ({"prediction": ["x"], "target": [1.0]}, "/prediction/0"),
        ({"prediction": [1.0]}, "/target"),
    ):
        reply = server.post(f"/v1/streams/{identity}/batches", json=batch)
        assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer), reply.text
    assert read(server, identity) == before


def test_a_batch_of_other_columns_is_a_conflict(server: httpx.Client) -> None:
    identity = created(server)
    before = sent(server, identity, rows(slice(0, 5)))
    reply = server.post(
        f"/v1/streams/{identity}/batches", json={"prediction": [[1.0, 2.0]] * 2, "target": [[1, 2]] * 2}
    )
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert read(server, identity) == before


def test_other_media_types_and_weights_are_taken(server: httpx.Client) -> None:
    identity = created(server, losses=[{"name": "huber", "reduction": "weighted_mean"}])
    safetensors = pytest.importorskip("safetensors.numpy")
    numpy = pytest.importorskip("numpy")
    arrays = {name: numpy.asarray(each) for name, each in {**rows(slice(0, 9)), "weight": [1.0, 2.0, 3.0] * 3}.items()}
    headers = {"Content-Type": "application/vnd.safetensors"}
    reply = server.post(f"/v1/streams/{identity}/batches", content=safetensors.save(arrays), headers=headers)
    whole = {name: each.tolist() for name, each in arrays.items()} | {"reduction": "weighted_mean"}
    assert reply.json()["results"][0]["value"] == server.post("/v1/losses/huber", json=whole).json()["value"]


def test_a_state_comes_out_and_goes_in(server: httpx.Client) -> None:
    one, two = created(server), created(server)
    sent(server, one, rows(slice(0, 25)))
    sent(server, two, rows(slice(25, 60)))
    reply = server.post(f"/v1/streams/{two}/merge", json=read(server, one, "/state"))
    assert reply.status_code == 200, reply.text
    assert values(reply.json()) == pytest.approx(computed(server), rel=1e-12)
    assert (reply.json()["count"], reply.json()["batches"]) == (60, 1)
    both = server.post(
        f"/v1/streams/{one}/merge", json={"states": [read(server, each, "/state")["state"] for each in (one, two)]}
    )
    assert both.json()["count"] == 25 + 25 + 60


def test_a_state_computed_elsewhere_goes_in_where_it_is_the_only_one(server: httpx.Client) -> None:
    identity = created(server, losses=["huber"])
    state = server.post("/v1/losses/huber", json={**rows(slice(None)), "return": ["state"]}).json()["state"]
    reply = server.post(f"/v1/streams/{identity}/merge", json={"state": state})
    assert values(reply.json()) == {"huber": computed(server)["huber"]}
    other = server.post("/v1/losses/huber", json={**rows(slice(None)), "return": ["state"], "delta": 2}).json()["state"]
    for unlike in (other, read(server, created(server), "/state")["state"]):
        reply = server.post(f"/v1/streams/{identity}/merge", json={"state": unlike})
        assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
        assert reply.json()["errors"][0]["pointer"] == "/state"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, ""), ({"states": []}, ""), ({"state": 5}, "/state"), ({"states": [{}]}, "/states/0"), ({"more": 1}, "/more")],
)
def test_what_is_no_state_is_refused(client: httpx.Client, body: Any, pointer: str) -> None:
    reply = client.post(f"/v1/streams/{created(client)}/merge", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_reset_stream_starts_again_and_keeps_its_history(server: httpx.Client) -> None:
    identity = created(server)
    sent(server, identity, rows(slice(0, 30)))
    shown = server.post(f"/v1/streams/{identity}/reset").json()
    assert (shown["count"], shown["batches"], shown["results"][0]["value"]) == (0, 0, None)
    shown = sent(server, identity, rows(slice(30, 60)))
    assert values(shown) == pytest.approx(computed(server, slice(30, 60)), rel=1e-12)
    assert len(read(server, identity, "/history")["series"][0]["points"]) == 2


def test_a_removed_stream_is_gone(server: httpx.Client) -> None:
    identity = created(server)
    assert server.delete(f"/v1/streams/{identity}").status_code == 204
    calls = [("GET", ""), ("GET", "/history"), ("GET", "/state"), ("DELETE", ""), ("POST", "/reset")]
    replies = [server.request(method, f"/v1/streams/{identity}{call}") for method, call in calls]
    replies += [server.post(f"/v1/streams/{identity}/{call}", json=rows(slice(0, 3))) for call in ("batches", "merge")]
    assert {(each.status_code, each.json()["code"]) for each in replies} == {(404, "unknown")}


def test_streams_are_listed_by_name_and_labels(server: httpx.Client) -> None:
    a = created(server, **REGRESSION, name="train", labels={"model": "a", "run": "1"})
    b = created(server, **REGRESSION, name="train", labels={"model": "b", "run": "1"})
    c = created(server, **REGRESSION)

    def listed(query: str) -> list[str]:
        return [each["id"] for each in server.get(f"/v1/streams{query}").json()["streams"]]

    assert listed("") == [a, b, c]
    assert listed("?name=train") == [a, b]
    assert listed("?label=model:b") == [b]
    assert listed("?label=run:1&label=model:a") == [a]
    assert listed("?label=run:2") == []
    assert listed("?limit=1") == [a]
    assert listed(f"?limit=1&after={a}") == [b]


def test_a_stream_goes_when_nothing_has_come_for_its_time_to_live(server: httpx.Client, clock: Clock) -> None:
    identity = created(server, **REGRESSION, ttl=10)
    clock.pass_by(9)
    sent(server, identity, rows(slice(0, 5)))
    clock.pass_by(9.9)
    assert read(server, identity)["count"] == 5
    clock.pass_by(0.1)
    assert server.get(f"/v1/streams/{identity}").status_code == 404
    assert server.post(f"/v1/streams/{identity}/batches", json=rows(slice(0, 5))).status_code == 404
    assert server.get("/v1/streams").json() == {"streams": []}


def test_tensorflows_streaming_means_return_the_new_value(server: httpx.Client) -> None:
    # tf.metrics.mean_squared_error keeps total and count: squared errors 1, 4; then 9.
    identity = created(server, metrics=["mean_squared_error", "mean_absolute_error"])
    first = sent(server, identity, {"prediction": [1.0, 2.0], "target": [0.0, 0.0]})
    assert values(first) == {"mean_squared_error": 5 / 2, "mean_absolute_error": 3 / 2}
    second = sent(server, identity, {"prediction": [3.0], "target": [0.0]})
    assert values(second) == {"mean_squared_error": 14 / 3, "mean_absolute_error": 6 / 3}


def test_arrays_and_objects_are_values_too(server: httpx.Client) -> None:
    identity = created(server, metrics=["confusion_matrix", "roc_curve"])
    shown = sent(server, identity, {"prediction": [0.9, 0.2, 0.6], "target": [1, 0, 0]})
    by_label = values(shown)
    assert by_label["confusion_matrix"] == [[1, 1], [0, 1]]
    assert set(by_label["roc_curve"]) == {"fpr", "tpr", "thresholds"}


@pytest.mark.parametrize(
    ("window", "kept"),
    [({"rows": 7}, slice(53, 60)), ({"seconds": 3600}, slice(None)), ({"seconds": 3}, slice(50, 60))],
)
def test_a_window_holds_what_is_in_it(server: httpx.Client, clock: Clock, window: Any, kept: slice) -> None:
    identity = created(server, **REGRESSION, window=window)
    for start in range(0, 60, 10):
        clock.pass_by(60)
        shown = sent(server, identity, rows(slice(start, start + 10)))
    assert values(shown) == pytest.approx(computed(server, kept), rel=1e-12)
    assert shown["count"] == 60


def test_seconds_go_by_without_a_batch(server: httpx.Client, clock: Clock) -> None:
    identity = created(server, **REGRESSION, window={"seconds": 60})
    sent(server, identity, rows(slice(0, 10)))
    clock.pass_by(62)
    shown = read(server, identity)
    assert (shown["count"], shown["results"][0]["count"], shown["results"][0]["value"]) == (10, 0, None)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, ""),
        ({"losses": ["hubert"]}, "/losses/0"),
        ({"losses": ["huber"], "metric": []}, "/metric"),
        ({"losses": ["huber"], "name": ""}, "/name"),
        ({"losses": ["huber"], "name": 5}, "/name"),
        ({"losses": ["huber"], "labels": {"a-b": "c"}}, "/labels/a-b"),
        ({"losses": ["huber"], "labels": {"id": "c"}}, "/labels/id"),
        ({"losses": ["huber"], "labels": {"a": 1}}, "/labels/a"),
        ({"losses": ["huber"], "ttl": 0}, "/ttl"),
        ({"losses": ["huber"], "ttl": True}, "/ttl"),
        ({"losses": ["huber"], "window": {"rows": -1}}, "/window/rows"),
        ({"losses": ["nt_xent"]}, "/losses/0"),
        ({"metrics": ["r2", {"name": "f_beta", "beta": -1}]}, "/metrics/1/beta"),
    ],
)
def test_what_cannot_be_a_stream_says_why(client: httpx.Client, asked: Any, pointer: str) -> None:
    reply = client.post("/v1/streams", json=asked)
    assert reply.status_code in (404, 422)
    assert reply.json()["errors"][0]["pointer"] == pointer, reply.text


def test_every_call_is_in_the_document_with_an_example_that_works(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    asked = document["paths"]["/v1/streams"]["post"]["requestBody"]["content"]["application/json"]["example"]
    identity = created(client, **asked)
    posts = {
        path: each["post"]
        for path, each in document["paths"].items()
        if path.startswith("/v1/streams/{id}/") and "post" in each
    }
    assert set(posts) == {f"/v1/streams/{{id}}/{call}" for call in ("batches", "merge", "reset")}
    batch = posts["/v1/streams/{id}/batches"]
    assert {each["name"] for each in batch["parameters"]} == {"Idempotency-Key"}
    sent(client, identity, batch["requestBody"]["content"]["application/json"]["example"])
    assert set(document["components"]["schemas"]["Stream"]["required"]) <= read(client, identity).keys()


@pytest.mark.parametrize("weights", [[1.0, 2.0, 0.5], ENCODED])
def test_tensors_of_a_loss_alone_are_kept(server: httpx.Client, weights: Any) -> None:
    batch = {"prediction": [[2.0, 1.0, 0.1], [0.2, 0.1, 3.0]], "target": [1, 0]}
    asked = {"class_weight": weights, "from_logits": True}
    expected = server.post("/v1/losses/cross_entropy", json={**batch, **asked}).json()["value"]
    identity = created(server, losses=[{"name": "cross_entropy", "as": "weighted", **asked}])
    sent(server, identity, batch)
    assert values(sent(server, identity, batch)) == {"weighted": pytest.approx(expected, rel=1e-12)}
    assert values(read(server, identity)) == {"weighted": pytest.approx(expected, rel=1e-12)}


@pytest.mark.parametrize("kind", CODECS)
def test_replies_come_in_every_format(client: httpx.Client, kind: str) -> None:
    identity = created(client, metrics=["confusion_matrix"], name="formats", labels={"a": "b"})
    batch = {"prediction": [1, 0, 1], "target": [1, 1, 0]}
    for call, body in (("batches", batch), ("reset", None)):
        reply = client.post(f"/v1/streams/{identity}/{call}", json=body, headers={"Accept": kind})
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, kind), reply.text
    for path in (f"/v1/streams/{identity}", f"/v1/streams/{identity}/state", "/v1/streams?name=formats"):
        reply = client.get(path, headers={"Accept": kind})
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, kind), reply.text
        CODECS[kind].decode(reply.content, Limits())


def test_a_change_is_not_made_to_depend_on_how_it_is_answered(client: httpx.Client) -> None:
    identity = created(client, losses=["huber"])
    batch = {"prediction": ["NaN"], "target": [0.0]}
    reply = client.post(f"/v1/streams/{identity}/batches?nonfinite=error", json=batch)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/nonfinite")
    assert read(client, identity)["count"] == 0
    assert values(sent(client, identity, batch)) == {"huber": "NaN"}
    assert read(client, identity, "/history")["series"][0]["points"][0][1] is None
    assert client.get(f"/v1/streams/{identity}?nonfinite=null").json()["results"][0]["value"] is None


def test_stages_are_told_of_batches_alone(server: httpx.Client) -> None:
    made = server.post("/v1/streams", json=REGRESSION)
    call = f"/v1/streams/{made.json()['id']}"
    for reply in (made, server.get(call), server.post(f"{call}/reset"), server.get(f"{call}/state")):
        assert re.fullmatch(r"queue;dur=\d+\.\d+", reply.headers["server-timing"])
    batch = server.post(f"{call}/batches", json=rows(slice(10)))
    stages = dict(re.findall(r"(\w+);dur=(\S+?)(?:,|$)", batch.headers["server-timing"]))
    assert list(stages) == ["queue", "decode", "compute", "encode"]
    assert all(0 <= float(each) < 1e6 for each in stages.values())
