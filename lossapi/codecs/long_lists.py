"""A long list of numbers in JSON as an array, part by part: as objects all its numbers take several times the room."""

import re
from collections.abc import Iterator
from mmap import mmap
from typing import TypeAlias

import numpy as np
import orjson

from lossapi.codecs.tensors import tensor
from lossapi.domains import Array
from lossapi.errors import LossError

Text: TypeAlias = bytes | bytearray | mmap

PART = 2**17
"""Bytes that are parsed at once; what they become stays in the processor's cache."""
OPENING = re.compile(rb"(\[\s*)+")


def parsed(text: Text, start: int, end: int, size: int = PART) -> Array | None:
    """The array of the list that stands there; nothing where it is none, or its parts of that size are unlike."""
    whole = np.empty(0, np.int64)
    filled, row = 0, None
    try:
        for part in _parts(text, start, end, size):
            if row is None:
                row = part.shape[1:]
                whole = np.empty(_numbers(text, start, end), part.dtype)
            if part.dtype != whole.dtype and {part.dtype, whole.dtype} <= {np.dtype(np.int64), np.dtype(np.float64)}:
                whole = whole.astype(np.float64)
                part = part.astype(np.float64)
            if not len(part) or part.shape[1:] != row or part.dtype != whole.dtype:
                return None
            whole[filled : filled + part.size] = part.reshape(-1)
            filled += part.size
    except (orjson.JSONDecodeError, LossError, ValueError):
        return None
    return whole.reshape(-1, *row) if row is not None and filled == whole.size else None


def _parts(text: Text, start: int, end: int, size: int) -> Iterator[Array]:
    """Arrays of some of its entries each: it is cut where the brackets of one entry close and a comma follows."""
    opening = OPENING.match(text, start, end)
    inner = opening[0].count(b"[") - 1 if opening else 0
    mark = b"]" * inner + b","
    start, end = start + 1, end - 1
    while start < end:
        cut = text.find(mark, start + size, end)
        stop = end if cut < 0 else cut + inner
        yield tensor(orjson.loads(b"[%b]" % bytes(text[start:stop])))
        start = stop + 1


def _numbers(text: Text, start: int, end: int) -> int:
    """How many numbers a list holds where each is followed by a comma or the end."""
    read = np.frombuffer(text, np.uint8)
    ends = range(start, end, PART)
    return 1 + sum(int(np.count_nonzero(read[place : min(place + PART, end)] == ord(","))) for place in ends)
