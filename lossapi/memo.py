"""What was worked out before, to be met again."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by what they follow from; a key that holds a list or an object finds nothing and leaves nothing.

    With more than `most` of them all are forgotten: what is in use is soon worked out again.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: dict[Any, T] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)

    def get(self, key: Any) -> T | None:
        """What was put there, if anything."""
        try:
            return self._known.get(key)
        except TypeError:
            return None

    def put(self, key: Any, value: T) -> None:
        """Keep a value, where its key can be kept."""
        if len(self._known) >= self.most:
            self.forget()
        try:
            self._known[key] = value
        except TypeError:
            return

    def forget(self) -> None:
        """Let go of all."""
        self._known.clear()
