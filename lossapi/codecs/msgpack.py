"""MessagePack ⇄ named values: the shape of JSON, with the bytes of tensors as they are.

Bytes take as much room in memory as in the body, and everything else up to a hundred times as much. So before anything
is made of it, the body is gone through from head to head, which also finds one that breaks off or goes on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import ormsgpack

from lossapi.codecs.codec import Encoding, Limits, NonFinite, require_finite
from lossapi.codecs.tensors import Buffer, to_bytes
from lossapi.errors import TooLarge, Unreadable

MOST_VALUES = 2**20

HEADS: Mapping[int, tuple[int, int, int]] = {
    **dict.fromkeys((*range(0x80), 0xC0, 0xC2, 0xC3, *range(0xE0, 0x100)), (0, 0, 0)),
    **{0x80 | n: (0, 0, 2 * n) for n in range(16)},
    **{0x90 | n: (0, 0, n) for n in range(16)},
    **{0xA0 | n: (0, n, 0) for n in range(32)},
    **{0xCA + n: (0, size, 0) for n, size in enumerate((4, 8, 1, 2, 4, 8, 1, 2, 4, 8))},
    **{code: (width, 1, 0) for start in (0xC4, 0xD9) for code, width in enumerate((1, 2, 4), start)},
    **{code: (width, 0, values) for code, width, values in ((0xDC, 2, 1), (0xDD, 4, 1), (0xDE, 2, 2), (0xDF, 4, 2))},
}
"""By a value's first byte: the width of its length, then how many bytes and how many values follow, for each of it."""


class Msgpack:
    """MessagePack: the shape of JSON, tensors as `{"dtype", "shape", "data"}` with bytes."""

    media_type = "application/msgpack"
    suffix = ".msgpack"

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """The object's keys as they stand."""
        _check(body)
        try:
            value = ormsgpack.unpackb(memoryview(body))
        except ValueError as error:
            raise Unreadable("a MessagePack body", str(error)) from None
        if type(value) is not dict:
            raise Unreadable("a MessagePack map", f"a {type(value).__name__}")
        return value

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """Arrays with their bytes; numbers as they are, NaN among them."""
        if nonfinite == "error":
            require_finite(reply)
        return ormsgpack.packb(_plain(reply))


def _check(body: Buffer) -> None:
    """Go from head to head, to where the value ends that the body begins with."""
    place, owed, seen = 0, 1, 0
    while owed:
        head = HEADS.get(body[place]) if place < len(body) else (0, 0, 0)
        if head is None:
            raise Unreadable("a MessagePack body without extensions", f"byte {body[place]:#x} at {place}")
        width, size, values = head
        times = int.from_bytes(body[place + 1 : place + 1 + width]) if width else 1
        place += 1 + width + size * times
        owed += values * times - 1
        seen += 1
        if seen + owed > MOST_VALUES:
            raise TooLarge(f"at most {MOST_VALUES} values in MessagePack besides the bytes of tensors", "more")
        if place > len(body):
            raise Unreadable("a whole MessagePack body", "one that breaks off")
    if place < len(body):
        raise Unreadable("one MessagePack value", f"{len(body) - place} bytes after it")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.name, "shape": list(value.shape), "data": to_bytes(value)}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
