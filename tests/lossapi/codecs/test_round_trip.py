"""The law of codecs: decode(encode(x)) = x, bit for bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Codec, Encoding, Limits, NonFinite
from lossapi.codecs.json import Json
from lossapi.codecs.tensors import Buffer, tensor
from lossapi.domains import Array
from tests.lossapi.codecs.arrays import arrays, same

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
NAMES = ("prediction", "target", "weight")
PLAIN = {"name": "huber", "value": 0.1, "count": 3, "finite": True, "text": "1e5", "note": "null", "of": -0.0}


class Liar(Json):
    """Writes lists, which forget dtypes and the bits of NaN."""

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """As asked for nothing."""
        return super().encode(reply, nonfinite, "list")


def holds(codec: Codec, named: Mapping[str, Array]) -> bool:
    """The law, of some arrays."""
    decoded = codec.decode(codec.encode(named, "string", "base64"), Limits())
    return decoded.keys() == named.keys() and all(same(tensor(decoded[name]), named[name]) for name in named)


@every_codec
@given(named=st.dictionaries(st.sampled_from(NAMES), arrays()))
def test_what_is_encoded_is_decoded_bit_for_bit(codec: Codec, named: dict[str, Array]) -> None:
    assert holds(codec, named)


def test_a_codec_that_forgets_is_found_out() -> None:
    assert not holds(Liar(), {"prediction": np.ones(3, np.float32)})
    assert not holds(Liar(), {"prediction": np.frombuffer(b"\x01\0\0\0\0\0\xf8\x7f", np.float64)})
    assert holds(Liar(), {"prediction": np.ones(3)})


@every_codec
def test_plain_values_come_back_as_they_are(codec: Codec) -> None:
    decoded = codec.decode(codec.encode(PLAIN, "string", "list"), Limits())
    assert decoded == PLAIN
    assert {name: type(value) for name, value in decoded.items()} == {n: type(v) for n, v in PLAIN.items()}


@every_codec
def test_what_lies_within_something_comes_back_there(codec: Codec) -> None:
    loc = np.ones(2, np.float32)
    decoded = codec.decode(codec.encode({"gradient": {"p": {"loc": loc}}, "value": 1.5}, "string", "base64"), Limits())
    assert decoded["value"] == 1.5
    assert same(tensor(decoded["gradient"]["p"]["loc"]), loc)


@every_codec
def test_lists_of_objects_and_what_is_empty_come_back(codec: Codec) -> None:
    states = {
        "states": [{"name": "a", "sums": {"x": 1.5}, "extra": {}}, {"none": None}],
        "state": {"extra": {}, "n": 1},
    }
    assert codec.decode(codec.encode(states, "string", "list"), Limits()) == states


@every_codec
def test_arrays_in_a_list_of_objects_come_back_by_their_place(codec: Codec) -> None:
    terms = [{"name": "a", "value": np.ones(2, np.float32)}, {"name": "b", "value": np.zeros(2, np.float32)}]
    decoded = codec.decode(codec.encode({"terms": terms}, "string", "base64"), Limits())["terms"]
    second = decoded[1] if isinstance(decoded, list) else decoded["1"]
    assert second["name"] == "b"
    assert same(tensor(second["value"]), terms[1]["value"])


@every_codec
def test_bodies_may_lie_anywhere_in_memory(codec: Codec) -> None:
    array = np.arange(6, dtype=np.float64).reshape(2, 3)
    body = codec.encode({"x": array}, "string", "base64")
    for kind in (bytes, bytearray, lambda b: memoryview(b"-" + b)[1:]):
        assert same(tensor(codec.decode(kind(body), Limits())["x"]), array)


@every_codec
def test_arrays_that_lie_scattered_are_written_in_order(codec: Codec) -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for scattered in (array.T, array[:, ::-1], np.asfortranarray(array), array.astype(">i2")):
        body: Buffer = codec.encode({"x": scattered}, "string", "base64")
        assert np.array_equal(tensor(codec.decode(body, Limits())["x"]), scattered)
