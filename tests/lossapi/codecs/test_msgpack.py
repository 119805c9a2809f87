"""MessagePack: the shape of JSON with bytes, and bodies that lie."""

import tracemalloc

import numpy as np
import ormsgpack
import pytest

from lossapi.codecs.codec import Limits
from lossapi.codecs.msgpack import MOST_VALUES, Msgpack
from lossapi.codecs.tensors import tensor
from lossapi.errors import LossError, TooLarge, Unreadable

CODEC = Msgpack()


def refuse(body: bytes) -> LossError:
    """The error of a body."""
    with pytest.raises(LossError) as caught:
        CODEC.decode(body, Limits())
    return caught.value


def test_every_kind_of_head_is_gone_over() -> None:
    numbers = [0, 127, 128, 2**8, 2**16, 2**32, 2**64 - 1, -1, -32, -33, -(2**8), -(2**16), -(2**32), -(2**63)]
    values = {
        "numbers": numbers,
        "floats": [1.5, float("inf")],
        "rest": [None, True, False],
        "texts": ["a" * n for n in (0, 31, 32, 255, 256, 65535, 65536)],
        "bytes": [b"a" * n for n in (0, 255, 256, 65535, 65536)],
        "lists": [[0] * n for n in (0, 15, 16, 65535, 65536)],
        "maps": [{str(i): i for i in range(n)} for n in (0, 15, 16, 65536)],
    }
    assert CODEC.decode(ormsgpack.packb(values), Limits()) == values
    assert CODEC.decode(b"\x81\xa1x\x91\xca\x3f\x00\x00\x00", Limits()) == {"x": [0.5]}


def test_a_tensor_has_its_bytes_as_they_are() -> None:
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    request = {"prediction": {"dtype": "int16", "shape": [2, 3], "data": array.tobytes()}, "target": [[0, 1, 2]] * 2}
    decoded = CODEC.decode(ormsgpack.packb(request), Limits())
    assert np.array_equal(tensor(decoded["prediction"]), array)
    assert ormsgpack.unpackb(CODEC.encode({"x": array}, "string", "list"))["x"] == request["prediction"]


LYING: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "breaks off"),
    ("no map", b"\x93\x01\x02\x03", "a MessagePack map"),
    ("a map of less", b"\x82\xa1a\x01", "breaks off"),
    ("bytes that break off", b"\x81\xa1a\xc6\xff\xff\xff\xff\x00", "breaks off"),
    ("a length that breaks off", b"\x81\xa1a\xc6\xff", "breaks off"),
    ("something after it", b"\x81\xa1a\x01\x01", "1 bytes after it"),
    ("a key that is no text", b"\x81\x01\x02", "MessagePack body"),
    ("a text that is no UTF-8", b"\x81\xa1\xff\x02", "MessagePack body"),
    ("an extension", b"\x81\xa1a\xd4\x01\x01", "without extensions"),
    ("the byte that is never used", b"\x81\xa1a\xc1", "without extensions"),
    ("deep nesting", b"\x81\xa1a" + b"\x91" * 100_000 + b"\x01", "MessagePack body"),
]


@pytest.mark.parametrize(("body", "words"), [row[1:] for row in LYING], ids=[row[0] for row in LYING])
def test_a_body_that_lies_is_unreadable(body: bytes, words: str) -> None:
    error = refuse(body)
    assert type(error) is Unreadable
    assert words in str(error)


@pytest.mark.parametrize(
    "lists", [b"\x81\xa1a\xdd\xff\xff\xff\xff", b"\x81\xa1a\xdd\x00\x20\x00\x00" + b"\x90" * 2**21]
)
def test_lists_are_bounded_before_they_are_made(lists: bytes) -> None:
    tracemalloc.start()
    error = refuse(lists)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(error) is TooLarge
    assert str(MOST_VALUES) in str(error)
    assert peak < 2**16
