"""safetensors: the library's own files, and headers that lie."""

import json
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from lossapi.codecs.codec import Limits
from lossapi.codecs.safetensors import MOST_HEADER, Safetensors
from lossapi.errors import DtypeError, LossError, TooLarge, Unreadable

CODEC = Safetensors()
ONE: dict[str, Any] = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def body(header: Any, data: bytes = bytes(4), length: int | None = None) -> bytes:
    """A body with any header."""
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(written) if length is None else length).to_bytes(8, "little") + written + data


def refuse(body: bytes) -> LossError:
    """The error of a body."""
    with pytest.raises(LossError) as caught:
        CODEC.decode(body, Limits())
    return caught.value


def test_what_the_library_writes_is_read() -> None:
    tensors: dict[str, Any] = {
        "prediction": np.ones((2, 3), np.float32),
        "target": np.arange(3, dtype=np.uint8),
        "n": np.zeros(()),
    }
    metadata = {"format": "pt", "delta": "2", "reduction": "sum", "return": '["value", "gradient"]'}
    decoded = CODEC.decode(safetensors.numpy.save(tensors, metadata), Limits())
    assert {name: decoded.pop(name).tolist() for name in tensors} == {n: t.tolist() for n, t in tensors.items()}
    assert decoded == {"delta": 2, "reduction": "sum", "return": ["value", "gradient"]}


def test_what_is_written_is_read_by_the_library() -> None:
    reply = {"value": 0.5, "gradient": {"prediction": np.arange(3, dtype=np.float32)}, "flag": np.ones(1, bool)}
    written = safetensors.numpy.load(CODEC.encode(reply, "string", "list"))
    assert written["gradient.prediction"].tolist() == [0, 1, 2]
    assert written["flag"].tolist() == [True]


def test_arrays_are_views_of_the_body() -> None:
    body = bytearray(CODEC.encode({"x": np.ones(8), "y": np.ones(3, np.int8)}, "string", "list"))
    whole = np.frombuffer(body, np.uint8)
    assert all(np.shares_memory(array, whole) for array in CODEC.decode(body, Limits()).values())


def test_members_of_a_group_are_named_with_a_dot() -> None:
    header = {"__metadata__": {"p.distribution": "normal"}, "p.loc": ONE}
    assert CODEC.decode(body(header), Limits())["p"] == {"distribution": "normal", "loc": np.zeros(1, np.float32)}


def test_no_tensors_are_an_empty_request() -> None:
    assert CODEC.decode(body({}, b""), Limits()) == {}


LYING: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "the header alone"),
    ("seven bytes", bytes(7), "the header alone"),
    ("a header beyond the body", body({"x": ONE}, length=2**63), "the header alone"),
    ("no JSON", body(b"{nonsense}"), "header in JSON"),
    ("no UTF-8", body(b'{"\xff": 1}'), "header in JSON"),
    ("a list", body([1]), "tensors by name"),
    ("deep nesting", body(b"[" * 100_000), "header in JSON"),
    ("a long integer", body(b'{"x": ' + b"9" * 10_000 + b"}"), "header in JSON"),
    ("a name twice", body(b'{"x": 1, "x": 1}'), "a key stands twice"),
    ("metadata of numbers", body({"__metadata__": {"delta": 2}}), "texts by name"),
    ("metadata of a list", body({"__metadata__": []}), "texts by name"),
    ("a name as tensor and as metadata", body({"__metadata__": {"x": "1"}, "x": ONE}), "x once"),
    ("a value with others within it", body({"__metadata__": {"x.y": "1"}, "x": ONE}), "x once"),
    ("no offsets", body({"x": {"dtype": "F32", "shape": [1]}}), "data_offsets"),
    ("an entry too much", body({"x": {**ONE, "extra": 1}}), "data_offsets"),
    ("offsets backwards", body({"x": {**ONE, "data_offsets": [4, 0]}}), "begin and end"),
    ("negative offsets", body({"x": {**ONE, "data_offsets": [-4, 0]}}), "begin and end"),
    ("three offsets", body({"x": {**ONE, "data_offsets": [0, 2, 4]}}), "begin and end"),
    ("fractional offsets", body({"x": {**ONE, "data_offsets": [0.0, 4.0]}}), "begin and end"),
    ("an end beyond the data", body({"x": {**ONE, "data_offsets": [0, 2**62]}}), "4 bytes for x"),
    ("an end that is no number", body({"x": {**ONE, "data_offsets": [0, 2**64]}}), "begin and end"),
    ("half a character", body(b'{"\\ud800": 1}'), "JSON body"),
    ("a shape of another size", body({"x": {**ONE, "shape": [2]}}), "8 bytes for x"),
    ("a huge shape", body({"x": {**ONE, "shape": [2**17, 2**10]}}), "bytes for x"),
    ("a negative size", body({"x": {**ONE, "shape": [-1]}}), "whole numbers"),
    ("a shape that is none", body({"x": {**ONE, "shape": "1"}}), "whole numbers"),
    ("an overlap", body({"x": ONE, "y": ONE}), "begin at byte 4"),
    ("a gap", body({"x": ONE, "y": {**ONE, "data_offsets": [8, 12]}}, bytes(12)), "begin at byte 4"),
    ("trailing bytes", body({"x": ONE}, bytes(5)), "4 bytes of data"),
    ("bytes that break off", body({"x": ONE}, bytes(3)), "4 bytes for x"),
]


@pytest.mark.parametrize(("body", "words"), [row[1:] for row in LYING], ids=[row[0] for row in LYING])
def test_a_header_that_lies_is_unreadable(body: bytes, words: str) -> None:
    error = refuse(body)
    assert type(error) is Unreadable
    assert words in str(error)


def test_a_header_and_a_shape_have_limits() -> None:
    assert type(refuse(body(b" " * (MOST_HEADER + 1)))) is TooLarge
    assert type(refuse(body({"x": {**ONE, "shape": [2**62, 0, 2]}}))) is TooLarge


@pytest.mark.parametrize("dtype", ["F8_E4M3", ["F32"], None])
def test_a_dtype_that_no_loss_computes_in_is_named(dtype: Any) -> None:
    error = refuse(body({"x": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4]}}))
    assert type(error) is DtypeError
    assert error.faults[0].where == ("x",)
