"""Whose a stream is: where there are API keys, each sees the streams that it made, and `admin` sees all."""

from service.streams.errors import gone
from service.streams.stream import Head, Stream
from service.visit import current


def owner() -> str:
    """The name of the key that asks; none where there are no keys."""
    visit = current()
    return "" if visit is None else visit.key


def mine(head: Head) -> bool:
    """Whether who asks may see a stream."""
    visit = current()
    return visit is None or visit.sees_all or head.plain.get("owner", "") == visit.key


def require_mine(stream: Stream) -> Stream:
    """The stream; one of another key is as good as none."""
    if not mine(stream.head):
        raise gone(stream.head.plain["id"])
    return stream
