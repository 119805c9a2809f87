"""What stands for a tensor, as an array.

A tensor is a nested list, a single number, or `{"dtype", "shape", "data"}` with base64 (little-endian, C order)
or a flat list. No element of it ever becomes a validated Python object.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from itertools import chain
from math import prod
from operator import countOf
from typing import Any

import ml_dtypes
import numpy as np
import orjson

from lossapi.domains import TAG, Array
from lossapi.errors import DomainError, DtypeError, LossError, ParameterError, ShapeError, TooLarge

NAMES = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
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
MOST_AXES = 32
SPARSE = {"indices", "values", "dense_shape"}


def tensor(value: Any) -> Array:
    """The array that a JSON value stands for: all integers are int64, else float64, unless a dtype is given.

    A sparse tensor comes back as its three arrays by name, a distribution as its parameters; some take such.
    """
    if isinstance(value, dict):
        if TAG in value:
            return {key: part if key == TAG or part is None else _member(key, part) for key, part in value.items()}
        return {key: tensor(part) for key, part in value.items()} if value.keys() == SPARSE else _explicit(value)
    if not isinstance(value, list):
        return _from_flat([value], ())[()]
    return _from_list(value)


def _member(key: str, value: Any) -> Array:
    """One tensor of several, its faults placed under its name."""
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(key) from None


def _from_list(value: list[Any]) -> Array:
    """Level by level: at each, all entries are lists of one length, or none is a list."""
    flat, shape = value, [len(value)]
    while flat and type(flat[0]) is list:
        if len(shape) >= MOST_AXES:
            raise TooLarge(f"at most {MOST_AXES} dimensions", "more")
        if set(map(type, flat)) != {list} or len(set(map(len, flat))) > 1:
            raise _ragged(flat, shape)
        shape.append(len(flat[0]))
        flat = list(chain.from_iterable(flat))
    return _from_flat(flat, tuple(shape))


def _from_flat(flat: list[Any], shape: tuple[int, ...]) -> Array:
    """An array of scalars; what they are decides the dtype."""
    kinds = _kinds(flat)
    try:
        if kinds <= {float, int}:
            dtype: type[np.generic] = np.float64 if float in kinds else np.int64
        elif kinds == {bool}:
            dtype = np.bool_
        else:
            flat, dtype = _named(flat, shape), np.float64
        return np.fromiter(flat, dtype, len(flat)).reshape(shape)
    except OverflowError:
        index = next(i for i, x in enumerate(flat) if not -(2**63) <= x < 2**63)
        raise DomainError("an integer of 64 bits", str(flat[index]), _place(index, shape)) from None


def _kinds(flat: list[Any]) -> set[type]:
    """The types of the entries; counting those like the first costs a third of collecting them all."""
    if flat and countOf(map(type, flat), type(flat[0])) == len(flat):
        return {type(flat[0])}
    return set(map(type, flat))


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
            raise DtypeError(f"a number{hint}", _short(value), _place(index, shape))
    return numbers


def _ragged(level: list[Any], shape: list[int]) -> ShapeError:
    """The first entry of a level that is not a list of the first one's length."""
    length = len(level[0])
    for index, entry in enumerate(level):
        if type(entry) is not list:
            return ShapeError(f"a list of length {length}", _short(entry), _place(index, tuple(shape)))
        if len(entry) != length:
            got = f"length {len(entry)}"
            return ShapeError(f"a list of length {length}, as the first", got, _place(index, tuple(shape)))
    raise AssertionError("the level is not ragged")


def _place(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where the flat index lies in a nested list."""
    return tuple(int(i) for i in np.unravel_index(index, shape)) if shape else ()


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 40 else text[:37] + "…"


def _explicit(value: dict[Any, Any]) -> Array:
    """A tensor that names its dtype and shape."""
    unknown = [key for key in value if key not in ("dtype", "shape", "data")]
    missing = [key for key in ("dtype", "shape", "data") if key not in value]
    if unknown or missing:
        got = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]}"
        raise ParameterError("a tensor with dtype, shape and data", got)
    dtype, shape = _dtype(value["dtype"]), _shape(value["shape"])
    data = value["data"]
    if isinstance(data, str):
        return _from_base64(data, dtype, shape)
    if not isinstance(data, list):
        raise ParameterError("data as base64 or a flat list", _short(data), ("data",))
    array = _from_list(data)
    if array.size != prod(shape):
        raise ShapeError(f"{prod(shape)} numbers for shape {list(shape)}", str(array.size), ("data",))
    return _converted(array, dtype).reshape(shape)


def _dtype(name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or name not in DTYPES:
        raise DtypeError("dtype one of " + ", ".join(DTYPES), _short(name), ("dtype",))
    return DTYPES[name]


def _shape(shape: Any) -> tuple[int, ...]:
    whole = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    if not whole:
        raise ShapeError("shape as a list of whole numbers", _short(shape), ("shape",))
    if len(shape) > MOST_AXES:
        raise TooLarge(f"at most {MOST_AXES} dimensions", str(len(shape)), ("shape",))
    return tuple(shape)


def _from_base64(data: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    try:
        raw = b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DtypeError("data in base64", str(error), ("data",)) from None
    wanted = prod(shape) * dtype.itemsize
    if len(raw) != wanted:
        raise ShapeError(f"{wanted} bytes for shape {list(shape)} of {dtype.name}", f"{len(raw)} bytes", ("data",))
    array = np.frombuffer(raw, np.uint8 if dtype.kind == "b" else dtype)
    return (array != 0 if dtype.kind == "b" else array).reshape(shape)


def _converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """Numbers of a list in the dtype asked for; one that it cannot hold is a fault."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        wrong = (array < info.min) | (array > info.max) | (array != np.trunc(array))
        if wrong.any():
            index = int(np.argmax(wrong.reshape(-1)))
            raise DomainError(f"a {dtype.name}", str(array.reshape(-1)[index]), ("data", index))
    return array.astype(dtype)
