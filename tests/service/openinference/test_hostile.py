"""Bytes that lie about themselves are refused, each with a message of its own, and never a 500."""

import gzip
import random
import zlib
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from tests.service.openinference.requests import binary_input, header, json_input, post, refused

TARGET = json_input("target", [2], [0, 0])
BLOB = np.array([0.0, 3.0], np.float32).tobytes()
GOOD = header([binary_input("prediction", [2], 8), TARGET])


def one(prediction: dict[str, Any], **more: Any) -> bytes:
    """A header whose target is right."""
    return header([prediction, TARGET], **more)


def strings(shape: list[int], size: int) -> bytes:
    """A header of strings of so many bytes."""
    return one(binary_input("prediction", shape, size, "BYTES"))


HOSTILE: dict[str, tuple[bytes, int | str | None, str]] = {
    "an empty body": (b"", None, "Expected a body"),
    "a header past the body": (GOOD, len(GOOD) + 1, f"a header of 1 to {len(GOOD)} bytes"),
    "a header length below 0": (GOOD, "-1", "a whole number as Inference-Header-Content-Length"),
    "a header length that is no number": (GOOD, "12a", "a whole number as Inference-Header-Content-Length"),
    "a header length of many digits": (GOOD, "9" * 5000, "a whole number as Inference-Header-Content-Length"),
    "a header cut short": (GOOD + BLOB, len(GOOD) - 1, "Expected a JSON header"),
    "no JSON": (b"\xff\xfe", None, "Expected a JSON header"),
    "a list": (b"[]", None, "Expected request: a valid dictionary"),
    "deep JSON": (b"[" * 100_000 + b"NaN", None, "Expected a JSON header"),
    "no inputs": (b"{}", None, "Expected inputs, got nothing"),
    "one byte too few": (GOOD + BLOB[:-1], len(GOOD), "Expected 8 bytes for input prediction, got 7 left"),
    "one byte too many": (GOOD + BLOB + b"\0", len(GOOD), "got 1 bytes left over"),
    "a size one too small": (
        one(binary_input("prediction", [2], 7)) + BLOB,
        -8,
        "8 bytes for shape [2] of float32, got 7",
    ),
    "a size one too large": (
        one(binary_input("prediction", [2], 9)) + BLOB + b"\0",
        -9,
        "8 bytes for shape [2] of float32, got 9",
    ),
    "a negative size": (one(binary_input("prediction", [2], -1)), None, "binary_data_size >= 0"),
    "a size of 65 bits": (one(binary_input("prediction", [2], 2**64 - 1)), None, "binary_data_size <= 9.22"),
    "a negative shape": (one(json_input("prediction", [-2], [1, 2])), None, "at $.inputs[0].shape[0]"),
    "a shape of reals": (one(json_input("prediction", [2.0], [1, 2])), None, "at $.inputs[0].shape[0]"),
    "a shape that a 0 would hide": (
        one(binary_input("prediction", [0, 2**62, 8], 0)),
        None,
        "that an array can have",
    ),
    "no way to the data": (one({"name": "prediction", "shape": [2], "datatype": "FP32"}), None, "got 0 of them"),
    "two ways to the data": (
        one({**binary_input("prediction", [2], 8), "data": [0, 3]}) + BLOB,
        -8,
        "one of data, binary_data_size and shared_memory_region, got 2 of them",
    ),
    "an unknown datatype": (one(json_input("prediction", [2], [1, 2], "FP8")), None, "at $.inputs[0].datatype"),
    "an input twice": (header([TARGET, TARGET]), None, "Expected input target once"),
    "an unknown input": (header([json_input("predicton", [2], [1, 2]), TARGET]), None, "got unknown input 'predicton'"),
    "a missing input": (header([TARGET]), None, "Expected tensor prediction, got nothing - at $.inputs.prediction"),
    "a parameter as an input": (header([json_input("delta", [1], [1]), TARGET]), None, "got unknown input 'delta'"),
    "an output twice": (
        one(json_input("prediction", [2], [0, 3]), outputs=[{"name": "value"}, {"name": "value"}]),
        None,
        "output value once",
    ),
    "a flag that is none": (
        one(json_input("prediction", [2], [0, 3]), outputs=[{"name": "value", "parameters": {"binary_data": 1}}]),
        None,
        "at $.outputs[0].parameters.binary_data",
    ),
    "more numbers than the shape has": (one(json_input("prediction", [2], [1, 2, 3])), None, "2 numbers for shape [2]"),
    "ragged lists": (one(json_input("prediction", [3], [[1], [2, 3]])), None, "at $.inputs.prediction.data[1]"),
    "a word among numbers": (one(json_input("prediction", [2], [1, "x"])), None, "at $.inputs.prediction.data[1]"),
    "text for data": (one(json_input("prediction", [2], "AAAA")), None, "data as a list, got str"),
    "an object for data": (one(json_input("prediction", [2], {"a": 1})), None, "data as a list, got dict"),
    "a number past FP32": (one(json_input("prediction", [2], [1e300, 1])), None, "a number of float32, got 1e+300"),
    "a number past UINT8": (
        one(json_input("prediction", [2], [1, 256], "UINT8")),
        None,
        "a number of uint8, got 256",
    ),
    "a number past INT64": (one(json_input("prediction", [2], [1, 2.0**63], "INT64")), None, "a number of int64"),
    "a negative UINT64": (one(json_input("prediction", [2], [1, -1], "UINT64")), None, "a number of uint64, got -1"),
    "a fraction for an integer": (
        one(json_input("prediction", [2], [1, 0.5], "INT32")),
        None,
        "int32, got 0.5",
    ),
    "NaN for an integer": (one(json_input("prediction", [2], [1, "NaN"], "INT32")), None, "a number of int32, got nan"),
    "a number past BOOL": (one(json_input("prediction", [2], [1, 2], "BOOL")), None, "a number of bool, got 2"),
    "strings cut short": (strings([2], 9) + b"\2\0\0\0ab\2\0\0", -9, "bytes that end within number 1"),
    "a string longer than the rest": (strings([1], 5) + b"\xff\xff\xff\xffa", -5, "bytes that end within number 0"),
    "too few strings": (strings([2], 5) + b"\1\0\0\0a", -5, "bytes that end within number 1"),
    "bytes after the strings": (strings([1], 6) + b"\1\0\0\0ab", -6, "1 bytes more"),
}


