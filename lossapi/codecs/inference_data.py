"""One tensor of the Open Inference Protocol: its datatype, and its bytes or JSON numbers as an array."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from lossapi.codecs.tensors import DTYPES, from_bytes, tensor, to_bytes
from lossapi.domains import Array
from lossapi.errors import DtypeError, LossError, ParameterError, ShapeError, TooLarge, Unreadable

DATATYPES: Mapping[str, str] = {
    **{each.upper(): each for each in DTYPES if "float" not in each},
    "FP16": "float16",
    "BF16": "bfloat16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "object",
}
"""The protocol's names, and ours."""
BY_DTYPE = {DTYPES.get(name, np.dtype(object)): datatype for datatype, name in DATATYPES.items()}
HALVES = ("FP16", "BF16")
MOST_STRINGS = 2**20
LENGTH = 4
"""Bytes of the length that stands before each string."""


def as_array(name: str, datatype: str, shape: Sequence[int], data: memoryview) -> Array:
    """The array that some bytes are: a view of them, unless they lie askew."""
    if datatype == "BYTES":
        return _strings(name, data, prod(shape)).reshape(shape)
    try:
        return from_bytes(data, DTYPES[DATATYPES[datatype]], tuple(shape))
    except ShapeError as error:
        raise error.within("inputs", name) from None


def _strings(name: str, data: memoryview, count: int) -> Array:
    """Strings, each after its length."""
    if count > MOST_STRINGS:
        raise TooLarge(f"at most {MOST_STRINGS} strings", str(count), ("inputs", name))
    strings, place = np.empty(count, object), 0
    for index in range(count):
        start = place + LENGTH
        place = start + int.from_bytes(data[place:start], "little")
        if max(start, place) > len(data):
            raise Unreadable(f"{count} strings", f"bytes that end within number {index}", ("inputs", name))
        strings[index] = bytes(data[start:place])
    if place != len(data):
        raise Unreadable(f"{count} strings", f"{len(data) - place} bytes more", ("inputs", name))
    return strings


def from_json(name: str, datatype: str, shape: Sequence[int], data: Any) -> Array:
    """An array from `data` in the header, nested or flat."""
    if datatype in HALVES:
        raise DtypeError(f"{datatype} as binary data (JSON has no such numbers)", "data", ("inputs", name))
    if datatype == "BYTES":
        raise DtypeError("numbers", "BYTES", ("inputs", name))
    if not isinstance(data, list | np.ndarray):
        raise ParameterError("data as a list", type(data).__name__, ("inputs", name, "data"))
    try:
        return tensor({"dtype": DATATYPES[datatype], "shape": shape, "data": data})
    except LossError as error:
        raise error.within("inputs", name) from None


def datatype_of(array: Array) -> str:
    """What the protocol calls an array's dtype."""
    return BY_DTYPE[array.dtype]


def as_bytes(array: Array) -> memoryview:
    """The bytes of an array, uncopied where they lie as the protocol wants them."""
    if array.dtype == object:
        return memoryview(b"".join(len(each).to_bytes(LENGTH, "little") + each for each in array.flat))
    return to_bytes(array)
