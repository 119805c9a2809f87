"""NumPy's archives ⇄ named values: one `.npy` member each, never a pickle.

A number or a text without axes is a value like those of JSON, so that parameters may stand beside the tensors; a
text is read as JSON where it is JSON. NumPy has no name for bfloat16, and writes it as two bytes of its own, `V2`.
"""

import ast
import io
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from lossapi.codecs import json
from lossapi.codecs.archive import members
from lossapi.codecs.codec import Encoding, Limits, NonFinite, claimed_shape, flat, nested, require_finite
from lossapi.codecs.tensors import DTYPES, Buffer, from_bytes, short
from lossapi.domains import Array
from lossapi.errors import DtypeError, Unreadable

MAGIC = b"\x93NUMPY"
MEMBER = ".npy"
MOST_HEADER = 10_000
"""NumPy's own bound on what it will parse."""
TYPES: Mapping[str, np.dtype[Any]] = {
    **{dtype.str[1:]: dtype for dtype in DTYPES.values() if dtype.kind != "V"},
    "V2": DTYPES["bfloat16"],
}
PLAIN = ("bool", "int64", "float64")
"""Without axes these say no more than the same number in JSON."""


class Npz:
    """An archive of NumPy's, never pickled: arrays by name, numbers and texts as arrays without axes."""

    media_type = "application/x-npz"
    suffix = ".npz"

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """Arrays and plain values by the names of the members."""
        parts = ((name.removesuffix(MEMBER), data) for name, data in members(body, limits))
        return nested((name, _value(name, data)) for name, data in parts)

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """Every value an array: those that are none as one without axes, lists as text in JSON."""
        if nonfinite == "error":
            require_finite(reply)
        archive = io.BytesIO()
        np.savez(archive, allow_pickle=False, **{name: _array(value) for name, value in flat(reply)})
        return archive.getvalue()


def _array(value: Any) -> Array:
    plain = isinstance(value, bool | int | float | np.ndarray | np.generic)
    return np.asarray(value if plain else json.text_of(value))


def _value(name: str, data: memoryview) -> Any:
    """What one member holds."""
    kind, fortran, shape, data = _header(name, data)
    if kind[1:2] == "U" and not shape:
        return json.value_of(_text(name, kind, data), name)
    if kind[:1] not in "<>|=" or kind[1:] not in TYPES:
        known = ", ".join(TYPES)
        raise DtypeError(f"{name} as numbers ({known}), never pickled or structured", short(kind), (name,))
    dtype = TYPES[kind[1:]]
    if prod(shape) * dtype.itemsize != len(data):
        raise Unreadable(f"{prod(shape) * dtype.itemsize} bytes for {name} of shape {list(shape)}", str(len(data)))
    array = from_bytes(data, dtype, shape[::-1] if fortran else shape)
    if kind[0] == ">" and dtype.itemsize > 1:
        array = array.view(f"u{dtype.itemsize}").byteswap().view(dtype)
    array = array.T if fortran else array
    return array.item() if not shape and dtype.name in PLAIN else array


def _header(name: str, data: memoryview) -> tuple[str, bool, tuple[int, ...], memoryview]:
    """The dtype, order and shape that a member claims, and the bytes after them."""
    magic, version = bytes(data[:6]), bytes(data[6:7])
    width = 2 if version == b"\x01" else 4
    start = 8 + width + int.from_bytes(data[8 : 8 + width], "little")
    if magic != MAGIC or version not in (b"\x01", b"\x02", b"\x03") or start > min(len(data), MOST_HEADER):
        raise Unreadable(f"{name} as an array of NumPy's", "another header")
    try:
        header = ast.literal_eval(bytes(data[8 + width : start]).decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{name} with a header of NumPy's", type(error).__name__) from None
    match header:
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape), **more} if not more:
            return str(descr), fortran, claimed_shape(name, shape), data[start:]
    raise Unreadable(f"{name} with descr, fortran_order and shape", "another header")


def _text(name: str, kind: str, data: memoryview) -> str:
    """A text without axes, which NumPy keeps as characters of four bytes."""
    try:
        return bytes(data).decode("utf-32-be" if kind[0] == ">" else "utf-32-le").rstrip("\0")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name} as text", str(error)) from None
