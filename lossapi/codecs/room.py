"""Room for a large body: reserved at once, taken page by page as it is filled, given back at once."""

import mmap
from contextlib import suppress

from lossapi.codecs.tensors import Buffer
from lossapi.errors import Unreadable

PAGED_FROM, HUGE_FROM = 2**16, 2**22
"""From where on pages are asked for, and from where on those of 2 MiB: one fault for each of 4 KiB costs more than
what fills it."""
HUGE = getattr(mmap, "MADV_HUGEPAGE", None)
PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


class Room:
    """Bytes that are added one after another, never moved, and no more than were said to come."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._pages = _paged(most) if most >= PAGED_FROM else bytearray()

    def add(self, part: Buffer) -> None:
        """Put bytes behind those that are there."""
        end = self.size + len(part)
        if end > self._most:
            raise Unreadable(f"{self._most} bytes, as was said", "more")
        self._pages[self.size : end] = part
        self.size = end

    def filled(self) -> Buffer:
        """What was added; the room that is left is given back."""
        if isinstance(self._pages, bytearray) or not self.size:
            return self._pages[: self.size]
        try:
            self._pages.resize(self.size)
        except SystemError:  # no such call on this system
            return self._pages[: self.size]
        return self._pages


def _paged(most: int) -> mmap.mmap | bytearray:
    """Memory that takes no room until it is written to; where the system promises no such amount, it grows."""
    try:
        pages = mmap.mmap(-1, most, **PRIVATE)
    except (OSError, OverflowError):
        return bytearray()
    if HUGE is not None and most >= HUGE_FROM:
        with suppress(OSError):  # a kernel without them
            pages.madvise(HUGE)
    return pages


def let_go(body: Buffer) -> None:
    """Give a body's room back now, whoever still refers to it; what an array is a view of stays."""
    if isinstance(body, mmap.mmap):
        with suppress(BufferError):
            body.close()
