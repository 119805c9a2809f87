"""Compressed bytes ⇄ what they unfold to, a piece at a time, so that a bomb is noticed before it goes off.

The limit is on what comes out, and is held while it comes out; what a header says of a size is never believed.
"""

import zlib
from collections.abc import Callable, Mapping

import zstandard

from lossapi.codecs.codec import Limits
from lossapi.codecs.room import Room
from lossapi.codecs.tensors import Buffer
from lossapi.errors import TooLarge, Unreadable

PIECE = 2**16
ZSTD_PIECE = 2**10
"""The least that zstd can be told to unfold is what it is given: four bytes may stand for 128 KiB."""
ZSTD_WINDOW = 2**23
"""How far back a frame may refer, which is what RFC 9659 lets a sender of zstd over HTTP ask for."""
MOST_PARTS = 2**13
RAW, ZLIB, GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS, 16 + zlib.MAX_WBITS


def inflate(packed: memoryview, kind: int, limits: Limits, room: Room) -> memoryview:
    """Unfold one stream of zlib's into `room`; what follows the stream comes back."""
    stream = zlib.decompressobj(kind)
    for start in range(0, len(packed), PIECE):
        piece: Buffer = packed[start : start + PIECE]
        end = start + len(piece)
        while True:
            part = _told(stream.decompress, piece, PIECE)
            _add(room, part, limits)
            piece = stream.unconsumed_tail
            if stream.eof:
                return packed[end - len(stream.unused_data) :]
            if not piece and len(part) < PIECE:
                break
    raise _cut_short()


def _gzip(packed: memoryview, limits: Limits, room: Room) -> memoryview:
    return inflate(packed, GZIP, limits, room)


def _deflate(packed: memoryview, limits: Limits, room: Room) -> memoryview:
    """With zlib's header, as the standard says, or without, as some send it."""
    headed = packed[0] & 15 == zlib.DEFLATED and int.from_bytes(packed[:2]) % 31 == 0
    return inflate(packed, ZLIB if headed else RAW, limits, room)


def _zstd(packed: memoryview, limits: Limits, room: Room) -> memoryview:
    """One frame of zstd."""
    stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    for start in range(0, len(packed), ZSTD_PIECE):
        piece = packed[start : start + ZSTD_PIECE]
        _add(room, _told(stream.decompress, piece), limits)
        if stream.eof:
            return packed[start + len(piece) - len(stream.unused_data) :]
    raise _cut_short()


def _told(unfold: Callable[..., bytes], *piece: Buffer | int) -> bytes:
    try:
        return unfold(*piece)
    except (zlib.error, zstandard.ZstdError) as error:
        raise Unreadable("compressed bytes", str(error)) from None


def _add(room: Room, part: bytes, limits: Limits) -> None:
    if room.size + len(part) > limits.unfolded:
        raise limits.over()
    room.add(part)


def _cut_short() -> Unreadable:
    return Unreadable("compressed bytes to their end", "bytes that break off")


PARTS: Mapping[str, Callable[[memoryview, Limits, Room], memoryview]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
"""By its name in HTTP: what unfolds one part, of which one may follow another."""


def unfold(packed: Buffer, coding: str, limits: Limits) -> Buffer:
    """What compressed bytes unfold to, to the last of them."""
    rest, room, parts = memoryview(packed), Room(limits.unfolded), 0
    while rest or not parts:
        if not rest:
            raise _cut_short()
        rest, parts = PARTS[coding](rest, limits, room), parts + 1
        if rest and coding == "deflate":
            raise Unreadable("nothing after the compressed bytes", f"{len(rest)} bytes")
        if parts > MOST_PARTS:
            raise TooLarge(f"at most {MOST_PARTS} compressed parts in one body", "more")
    return room.filled()
