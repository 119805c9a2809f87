"""safetensors ⇄ named values: tensors by name, all else as text in `__metadata__`.

A header of JSON says where each tensor lies. It is held against the bytes before anything is made of them: tensors
follow one another without gap or overlap, from the first byte of data to the last.
"""

import json as text
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from lossapi.codecs import json
from lossapi.codecs.codec import Encoding, Limits, NonFinite, claimed_shape, flat, nested, require_finite
from lossapi.codecs.tensors import DTYPES, Buffer, from_bytes, short, to_bytes
from lossapi.errors import DtypeError, TooLarge, Unreadable

METADATA = "__metadata__"
IGNORED = "format"
"""What writers put into the metadata on their own: the framework that the tensors came from."""
MOST_HEADER = 2**20
TYPES: Mapping[str, str] = {
    "BOOL": "bool",
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BF16": "bfloat16",
}
WORDS = {name: word for word, name in TYPES.items()}


class Safetensors:
    """safetensors: tensors by name, all else as text in `__metadata__`, read as JSON where it is JSON."""

    media_type = "application/vnd.safetensors"
    suffix = ".safetensors"

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """Tensors by name; metadata read as JSON where it is JSON, else as text."""
        header, data = _parted(memoryview(body))
        named = [(key, json.value_of(value, key)) for key, value in _metadata(header) if key != IGNORED]
        reached = 0
        for name, entry in sorted(header.items(), key=lambda item: _offsets(*item)):
            begin, end = _offsets(name, entry)
            if begin != reached:
                raise Unreadable(f"tensor {name} to begin at byte {reached} of the data", str(begin))
            named.append((name, _tensor(name, entry, data[begin:end])))
            reached = max(end, begin)
        if reached != len(data):
            raise Unreadable(f"{reached} bytes of data, as the header says", str(len(data)))
        return nested(named)

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """Arrays as tensors, the widest first so that all lie aligned; all else as metadata."""
        if nonfinite == "error":
            require_finite(reply)
        named = list(flat(reply))
        arrays = {name: value for name, value in named if isinstance(value, np.ndarray)}
        metadata = {name: json.text_of(value, nonfinite) for name, value in named if name not in arrays}
        header: dict[str, Any] = {METADATA: metadata} if metadata else {}
        parts, reached = [], 0
        for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
            offsets = [reached, reached := reached + array.nbytes]
            header[name] = {"dtype": WORDS[array.dtype.name], "shape": array.shape, "data_offsets": offsets}
            parts.append(to_bytes(array))
        written = json.encode(header)
        written += b" " * (-len(written) % 8)
        return b"".join([len(written).to_bytes(8, "little"), written, *parts])


def _parted(view: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The header, and the data after it."""
    length = int.from_bytes(view[:8], "little")
    if len(view) < 8 or length > len(view) - 8:
        raise Unreadable("a safetensors body", f"{len(view)} bytes, where the header alone would take {8 + length}")
    if length > MOST_HEADER:
        raise TooLarge(f"a safetensors header of at most {MOST_HEADER} bytes", str(length))
    try:
        text.loads(bytes(view[8 : 8 + length]), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unreadable("a safetensors header in JSON", str(error)) from None
    header = json.decode(view[8 : 8 + length])
    if type(header) is not dict:
        raise Unreadable("a safetensors header with tensors by name", short(header))
    return header, view[8 + length :]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON in which no key stands twice."""
    whole = dict(pairs)
    if len(whole) < len(pairs):
        raise ValueError("a key stands twice")
    return whole


def _metadata(header: dict[str, Any]) -> list[tuple[str, str]]:
    """The metadata, taken out of the header."""
    metadata = header.pop(METADATA, {})
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise Unreadable(f"{METADATA} as texts by name", short(metadata))
    return list(metadata.items())


def _offsets(name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor begins and ends."""
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Unreadable(f"tensor {name} with dtype, shape and data_offsets", short(entry))
    match entry["data_offsets"]:
        case [int(begin), int(end)] if 0 <= begin <= end:
            return begin, end
    raise Unreadable(f"data_offsets of {name} as its begin and end", short(entry["data_offsets"]))


def _tensor(name: str, entry: dict[str, Any], data: memoryview) -> Any:
    """One tensor, its bytes held against what the header says of it."""
    if type(entry["dtype"]) is not str or entry["dtype"] not in TYPES:
        raise DtypeError(f"{name} in one of {', '.join(TYPES)}", short(entry["dtype"]), (name,))
    begin, end = entry["data_offsets"]
    dtype, shape = DTYPES[TYPES[entry["dtype"]]], claimed_shape(name, entry["shape"])
    if not prod(shape) * dtype.itemsize == end - begin == len(data):
        got = f"{len(data)}, from {begin} to {end}"
        raise Unreadable(f"{prod(shape) * dtype.itemsize} bytes for {name} of shape {list(shape)}", got)
    return from_bytes(data, dtype, shape)
