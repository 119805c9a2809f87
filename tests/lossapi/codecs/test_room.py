"""Room for large bodies: filled in place, trimmed, given back while others still refer to it."""

import mmap

import numpy as np
import pytest

from lossapi.codecs.room import HUGE_FROM, PAGED_FROM, Room, let_go
from lossapi.errors import Unreadable

PART = bytes(range(256)) * 16


def resident() -> int:
    """The bytes of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE


@pytest.mark.parametrize("most", [0, 1, PAGED_FROM - 1, PAGED_FROM, HUGE_FROM, HUGE_FROM + 1])
@pytest.mark.parametrize("parts", [0, 1, 3])
def test_what_was_added_is_there_and_no_more(most: int, parts: int) -> None:
    room = Room(most)
    part = PART[: most // 4]
    for _ in range(parts):
        room.add(part)
    assert memoryview(room.filled()) == part * parts


def test_no_more_is_taken_than_was_said_to_come() -> None:
    room = Room(10)
    room.add(b"12345678")
    with pytest.raises(Unreadable, match="10 bytes, as was said"):
        room.add(b"901")


@pytest.mark.parametrize("most", [2**30, 2**50, 2**70])
def test_room_that_is_said_to_be_needed_costs_nothing(most: int) -> None:
    before = resident()
    room = Room(most)
    room.add(PART)
    assert resident() - before < 2**23


def test_a_body_is_given_back_unless_an_array_is_a_view_of_it() -> None:
    room = Room(PAGED_FROM)
    room.add(PART)
    body = room.filled()
    assert isinstance(body, mmap.mmap)
    array = np.frombuffer(memoryview(body)[:8], np.uint8)
    let_go(body)
    assert array.tolist() == list(range(8))
    del array
    let_go(body)
    assert body.closed
