"""JSON ⇄ named values: arrays are written as nested lists or base64.

Non-finite numbers are written "NaN", "Infinity" and "-Infinity", since JSON has none.
"""

from base64 import b64encode
from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

import ml_dtypes
import numpy as np
import orjson

from lossapi.domains import Array
from lossapi.errors import NonFiniteError, Unreadable

MEDIA_TYPE = "application/json"
NonFinite = Literal["string", "null", "error"]
Encoding = Literal["list", "base64"]
MOST_LEVELS = 1024
AS_IT_IS = frozenset({str, int, bool})


def decode(body: bytes) -> Any:
    """The JSON value of a body."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable("a JSON body", str(error)) from None


def encode(reply: Any, nonfinite: NonFinite = "string", encoding: Encoding = "list") -> bytes:
    """A reply as JSON: arrays as nested lists or base64, floats in their shortest form that reads back the same."""
    return orjson.dumps(_plain(reply, nonfinite, encoding), option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(value: Any, nonfinite: NonFinite, encoding: Encoding) -> Any:
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else _nonfinite(value, nonfinite)
    if kind in AS_IT_IS:
        return value
    if kind is dict:
        return {
            key: each if type(each) in AS_IT_IS else _plain(each, nonfinite, encoding) for key, each in value.items()
        }
    if kind is list or kind is tuple:
        return [_plain(each, nonfinite, encoding) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _written(np.asarray(value), nonfinite, encoding)
    return dict(value) if isinstance(value, Mapping) else value


def _written(array: Array, nonfinite: NonFinite, encoding: Encoding) -> Any:
    if encoding == "base64" and array.ndim:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        data = b64encode(little.tobytes()).decode()
        return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}
    if array.dtype == ml_dtypes.bfloat16:
        array = array.astype(np.float32)
    if array.ndim and (array.dtype.kind != "f" or np.isfinite(array).all()):
        return np.ascontiguousarray(array)
    return _plain(array.tolist(), nonfinite, encoding)


def _nonfinite(value: float, policy: NonFinite) -> str | None:
    """A NaN or infinity by the policy asked for."""
    name = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if policy == "error":
        raise NonFiniteError("a finite result", name)
    return name if policy == "string" else None
