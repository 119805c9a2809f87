"""Requests as Triton's client makes them, and as bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import ml_dtypes
import numpy as np
import orjson
import tritonclient.http as triton
from tritonclient.utils import np_to_triton_dtype

HUBER = {"prediction": np.array([0.0, 3.0], np.float32), "target": np.zeros(2, np.float32)}
HUBER_VALUE = 1.25

DATATYPES: Mapping[str, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "FP32": np.float32,
    "FP64": np.float64,
}


def tensor(name: str, array: Any, *, binary: bool = True) -> triton.InferInput:
    """An input with its data."""
    made = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array, binary_data=binary)


def tensors(arrays: Mapping[str, Any], *, binary: bool = True) -> list[triton.InferInput]:
    """Inputs with their data."""
    return [tensor(name, array, binary=binary) for name, array in arrays.items()]


def header(inputs: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    """The JSON of a request."""
    return orjson.dumps({"inputs": inputs, **more})


def binary_input(name: str, shape: Sequence[int], size: int, datatype: str = "FP32") -> dict[str, Any]:
    """The header of a tensor whose bytes follow."""
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}


def json_input(name: str, shape: Sequence[float], data: Any, datatype: str = "FP32") -> dict[str, Any]:
    """The header of a tensor with its numbers."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def post(
    client: httpx.Client, body: bytes, length: int | str | None = None, model: str = "huber", **headers: str
) -> httpx.Response:
    """Post bytes, without any type of content, as the client does."""
    said = {} if length is None else {"Inference-Header-Content-Length": str(length)}
    request = client.build_request("POST", f"/v2/models/{model}/infer", content=body, headers={**said, **headers})
    request.headers.pop("accept-encoding", None) if "accept-encoding" not in headers else None
    return client.send(request)


def refused(reply: httpx.Response, status: int = 400) -> str:
    """The message of a refusal, which every body of an error has."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["error"] == body["detail"]
    return str(body["error"])
