"""Shorthand for the calls of streams."""

from typing import Any

import httpx
import numpy as np

RANDOM = np.random.default_rng(11)
PREDICTION, TARGET = RANDOM.normal(size=60), RANDOM.normal(size=60)
REGRESSION = {"losses": ["huber"], "metrics": ["r2", {"name": "mean_squared_error", "as": "mse"}]}


def created(client: httpx.Client, **asked: Any) -> str:
    """The id of a new stream."""
    reply = client.post("/v1/streams", json=asked or REGRESSION)
    assert reply.status_code == 201, reply.text
    identity: str = reply.json()["id"]
    return identity


def rows(part: slice) -> dict[str, Any]:
    """Some rows as a batch."""
    return {"prediction": PREDICTION[part].tolist(), "target": TARGET[part].tolist()}


def sent(client: httpx.Client, identity: str, batch: Any, key: str | None = None) -> Any:
    """What a batch is answered with."""
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = client.post(f"/v1/streams/{identity}/batches", json=batch, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def read(client: httpx.Client, identity: str, call: str = "") -> Any:
    """What is answered to a GET."""
    reply = client.get(f"/v1/streams/{identity}{call}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def values(shown: Any) -> dict[str, Any]:
    """The values of a stream by their labels."""
    return {each["as"]: each["value"] for each in shown["results"]}


def computed(client: httpx.Client, part: slice = slice(None)) -> dict[str, Any]:
    """The values of some rows, computed at once."""
    batch = rows(part)
    return {
        "huber": client.post("/v1/losses/huber", json=batch).json()["value"],
        "r2": client.post("/v1/metrics/r2", json=batch).json()["value"],
        "mse": client.post("/v1/metrics/mean_squared_error", json=batch).json()["value"],
    }
