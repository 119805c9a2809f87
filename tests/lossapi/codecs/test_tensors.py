"""What stands for a tensor: numbers in the dtype asked for, or a fault that says where."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lossapi.codecs.tensors import DTYPES, from_bytes, tensor
from lossapi.errors import DomainError, DtypeError, LossError, ShapeError, TooLarge


def numbers(dtype: str, *data: Any) -> dict[str, Any]:
    """A tensor as a flat list with a dtype."""
    return {"dtype": dtype, "shape": [len(data)], "data": list(data)}


def test_lists_of_integers_are_int64_and_all_other_numbers_float64() -> None:
    assert tensor([[1, 2], [3, 4]]).dtype == np.int64
    assert tensor([1, 2.5]).dtype == np.float64
    assert tensor([True, False]).dtype == np.bool_
    assert np.isnan(tensor([1, "NaN"])[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_list_is_taken_in_the_dtype_asked_for(dtype: str) -> None:
    read = tensor(numbers(dtype, 0, 1))
    assert (read.dtype.name, read.tolist()) == (dtype, [0, 1])


def test_the_ends_of_every_range_of_integers_are_held() -> None:
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        info = np.iinfo(name)
        assert tensor(numbers(name, info.min, info.max)).tolist() == [info.min, info.max]


@pytest.mark.parametrize(
    ("dtype", "number"),
    [
        ("int8", 128),
        ("int8", -129),
        ("uint8", -1),
        ("uint8", 0.5),
        ("int16", "NaN"),
        ("uint64", -1),
        ("uint64", 2.0**64),
        ("int64", 2**63),
        ("int64", 2.0**63),
        ("bool", 2),
        ("float16", 70000),
        ("float32", 1e39),
        ("bfloat16", 3.4e38),
    ],
)
def test_a_number_that_the_dtype_cannot_hold_is_a_fault(dtype: str, number: Any) -> None:
    with pytest.raises(DomainError) as caught:
        tensor(numbers(dtype, 0, number))
    assert caught.value.faults[0].where == ("data", 1)


def test_an_infinity_asked_for_is_no_overflow() -> None:
    assert np.isinf(tensor(numbers("float16", "Infinity", "-Infinity"))).all()


@pytest.mark.parametrize("data", ["AAA", "A===", "AA!A", "AAéA", "AA=A", "====", "A\nAA"])
def test_broken_base64_is_a_fault_at_data(data: str) -> None:
    with pytest.raises((DtypeError, ShapeError)) as caught:
        tensor({"dtype": "uint8", "shape": [3], "data": data})
    assert caught.value.faults[0].where == ("data",)


@pytest.mark.parametrize("shape", [[0, 2**62], [2**62, 2**62], [1] * 33])
def test_a_shape_that_no_array_has_is_over_a_limit(shape: list[int]) -> None:
    with pytest.raises(TooLarge):
        tensor({"dtype": "float32", "shape": shape, "data": ""})


@pytest.mark.parametrize("shape", [[-1], [True], [1.0], "3", None, [2**63]])
def test_a_shape_is_a_list_of_whole_numbers(shape: Any) -> None:
    with pytest.raises(ShapeError):
        tensor({"dtype": "float32", "shape": shape, "data": []})


def test_bytes_become_arrays_without_a_copy_and_unaligned_ones_with() -> None:
    body = bytearray(b"\x00" * 4 + np.arange(4, dtype=np.float32).tobytes())
    aligned = from_bytes(memoryview(body)[4:], DTYPES["float32"], (4,))
    assert np.shares_memory(aligned, np.frombuffer(body, np.uint8))
    assert not aligned.flags.writeable
    shifted = bytearray(b"\x00") + np.arange(4, dtype=np.float32).tobytes()
    unaligned = from_bytes(memoryview(shifted)[1:], DTYPES["float32"], (4,))
    assert unaligned.flags.aligned
    assert unaligned.tolist() == [0, 1, 2, 3]


def test_any_byte_but_zero_is_true() -> None:
    assert from_bytes(b"\x00\x01\xff", DTYPES["bool"], (3,)).tolist() == [False, True, True]


def test_an_array_passes_as_it_is() -> None:
    array = np.ones((2, 3), ml_dtypes.bfloat16)
    assert tensor(array) is array


def test_a_fault_in_a_list_of_data_is_placed_there() -> None:
    with pytest.raises(LossError, match=r"\$\.data\[1\]"):
        tensor(numbers("float32", 1, "two"))
