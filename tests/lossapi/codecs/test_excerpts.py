"""Long base64 is left in the body, long lists become arrays, and nothing else is read otherwise."""

import json
import mmap
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import orjson
import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Limits
from lossapi.codecs.excerpts import LONG, loads
from lossapi.codecs.tensors import Base64, tensor
from lossapi.domains import Array
from tests.lossapi.codecs.hostile import mutants, valid

LETTERS = "QUJD" * 4


def whole(value: Any) -> Any:
    """The same with strings where views are, and lists where arrays are."""
    match value:
        case np.ndarray():
            return value.tolist()
        case Base64(text):
            return bytes(text).decode()
        case dict():
            return {key: whole(each) for key, each in value.items()}
        case list():
            return [whole(each) for each in value]
    return value


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or that nothing is."""
    try:
        return whole(read())
    except ValueError:
        return ValueError


def views(value: Any) -> int:
    """How many strings were left where they lie, and lists read as arrays."""
    if isinstance(value, dict | list):
        return sum(map(views, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Base64 | np.ndarray)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'{{"x": {{"data": "{LETTERS}"}}}}', 1),
        (f'{{"x":{{"data"\n:\t"{LETTERS}"}},"y":{{"dtype":"int8","data":"{LETTERS}","shape":[9]}}}}', 2),
        (f'{{"p": {{"distribution": "normal", "loc": {{"data": "{LETTERS}"}}}}}}', 1),
        (f'{{"terms": [1, [{{"weight": {{"data": "{LETTERS}"}}}}]]}}', 1),
        (f'{{"terms": [{{"weight": {{"data": "{LETTERS}"}}}}, 1], "data": "{LETTERS}"}}', 2),
        (f'{{"x": {{"data": "short"}}, "y": {{"data": "{LETTERS}"}}}}', 1),
        (f'{{"x": "data", "y": "{LETTERS}", "z": ["data", "{LETTERS}"]}}', 0),
        (f'{{"x": {{"data": "{LETTERS}\\/"}}}}', 0),
        (f'{{"x\\"": {{"data": "{LETTERS}"}}}}', 0),
        (f'{{"x": {{"data": "{LETTERS}"}}, "y": {{"data": "\\u00000"}}}}', 0),
        (f'{{"x": "\\"data\\": \\"{LETTERS}"}}', 0),
        ('{"x": {"data": [1]}, "y": {"data": null}, "z": {"data": ""}}', 0),
        ('{"x": [1, 2, 3, 4, 5], "y":[1.5,2,3,4,5,6]}', 2),
        ('{"x" :\n [ [1, 2],\n  [3, 4],[5,6]\n] ,"y":[[[1],[2.5]],[[3],[4]],[[5],[6]]]}', 2),
        ('{"x": {"y": {"z": [1, 2, 3, 4, 5]}}, "terms": [{"x": [1, 2, 3, 4.5]}, {"x": [true, false, true]}]}', 3),
        ('{"x": [1, 2, 3, 4, 5]}', 1),
        ('{"x": [1, 2, 3, 4, 9223372036854775808]}', 0),
        ('{"x": [1, 2, 3, 4, null], "y": [1, 2, true, 4, 5], "z": [[1], [2, 3], [4]]}', 0),
        ('{"x": [[1, 2], 3, [4, 5]], "y": [[1], [[2]], [3]], "z": [[], [], [], []]}', 0),
        ('{"x": [1, "NaN", 3, 4, 5, 6], "y": "[1, 2, 3, 4, 5, 6]", "z": ["a", 1, 2, 3, 4, 5, 6]}', 0),
        ('{"x": [[1, 2, 3], [4, 5, 6], "a"], "y": [[1, 2], {"z": [3, 4, 5, 6]}]}', 1),
    ],
)
def test_what_is_read_is_what_a_parser_reads(text: str, left: int) -> None:
    for part in (1, 5, 1000):
        value = loads(text.encode(), 9, part)
        assert whole(value) == orjson.loads(text)
        assert views(value) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"x": [1, 2, 3, 4,]}',
        '{"x": [1, 2,, 3, 4]}',
        '{"x": [[1, 2], [3, 4], ]}',
        '{"data": "' + LETTERS,
        f'{{"data": "{LETTERS}"',
        f'{{"data": "{LETTERS}"}}}}',
    ],
)
def test_a_text_that_breaks_off_or_goes_on_is_refused(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text.encode(), 9, 1)


@given(
    arrays(st.sampled_from([np.int64, np.float64]), array_shapes(min_dims=1, max_dims=4), elements=st.integers(-9, 9)),
    st.integers(1, 30),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
)
def test_a_list_is_the_same_array_however_it_is_cut(array: Array, part: int, separators: tuple[str, str]) -> None:
    text = json.dumps({"x": array.tolist()}, separators=separators).encode()
    read = loads(text, 1, part)["x"]
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


def test_numbers_are_whole_until_one_is_not() -> None:
    for numbers in ([2**53 + 1, 1, 2, 3], [2**53 + 1, 1, 2, 0.5], [0.5, 1, 2, 2**53 + 1]):
        read, wanted = loads(orjson.dumps({"x": numbers}), 1, 1)["x"], tensor(numbers)
        assert read.dtype == wanted.dtype
        assert np.array_equal(read, wanted)


def test_a_tensor_is_read_from_where_its_text_lies() -> None:
    array = np.arange(LONG, dtype=np.int16)
    body = CODECS["application/json"].encode({"x": array}, "string", "base64")
    pages = mmap.mmap(-1, len(body))
    pages[:] = body
    for kind in (body, bytearray(body), pages, memoryview(body)):
        decoded = CODECS["application/json"].decode(kind, Limits())
        assert views(decoded) == (not isinstance(kind, memoryview))
        assert np.array_equal(tensor(decoded["x"]), array)


def test_tampered_bodies_are_read_as_a_parser_reads_them() -> None:
    bodies = [each for each in valid()["application/json"] if b'"data"' in each]
    seen = 0
    for number, body in enumerate(mutants(bodies, 2, 2000)):
        mine, theirs = outcome(partial(loads, body, 9, number % 9 + 1)), outcome(partial(orjson.loads, body))
        if mine != theirs:  # what is no text is found to be no base64 in its turn
            assert theirs is ValueError
            assert any(not _is_base64(text) for text in _strings(mine))
        seen += mine is not ValueError
    assert seen > 200


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    return [value] if isinstance(value, str) else []


def _is_base64(text: str) -> bool:
    try:
        return bool(pybase64.b64decode(text, validate=True)) or not text
    except ValueError:
        return False
