"""Bytes that were tampered with are read or refused, never a crash, and in memory in proportion to them.

A longer look: LOSSAPI_FUZZ=1000 pytest tests/lossapi/codecs/test_hostile.py
"""

import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import tensor
from lossapi.codecs.unfold import PARTS, unfold
from lossapi.errors import LossError
from tests.lossapi.codecs.hostile import archived, folded, headers, members, mutants, valid, with_length

CASES = 500 * int(os.environ.get("LOSSAPI_FUZZ", "2"))
LIMITS = Limits(2**20)
MOST_MEMORY = 2**22
BODIES, FOLDED = valid(), folded()


def read(media_type: str) -> Callable[[bytes], Any]:
    """What reads a whole request, its tensors too."""
    codec = CODECS[media_type]

    def reading(body: bytes) -> None:
        decoded = codec.decode(body, LIMITS)
        for name in decoded.keys() & {"prediction", "target"}:
            tensor(decoded[name])

    return reading


def faults(reading: Callable[[bytes], Any], bodies: list[bytes], count: int) -> list[tuple[bytes, str]]:
    """The tampered bodies that were answered by a crash or by too much memory."""
    found = []
    tracemalloc.start()
    for body in mutants(bodies, 0, count):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            _read_or_refused(reading, body)
        except Exception as error:
            found.append((body, repr(error)))
        if tracemalloc.get_traced_memory()[1] - before > MOST_MEMORY:
            found.append((body, "memory"))
    tracemalloc.stop()
    return found


def _read_or_refused(reading: Callable[[bytes], Any], body: bytes) -> None:
    """Read a body, or have it refused in words that can be sent."""
    try:
        reading(body)
    except LossError as error:
        str(error).encode()


@pytest.mark.parametrize("media_type", CODECS)
def test_tampered_bodies_are_read_or_refused(media_type: str) -> None:
    assert faults(read(media_type), BODIES[media_type], CASES) == []


def test_tampered_headers_of_the_right_length_are_read_or_refused() -> None:
    reading = read("application/vnd.safetensors")
    assert faults(lambda header: reading(with_length(header)), headers(), CASES) == []


def test_tampered_members_of_the_right_checksum_are_read_or_refused() -> None:
    reading = read("application/x-npz")
    assert faults(lambda member: reading(archived(member)), members(), CASES) == []


@pytest.mark.parametrize("coding", FOLDED)
def test_tampered_compression_is_unfolded_or_refused(coding: str) -> None:
    assert faults(lambda body: unfold(body, coding, LIMITS), FOLDED[coding], CASES) == []


def test_one_that_believes_a_length_is_found_out() -> None:
    def believing(body: bytes) -> None:
        bytearray(int.from_bytes(body[:8], "little") % 2**26)

    def trusting(body: bytes) -> None:
        body[8:].decode()

    bodies = BODIES["application/vnd.safetensors"]
    assert {what for _, what in faults(believing, bodies, 300)} == {"memory"}
    assert any("UnicodeDecodeError" in what for _, what in faults(trusting, bodies, 300))


def test_every_format_and_coding_is_tampered_with() -> None:
    assert BODIES.keys() == CODECS.keys()
    assert FOLDED.keys() | {"x-gzip"} == PARTS.keys()
