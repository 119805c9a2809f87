"""JSON ⇄ named values: strict, so NaN and infinities travel as text, or as what `nonfinite` says."""

import re
from collections.abc import Mapping
from itertools import accumulate, chain, zip_longest
from math import isfinite
from typing import Any

import ml_dtypes
import numpy as np
import orjson
import pybase64

from lossapi import allowance
from lossapi.codecs import excerpts
from lossapi.codecs.codec import Encoding, Limits, NonFinite
from lossapi.codecs.tensors import Buffer, to_bytes
from lossapi.domains import Array
from lossapi.errors import NonFiniteError, TooLarge, Unreadable

MEDIA_TYPE = "application/json"
BYTES = "application/vnd.safetensors"
MOST_VALUES = 1 << 24
"""Values besides the text of strings; each takes the parser tens of bytes, whatever it takes in the body."""
SEPARATORS = b",[{"
PART = 1 << 20
TOO_DEEP = "depth limit"
"""What the parser says of values nested deeper than it bears."""
TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
AS_IT_IS = frozenset({str, int, bool})


class Json:
    """JSON: tensors by name, as nested lists or as `{"dtype", "shape", "data"}` with base64."""

    media_type = MEDIA_TYPE
    suffix = ".json"

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """The object's keys as they stand."""
        if len(body) > MOST_VALUES:
            require_few(body)
        allowed = allowance.current()
        if allowed.depth < allowance.MOST_DEPTH:
            allowed.require_depth(depth_of(body))
        value = decode(body)
        if type(value) is not dict:
            raise Unreadable("a JSON object", f"a JSON {type(value).__name__}")
        return value

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """Arrays as nested lists or base64, floats in the shortest form that reads back the same."""
        return encode(reply, nonfinite, encoding)


def require_few(body: Buffer) -> None:
    """Refuse a text of too many values before it is parsed; what separates them is counted, in strings too."""
    read, seen = np.frombuffer(body, np.uint8), 0
    for start in range(0, len(read), PART):
        part = read[start : start + PART]
        seen += sum(int(np.count_nonzero(part == each)) for each in SEPARATORS)
        if seen > MOST_VALUES:
            raise TooLarge(f"at most {MOST_VALUES} values in JSON (bytes hold more: base64, {BYTES})", "more")


def depth_of(body: Buffer) -> int:
    """How deep the brackets of a text are nested, those in strings aside."""
    brackets = TEXT.sub(b"", bytes(body)).translate(None, NO_BRACKETS)
    return max(accumulate(1 if each in b"[{" else -1 for each in brackets), default=0)


def decode(body: Buffer) -> Any:
    """The JSON value of a body."""
    try:
        return excerpts.loads(body)
    except orjson.JSONDecodeError as error:
        if TOO_DEEP in str(error):
            allowance.current().require_depth(allowance.MOST_DEPTH + 1)
        raise Unreadable("a JSON body", str(error)) from None


def value_of(text: str, name: str = "") -> Any:
    """What a text outside of JSON stands for, as in a query string: JSON where it is JSON, else itself.

    Under the name `nonfinite`, null is not nothing but the policy of that name.
    """
    if (name, text) == ("nonfinite", "null"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def text_of(value: Any, nonfinite: NonFinite = "string") -> str:
    """The text that stands for a value: a text as it is, unless it would be taken for something else."""
    written = _plain(value, nonfinite, "list")
    if isinstance(written, str) and value_of(written) == written:
        return written
    return orjson.dumps(written, option=orjson.OPT_SERIALIZE_NUMPY).decode()


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
        return _written(np.asarray(value), nonfinite, encoding if kind is np.ndarray else "list")
    return dict(value) if isinstance(value, Mapping) else value


def _written(array: Array, nonfinite: NonFinite, encoding: Encoding) -> Any:
    """An array, in which non-finite numbers may stand."""
    finite = array.dtype.kind not in "fV" or bool(np.isfinite(array).all())
    if nonfinite == "error" and not finite:
        raise NonFiniteError("finite results", _name(float(array[~np.isfinite(array)][0])))
    if encoding == "base64":
        data = pybase64.b64encode_as_string(to_bytes(array))
        return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}
    if array.dtype == ml_dtypes.bfloat16:
        array = array.astype(np.float32)
    if not array.ndim:
        return array[()] if finite else _nonfinite(float(array), nonfinite)
    return np.ascontiguousarray(array) if finite or nonfinite == "null" else _with_names(array)


def _with_names(array: Array) -> orjson.Fragment:
    """An array with names for what JSON has no numbers for: orjson writes those as null, so they go where nulls are."""
    written = orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY).split(b"null")
    names = [b'"%b"' % _name(x).encode() for x in array[~np.isfinite(array)].tolist()]
    return orjson.Fragment(b"".join(chain.from_iterable(zip_longest(written, names, fillvalue=b""))))


def _name(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _nonfinite(value: float, policy: NonFinite) -> str | None:
    """A NaN or infinity by the policy asked for."""
    if policy == "error":
        raise NonFiniteError("finite results", _name(value))
    return _name(value) if policy == "string" else None
