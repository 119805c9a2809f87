"""Arrays come back from the protocol's bytes and JSON bit for bit, whatever their datatype and shape."""

from math import prod
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossapi.codecs.codec import Limits
from lossapi.codecs.inference_data import DATATYPES, as_array, as_bytes, datatype_of, from_json
from lossapi.codecs.inference_header import Placed
from lossapi.codecs.openinference import Wanted, decode, encode
from lossapi.codecs.tensors import DTYPES
from lossapi.errors import LossError

NUMBERS = [name for name in DATATYPES if name != "BYTES"]
SHAPES = st.lists(st.integers(0, 4), max_size=4)


class NoRegions:
    """No shared memory."""

    def read(self, name: str, offset: int, size: int) -> memoryview:
        raise AssertionError("nothing is shared here")

    def write(self, name: str, offset: int, size: int, data: memoryview) -> None:
        raise AssertionError("nothing is shared here")


@st.composite
def arrays(draw: st.DrawFn, names: list[str]) -> Any:
    """An array of any bits, so of NaN, infinities, -0.0 and subnormal numbers too."""
    dtype, shape = DTYPES[DATATYPES[draw(st.sampled_from(names))]], draw(SHAPES)
    size = prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(bytes(byte & 1 for byte in raw) if dtype.kind == "b" else raw, dtype).reshape(shape)


def same(one: Any, other: Any) -> None:
    """The same dtype, shape and bits."""
    assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def header_of(name: str, array: Any) -> dict[str, Any]:
    """The header of an array whose bytes follow."""
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype_of(array),
        "parameters": {"binary_data_size": array.nbytes},
    }


def in_json(array: Any) -> dict[str, Any]:
    """An output as it stands in the JSON of a reply."""
    encoded = encode({}, {"value": array}, [Wanted("value", False, Placed())], NoRegions(), "string")
    found: dict[str, Any] = orjson.loads(encoded.parts[0])["outputs"][0]
    return found


@given(one=arrays(NUMBERS), other=arrays(NUMBERS), lead=st.integers(0, 7))
def test_binary_tensors_come_in_bit_for_bit_wherever_they_lie(one: Any, other: Any, lead: int) -> None:
    header = orjson.dumps({"inputs": [header_of("one", one), header_of("other", other)], "id": "x" * lead})
    body = memoryview(header + as_bytes(one).tobytes() + as_bytes(other).tobytes())
    found = decode(body, len(header), NoRegions(), Limits())
    same(found.tensors["one"], one)
    same(found.tensors["other"], other)
    assert all(each.flags.aligned for each in found.tensors.values())


@given(array=arrays(NUMBERS))
def test_binary_outputs_go_out_bit_for_bit(array: Any) -> None:
    encoded = encode({"model_name": "m"}, {"value": array}, [Wanted("value", True, Placed())], NoRegions(), "string")
    body = b"".join(encoded.parts)
    output = orjson.loads(body[: encoded.header_length])["outputs"][0]
    same(as_array("value", output["datatype"], output["shape"], memoryview(body)[encoded.header_length :]), array)


@given(array=arrays([name for name in NUMBERS if name not in ("FP16", "BF16", "FP32", "FP64")]))
def test_integers_and_booleans_go_through_json(array: Any) -> None:
    output = orjson.loads(
        encode({}, {"value": array}, [Wanted("value", False, Placed())], NoRegions(), "string").parts[0]
    )
    found = output["outputs"][0]
    same(from_json("value", found["datatype"], found["shape"], found["data"]), array)


@given(array=arrays(["FP32", "FP64"]))
def test_reals_go_through_json_nan_and_infinities_by_name(array: Any) -> None:
    output = orjson.loads(
        encode({}, {"value": array}, [Wanted("value", False, Placed())], NoRegions(), "string").parts[0]
    )
    found = output["outputs"][0]
    again = from_json("value", found["datatype"], found["shape"], found["data"])
    finite = ~np.isnan(array)
    np.testing.assert_array_equal(again, array)
    assert np.array_equal(np.signbit(again)[finite], np.signbit(array)[finite])


@given(strings=st.lists(st.binary(max_size=9)))
def test_strings_come_back(strings: list[bytes]) -> None:
    array = np.empty(len(strings), object)
    array[:] = strings
    assert as_array("x", "BYTES", [len(strings)], as_bytes(array)).tolist() == strings


@given(body=st.binary(max_size=200), cut=st.integers(0, 200))
def test_any_bytes_are_a_request_or_an_error_of_ours(body: bytes, cut: int) -> None:
    with pytest.raises(LossError):
        decode(memoryview(body), min(cut, len(body)), NoRegions(), Limits())