@pytest.mark.parametrize(("body", "length", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_told_what_is_wrong(
    client: httpx.Client, body: bytes, length: int | str | None, message: str
) -> None:
    """A length below 0 is counted from the end of the body."""
    length = len(body) + length if isinstance(length, int) and length < 0 else length
    assert message in refused(post(client, body, length))


@pytest.mark.parametrize(
    ("prediction", "limit"),
    [
        (json_input("prediction", [1] * 40, [1]), "32 dimensions"),
        (binary_input("prediction", [2**31, 2**31, 4], 0), "268435456 elements"),
        (binary_input("prediction", [2**21], 4, "BYTES"), "1048576 strings"),
    ],
    ids=["dimensions", "elements", "strings"],
)
def test_what_is_over_a_limit_is_a_413(client: httpx.Client, prediction: dict[str, Any], limit: str) -> None:
    body = one(prediction)
    blob = b"" if "data" in prediction else b"\0" * 4
    assert limit in refused(post(client, body + blob, len(body)), 413)


def test_integers_of_the_sixty_fourth_bit_are_read(client: httpx.Client) -> None:
    inputs = [
        json_input("prediction", [2], [2**64 - 1, 1], "UINT64"),
        json_input("target", [2], [0, -(2**63)], "INT64"),
    ]
    reply = post(client, header(inputs, parameters={"reduction": "sum"}), model="mean_absolute_error")
    assert reply.json()["outputs"][0]["data"] == [2.0**64 + 2.0**63]


def test_a_body_over_the_limit_is_a_413_however_it_comes(client: httpx.Client) -> None:
    zeros = bytes(5 * 2**20)
    assert "LOSSAPI_BODY_BYTES" in refused(post(client, zeros), 413)
    assert "LOSSAPI_BODY_BYTES" in refused(post(client, gzip.compress(zeros), 10, **{"content-encoding": "gzip"}), 413)


@pytest.mark.parametrize(
    ("coding", "body", "message"),
    [
        ("gzip", b"no gzip", "compressed bytes"),
        ("gzip", gzip.compress(GOOD + BLOB)[:-4], "bytes that break off"),
        ("deflate", zlib.compress(GOOD + BLOB) + b"x", "nothing after the compressed bytes"),
        ("gzip", b"", "bytes that break off"),
    ],
)
def test_a_broken_compressed_body_is_told(client: httpx.Client, coding: str, body: bytes, message: str) -> None:
    assert message in refused(post(client, body, len(GOOD), **{"content-encoding": coding}))


def test_an_unknown_coding_is_a_415(client: httpx.Client) -> None:
    assert "gzip, x-gzip, deflate, zstd are" in refused(post(client, GOOD, **{"content-encoding": "br"}), 415)


def test_no_mutation_of_a_good_request_is_a_bug(client: httpx.Client) -> None:
    random.seed(0)
    good = GOOD + BLOB
    for _ in range(300):
        body = bytearray(good)
        for _ in range(random.randint(1, 3)):
            body[random.randrange(len(body))] = random.randrange(256)
        length = random.choice([len(GOOD), None, random.randrange(len(good) + 9)])
        reply = post(client, bytes(body), length)
        assert reply.status_code in (200, 400, 413), (bytes(body), length, reply.text)


def test_no_kind_of_json_in_any_place_is_a_bug(client: httpx.Client) -> None:
    whole: dict[str, Any] = orjson.loads(GOOD)
    odd: list[Any] = [None, True, -1, 2**70, 1.5, "x", "", [], [[]], {}, {"a": [1]}, [None], float("nan")]
    for path in PLACES:
        for value in odd:
            text = orjson.dumps(replaced(whole, path, value)) if value != 2**70 else b'{"inputs": ' + b"9" * 30 + b"}"
            reply = post(client, text + BLOB, len(text))
            assert reply.status_code in (200, 400, 413), (text, reply.text)


PLACES: list[tuple[str | int, ...]] = [
    ("id",),
    ("inputs",),
    ("outputs",),
    ("parameters",),
    *[("inputs", 0, key) for key in ("name", "shape", "datatype", "parameters", "data")],
    *[("inputs", 1, key) for key in ("name", "shape", "datatype", "parameters", "data")],
    *[
        ("parameters", key)
        for key in ("delta", "reduction", "return", "backend", "nonfinite", "timeout", "weight", "terms")
    ],
    *[("inputs", 0, "parameters", key) for key in ("binary_data_size", "shared_memory_region", "shared_memory_offset")],
    ("outputs", 0),
    *[("outputs", 0, key) for key in ("name", "parameters")],
    *[("outputs", 0, "parameters", key) for key in ("binary_data", "classification", "shared_memory_region")],
]


def replaced(value: Any, path: tuple[str | int, ...], by: Any) -> Any:
    """A copy with another thing at a place, which is made where it is not."""
    if not path:
        return by
    if isinstance(path[0], int):
        entries = list(value or [{"name": "value"}])
        entries[path[0]] = replaced(entries[path[0]], path[1:], by)
        return entries
    return {**(value or {}), path[0]: replaced((value or {}).get(path[0]), path[1:], by)}
