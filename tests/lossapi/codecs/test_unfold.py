"""Compressed bodies: what unfolds, what breaks off, and bombs."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from lossapi.codecs.codec import Limits
from lossapi.codecs.unfold import MOST_PARTS, unfold
from lossapi.errors import LossError, TooLarge, Unreadable

TEXT = random.Random(0).randbytes(200_000) + bytes(200_000)


def raw(data: bytes) -> bytes:
    """Deflate without zlib's header."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def streamed(data: bytes) -> bytes:
    """A frame of zstd that does not say how long it is."""
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(data) + stream.flush()


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip in two members": ("gzip", lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw),
    "zstd": ("zstd", zstandard.compress),
    "streamed zstd": ("zstd", streamed),
    "zstd in two frames": ("zstd", lambda data: zstandard.compress(data[:1000]) + streamed(data[1000:])),
}
every_way = pytest.mark.parametrize(("coding", "fold"), WAYS.values(), ids=WAYS)


def refuse(packed: bytes, coding: str, limit: int = 2**28) -> LossError:
    """The error of compressed bytes."""
    with pytest.raises(LossError) as caught:
        unfold(packed, coding, Limits(limit))
    return caught.value


@every_way
@pytest.mark.parametrize("data", [b"", b"x", TEXT])
def test_what_was_folded_unfolds(coding: str, fold: Callable[[bytes], bytes], data: bytes) -> None:
    assert memoryview(unfold(fold(data), coding, Limits(len(data)))) == data


@every_way
def test_what_breaks_off_or_goes_on_is_unreadable(coding: str, fold: Callable[[bytes], bytes]) -> None:
    packed = fold(TEXT)
    for wrong in (b"", packed[:1], packed[:-1], packed[: len(packed) // 2], packed + b"x", packed + bytes(9)):
        assert type(refuse(wrong, coding)) is Unreadable


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_flipped_bits_are_unreadable(coding: str) -> None:
    packed = bytearray(
        gzip.compress(TEXT) if coding == "gzip" else zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)
    )
    packed[-3] ^= 1
    assert type(refuse(bytes(packed), coding)) is Unreadable


@every_way
def test_a_bomb_is_noticed_before_it_goes_off(coding: str, fold: Callable[[bytes], bytes]) -> None:
    bomb = fold(bytes(2**27))
    tracemalloc.start()
    error = refuse(bomb, coding, 2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(error) is TooLarge
    assert peak < 2**26


def test_a_frame_that_looks_far_back_is_unreadable() -> None:
    far = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=far).compressobj()
    assert "memory" in str(refuse(stream.compress(TEXT) + stream.flush(), "zstd"))


def test_endless_empty_parts_are_over_a_limit() -> None:
    assert type(refuse(zstandard.compress(b"") * (MOST_PARTS + 1), "zstd")) is TooLarge
