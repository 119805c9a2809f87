"""The members of a zip archive, out of bytes that nobody vouches for.

The directory at the end is believed in nothing: sizes are held against the bytes there are, against the limit before a
member is unfolded, and against what it comes to; checksums are checked. A stored member is a view, not a copy.
"""

import zlib
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from lossapi.codecs.codec import Limits
from lossapi.codecs.room import Room
from lossapi.codecs.tensors import Buffer
from lossapi.codecs.unfold import RAW, inflate
from lossapi.errors import TooLarge, Unreadable

END, ENTRY, LOCAL = Struct("<4s4H2LH"), Struct("<4s6H3L5H2L"), Struct("<4s5H3L2H")
END_MARK, ENTRY_MARK, LOCAL_MARK = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
MOST_COMMENT = 2**16
STORED, DEFLATED = 0, 8
ENCRYPTED = 1


class Member(NamedTuple):
    """One entry of the directory."""

    name: str
    method: int
    checksum: int
    packed: int
    size: int
    place: int


def members(body: Buffer, limits: Limits) -> Iterator[tuple[str, memoryview]]:
    """Each member's name and bytes; all together unfold to no more than the limit."""
    view, known, total = memoryview(body).toreadonly(), set[str](), 0
    for member in _directory(view):
        if member.name in known:
            raise Unreadable(f"{member.name} once in the archive", "more than once")
        known.add(member.name)
        total += member.size
        if total > limits.unfolded:
            raise limits.over(total)
        yield member.name, _unpacked(member, _packed(member, view))


def _directory(view: memoryview) -> Iterator[Member]:
    """The entries, as many as the record at the end says, in as many bytes."""
    tail = bytes(view[-END.size - MOST_COMMENT :])
    at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END.size:
        raise Unreadable("a zip archive", "no directory at the end")
    _, disk, first, here, count, size, place, comment = END.unpack_from(tail, at)
    end = len(view) - len(tail) + at
    if disk or first or here != count or at + END.size + comment != len(tail) or place + size != end:
        raise Unreadable("a whole zip archive of less than 4 GiB", "a directory in another place than it says")
    for _ in range(count):
        if place + ENTRY.size > end:
            raise Unreadable(f"a directory of {count} entries", "fewer")
        mark, _, _, flags, method, _, _, checksum, packed, unpacked, *lengths, _, _, _, local = ENTRY.unpack_from(
            view, place
        )
        name = bytes(view[place + ENTRY.size :][: lengths[0]]).decode("utf-8", "replace")
        place += ENTRY.size + sum(lengths)
        if mark != ENTRY_MARK or place > end or flags & ENCRYPTED or method not in (STORED, DEFLATED):
            raise Unreadable("members that are stored or deflated", f"another entry: {name[:40]!r}")
        yield Member(name, method, checksum, packed, unpacked, local)
    if place != end:
        raise Unreadable(f"a directory of {count} entries", "more")


def _packed(member: Member, view: memoryview) -> memoryview:
    """The bytes of a member as they lie in the archive."""
    if member.place + LOCAL.size > len(view):
        raise Unreadable(f"{member.name} within the archive", f"byte {member.place}")
    mark, *_, name, extra = LOCAL.unpack_from(view, member.place)
    start = member.place + LOCAL.size + name + extra
    if mark != LOCAL_MARK or start + member.packed > len(view):
        raise Unreadable(f"{member.name} within the archive", f"{member.packed} bytes at byte {start}")
    return view[start : start + member.packed]


def _unpacked(member: Member, packed: memoryview) -> memoryview:
    """A member's bytes, which come to the size and the checksum that the directory says."""
    data, rest = packed, packed[:0]
    if member.method == DEFLATED:
        room = Room(member.size)
        try:
            rest = inflate(packed, RAW, Limits(member.size), room)
        except TooLarge:
            rest = packed
        data = memoryview(room.filled())
    if len(data) != member.size or rest or zlib.crc32(data) != member.checksum:
        raise Unreadable(f"{member.name} of the size and checksum that the archive says", "another")
    return data
