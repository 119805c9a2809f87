"""States over HTTP: taken out, merged, refused."""

from typing import Any

import httpx
import pytest

PREDICTION, TARGET = [0.0, 3.0, 1.0, 2.0], [0.0, 0.0, 1.0, 4.0]


def part(client: httpx.Client, rows: slice, **more: Any) -> Any:
    """The state of some rows."""
    body = {"prediction": PREDICTION[rows], "target": TARGET[rows], "return": ["state"], **more}
    reply = client.post("/v1/losses/huber", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()["state"]


def test_parts_computed_apart_merge_to_the_whole(client: httpx.Client) -> None:
    whole = client.post("/v1/losses/huber", json={"prediction": PREDICTION, "target": TARGET}).json()
    states = [part(client, slice(0, 1)), part(client, slice(1, 4))]
    merged = client.post("/v1/states/merge", json={"states": states}).json()
    assert (merged["value"], merged["count"]) == (whole["value"], 4)
    again = client.post("/v1/states/merge", json={"states": [merged["state"]]}).json()
    assert again == merged


def test_value_and_state_come_together(client: httpx.Client) -> None:
    body = {"prediction": PREDICTION, "target": TARGET, "return": ["value", "state"]}
    reply = client.post("/v1/metrics/r2", json=body).json()
    assert set(reply) == {"name", "value", "count", "finite", "state", "backend", "provider"}


def test_unlike_states_are_a_conflict(client: httpx.Client) -> None:
    states = [part(client, slice(0, 2)), part(client, slice(2, 4), delta=2.0)]
    reply = client.post("/v1/states/merge", json={"states": states})
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert reply.json()["errors"][0]["pointer"] == "/states/1"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/states"),
        ({"states": []}, 422, "/states"),
        ({"states": [1]}, 422, "/states/0"),
        ({"states": [{"version": 1}]}, 422, "/states/0"),
        ({"states": [{}], "more": 1}, 422, "/more"),
    ],
)
def test_what_is_no_state_is_refused(client: httpx.Client, body: Any, status: int, pointer: str) -> None:
    reply = client.post("/v1/states/merge", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (status, pointer)


def test_another_librarys_function_names_whose_state_it_is(client: httpx.Client) -> None:
    body = {"input": PREDICTION, "target": TARGET, "return": ["state"]}
    reply = client.post("/v1/like/torch/huber_loss", json=body)
    assert reply.status_code == 422
    assert "loss huber" in reply.json()["detail"]
