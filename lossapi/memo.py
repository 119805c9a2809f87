"""What was worked out before, to be met again."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by what they follow from; a key that holds a list or an object finds nothing and leaves nothing.

    With more than `most` of them all are forgotten: what is in use is soon worked out again.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: dict[Any, T] = {}

    def __iter__(self) -> Iterator[Any]:
        """The keys that are kept now."""
        return iter(tuple(self._known))

    def get(self, key: Any) -> T | None:
        """What was put there, if anything."""
        try:
            return self._known.get(key)
        except TypeError:
            return None

    def keeps(self, key: Any) -> bool:
        """Whether a key can be kept."""
        try:
            hash(key)
        except TypeError:
            return False
        return True

    def put(self, key: Any, value: T) -> None:
        """Keep a value, where its key can be kept."""
        if len(self._known) >= self.most:
            self.forget()
        if self.keeps(key):
            self._known[key] = value

    def forget(self) -> None:
        """Let go of all."""
        self._known.clear()
