"""What a codec is, and what its formats share: names of values within values, and which arrays are finite."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from lossapi.codecs.tensors import Buffer, shape_of
from lossapi.errors import NonFiniteError, ShapeError, TooLarge, Unreadable

NonFinite = Literal["string", "null", "error"]
Encoding = Literal["list", "base64"]


@dataclass(frozen=True)
class Limits:
    """How many bytes a body may unfold to, and the setting that says so."""

    unfolded: int = 256 * 2**20
    setting: str = ""

    def over(self, size: int | None = None) -> TooLarge:
        """The error of a body that is larger, or unfolds to more."""
        setting = f" (setting {self.setting})" if self.setting else ""
        got = "more, once unfolded" if size is None else f"{size} bytes or more"
        return TooLarge(f"a body of at most {self.unfolded} bytes{setting}", got)


class Codec(Protocol):
    """One format: bytes to a request's names and what they stand for, and a reply to bytes.

    What `decode` gives is ready for `tensors.tensor`. Arrays may be views of the body, which is not written to.
    """

    media_type: str
    suffix: str

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """The request in a body; raises `Unreadable` or `TooLarge`."""
        ...

    def encode(self, reply: Mapping[str, Any], nonfinite: NonFinite, encoding: Encoding) -> bytes:
        """A reply; only text has need of `nonfinite` and `encoding`, except that `error` refuses everywhere."""
        ...


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value under one name, for formats without levels: `gradient.prediction` lies within `gradient`.

    A list stays whole, unless arrays lie in it: then what it holds is named by its place, as in `terms.0.value`.
    """
    for name, each in value.items():
        inner = {str(place): row for place, row in enumerate(each)} if _holds_arrays(each) else each
        if isinstance(inner, Mapping) and inner:
            yield from flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, each


def _holds_arrays(value: Any) -> bool:
    """Whether a value is a list of objects, one with an array in it."""
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
    return any(isinstance(part, np.ndarray) for row in rows for part in row.values())


def nested(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The reverse: what lies within something is put there."""
    whole: dict[str, Any] = {}
    for name, value in named:
        *path, last = name.split(".")
        level = whole
        for step in path:
            level = level.setdefault(step, {})
            if type(level) is not dict:
                raise Unreadable(f"{step} as one value, or several within it", f"both, with {name}")
        if last in level:
            raise Unreadable(f"{name} once", "more than once, or with others within it")
        level[last] = value
    return whole


def claimed_shape(name: str, shape: Any) -> tuple[int, ...]:
    """The shape that a header claims for a tensor."""
    try:
        return shape_of(shape)
    except ShapeError as error:
        raise Unreadable(f"{name} with {error.faults[0].expected}", error.faults[0].got) from None


def require_finite(reply: Mapping[str, Any]) -> None:
    """Refuse a NaN or infinity anywhere in a reply."""
    for name, value in flat(reply):
        if isinstance(value, float | np.ndarray | np.generic) and not np.isfinite(value).all():
            raise NonFiniteError("finite results", f"NaN or infinity in {name}")
