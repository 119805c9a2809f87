"""What stands for a tensor, as an array; and an array as bytes.

A tensor is a nested list, a single number, or `{"dtype", "shape", "data"}` with base64, bytes or a flat list. Bytes
are little-endian in C order. No element of them ever becomes a Python object.
"""

import reprlib
import struct
from collections.abc import Mapping
from itertools import chain
from math import prod
from mmap import mmap
from operator import countOf
from typing import Any, NamedTuple, TypeAlias

import ml_dtypes
import numpy as np
import pybase64

from lossapi import allowance
from lossapi.domains import TAG, Array
from lossapi.errors import DomainError, DtypeError, LossError, ParameterError, ShapeError, TooLarge

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap
Whole: TypeAlias = type[np.int64] | type[np.uint64]

KINDS: Mapping[type, type[np.generic]] = {float: np.float64, int: np.int64, bool: np.bool_}
CODES = {np.float64: "d", np.int64: "q", np.uint64: "Q", np.bool_: "?"}
"""What `struct` calls the numbers of each kind."""
FEW = 1 << 16
"""More entries are not held twice to be packed."""
NAMES = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
WORDS = {None: "null", True: "true", False: "false"}
NUMBERS = (
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)
DTYPES: Mapping[str, np.dtype[Any]] = {
    "bool": np.dtype(bool),
    **{name: np.dtype(name).newbyteorder("<") for name in NUMBERS},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
MOST_SIZE = 2**59
"""What the sizes of a shape may come to, so that bytes are counted in 63 bits even where one size is 0."""
SPARSE = {"indices", "values", "dense_shape"}


class Base64(NamedTuple):
    """A string that was left in the body, which it is a view of."""

    text: memoryview

    def __repr__(self) -> str:
        return f"a text of {len(self.text)} characters"


def tensor(value: Any) -> Array:
    """The array that a value stands for: all integers are int64, else float64, unless a dtype is given.

    A sparse tensor comes back as its three arrays by name, a distribution as its parameters; some take such.
    """
    if isinstance(value, list):
        return _from_list(value)
    if isinstance(value, dict):
        if TAG in value:
            return {key: part if key == TAG or part is None else _member(key, part) for key, part in value.items()}
        return {key: tensor(part) for key, part in value.items()} if value.keys() == SPARSE else _explicit(value)
    return value if isinstance(value, np.ndarray) else _from_flat([value], ())[()]


def _member(key: str, value: Any) -> Array:
    """One tensor of several, its faults placed under its name."""
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(key) from None


def _from_list(value: list[Any], whole: Whole = np.int64) -> Array:
    """Level by level: at each, all entries are lists of one length, or none is a list."""
    flat, shape = value, [len(value)]
    while flat and type(flat[0]) is list:
        if len(shape) >= (allowed := allowance.current()).dimensions:
            raise allowed.over("dimensions", allowed.dimensions, "dimensions", "more")
        if set(map(type, flat)) != {list} or len(set(map(len, flat))) > 1:
            raise _ragged(flat, shape)
        shape.append(len(flat[0]))
        flat = list(chain.from_iterable(flat))
    allowance.current().require_shape(shape)
    return _from_flat(flat, tuple(shape), whole)


def _from_flat(flat: list[Any], shape: tuple[int, ...], whole: Whole = np.int64) -> Array:
    """An array of scalars; what they are decides the dtype."""
    kind = type(flat[0]) if flat else int
    # Counting those like the first costs a third of collecting all types.
    if kind not in KINDS or countOf(map(type, flat), kind) < len(flat):
        kind = float
        if set(map(type, flat)) != {float, int}:
            flat = _named(flat, shape)
    dtype = whole if kind is int else KINDS[kind]
    try:
        if len(flat) <= FEW:  # of a thousand, in half the time that an iterator takes
            return np.ndarray(shape, dtype, struct.pack(f"{len(flat)}{CODES[dtype]}", *flat))
        return np.fromiter(flat, dtype, len(flat)).reshape(shape)
    except (OverflowError, struct.error):
        info = np.iinfo(whole)
        index = next(i for i, x in enumerate(flat) if not info.min <= x <= info.max)
        expected = "an integer of 64 bits" if whole is np.int64 else f"a number of {info.dtype.name}"
        raise DomainError(expected, str(flat[index]), _place(index, shape)) from None


def _named(flat: list[Any], shape: tuple[int, ...]) -> list[float]:
    """Numbers among which "NaN" and the infinities may stand by name."""
    numbers: list[float] = []
    for index, value in enumerate(flat):
        if type(value) in (float, int):
            numbers.append(value)
        elif type(value) is str and value in NAMES:
            numbers.append(NAMES[value])
        elif type(value) is list:
            raise ShapeError("a number", "a list", _place(index, shape))
        else:
            hint = ' (or "NaN", "Infinity", "-Infinity")' if isinstance(value, str) else ""
            raise DtypeError(f"a number{hint}", short(value), _place(index, shape))
    return numbers


def _ragged(level: list[Any], shape: list[int]) -> ShapeError:
    """The first entry of a level that is not a list of the first one's length."""
    length = len(level[0])
    for index, entry in enumerate(level):
        if type(entry) is not list:
            return ShapeError(f"a list of length {length}", short(entry), _place(index, tuple(shape)))
        if len(entry) != length:
            got = f"length {len(entry)}"
            return ShapeError(f"a list of length {length}, as the first", got, _place(index, tuple(shape)))
    raise AssertionError("the level is not ragged")


def _place(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where the flat index lies in a nested list."""
    return tuple(int(i) for i in np.unravel_index(index, shape)) if shape else ()


def short(value: Any) -> str:
    """A value as a message prints it: no more of it than fits."""
    return WORDS[value] if value is None or value is True or value is False else reprlib.repr(value)


def _explicit(value: dict[Any, Any]) -> Array:
    """A tensor that names its dtype and shape."""
    unknown = [key for key in value if key not in ("dtype", "shape", "data")]
    missing = [key for key in ("dtype", "shape", "data") if key not in value]
    if unknown or missing:
        got = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]}"
        raise ParameterError("a tensor with dtype, shape and data", got)
    dtype, shape = dtype_of(value["dtype"]), shape_of(value["shape"])
    data = value["data"]
    if isinstance(data, str | Base64):
        data = _from_base64(data, dtype, shape)
    if isinstance(data, bytes | bytearray):
        return from_bytes(data, dtype, shape)
    if not isinstance(data, list | np.ndarray):
        raise ParameterError("data as base64 or a flat list", short(data), ("data",))
    return _from_numbers(data, dtype, shape)


def dtype_of(name: Any) -> np.dtype[Any]:
    """A dtype by its name."""
    if not isinstance(name, str) or name not in DTYPES:
        raise DtypeError("dtype one of " + ", ".join(DTYPES), short(name), ("dtype",))
    return DTYPES[name]


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape that an array can have."""
    whole = isinstance(shape, list | tuple) and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    if not whole:
        raise ShapeError("shape as a list of whole numbers", short(shape), ("shape",))
    allowance.current().require_shape(shape, ("shape",))
    if prod(n or 1 for n in shape) > MOST_SIZE:
        raise TooLarge("a shape that an array can have", short(shape), ("shape",))
    return tuple(shape)


def _from_base64(data: str | Base64, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What base64 holds, once it is as long as it must be."""
    text = data.text if isinstance(data, Base64) else data
    padding = sum(end in ("=", ord("=")) for end in text[-2:])
    wanted, got = prod(shape) * dtype.itemsize, len(text) // 4 * 3 - padding
    if len(text) % 4:
        raise DtypeError("data in base64", f"{len(text)} characters, which are not groups of four", ("data",))
    if got != wanted:
        raise _unlike(wanted, shape, dtype, got)
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise DtypeError("data in base64", str(error), ("data",)) from None


def _unlike(wanted: int, shape: tuple[int, ...], dtype: np.dtype[Any], got: int) -> ShapeError:
    return ShapeError(f"{wanted} bytes for shape {list(shape)} of {dtype.name}", f"{got} bytes", ("data",))


def from_bytes(data: Buffer, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The array that bytes hold: a view of them that cannot be written to, where they lie as the machine wants them."""
    wanted = prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise _unlike(wanted, shape, dtype, len(data))
    if dtype.kind == "b":
        return (np.frombuffer(data, np.uint8) != 0).reshape(shape)
    array = np.frombuffer(memoryview(data).toreadonly(), dtype).reshape(shape)
    return array if array.flags.aligned else array.copy()


def _from_numbers(data: list[Any] | Array, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """A flat list in the dtype asked for; a number that it cannot hold is a fault."""
    try:
        whole = np.uint64 if dtype.name == "uint64" else np.int64
        array = _from_list(data, whole) if isinstance(data, list) else data
    except LossError as error:
        raise error.within("data") from None
    if array.size != prod(shape):
        raise ShapeError(f"{prod(shape)} numbers for shape {list(shape)}", str(array.size), ("data",))
    with np.errstate(all="ignore"):
        converted = array.astype(dtype)
        wrong = np.isfinite(array) & ~np.isfinite(converted) if dtype.kind in "fV" else _outside(array, dtype)
    if wrong.any():
        index = int(np.argmax(wrong.reshape(-1)))
        raise DomainError(f"a number of {dtype.name}", str(array.reshape(-1)[index]), ("data", index))
    return converted.reshape(shape)


def _outside(array: Array, dtype: np.dtype[Any]) -> Array:
    """Where a number is not among those of a dtype of integers or booleans."""
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if array.dtype.kind == "b":
        return np.zeros(array.shape, bool)
    if array.dtype.kind != "f":
        return (array < low) | (array > high)
    return (array < low) | (array >= float(high) + 1) | (array != np.trunc(array))


def to_bytes(array: Array) -> memoryview:
    """The bytes of an array."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data
