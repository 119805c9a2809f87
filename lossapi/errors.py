"""Everything that can go wrong, as one tree; each error says what was expected, what was got, and where.

    LossError
    ├── Unreadable           bytes that are not what they claim to be
    ├── UnknownName          no such loss, metric, library or function
    ├── TooLarge             over a limit (names the limit and its setting)
    ├── Conflict             two things that do not go together
    └── Invalid              readable, but wrong
        ├── UnknownKey       a key that nothing asks for
        ├── ParameterError   a parameter out of its bounds
        ├── ShapeError       shapes that do not fit together
        ├── DtypeError       a dtype that cannot hold what is meant
        ├── DomainError      a value outside what the tensor means
        ├── EmptyError       a mean of nothing
        ├── NonFiniteError   a NaN or infinity where the caller wants none
        └── Unsupported      asked of a definition that cannot do it

The core knows no status codes: `service.errors` has the one table that maps these to HTTP.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import ClassVar, Self

Path = tuple[str | int, ...]

LONGEST = 200
"""Characters of a phrase, or of a step of a path, that a message repeats: what a request holds may be long."""
MOST_FAULTS = 20
"""Faults that one error tells of; it counts the others."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `expected` and `got` are phrases, `where` a path into the request."""

    expected: str
    got: str
    where: Path = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "got", _short(self.got))
        object.__setattr__(self, "where", tuple(_short(s) if isinstance(s, str) else s for s in self.where))

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.where)

    @property
    def path(self) -> str:
        """The place as a JSON path, as the message prints it."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.where)

    def __str__(self) -> str:
        place = f" - at {self.path}" if self.where else ""
        return f"Expected {self.expected}, got {self.got}{place}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class LossError(ValueError):
    """The root: a code for programs, a title for people, one or more faults, and how many more are not told."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    more: int = 0

    def __init__(self, expected: str, got: str, where: Sequence[str | int] = ()) -> None:
        self.faults: tuple[Fault, ...] = (Fault(expected, got, tuple(where)),)
        super().__init__(expected, got, where)

    @classmethod
    def of(cls, faults: Iterable[Fault], more: int = 0) -> Self:
        """An error with several faults, and more of the kind."""
        faults = tuple(faults)
        error = cls(faults[0].expected, faults[0].got, faults[0].where)
        error.faults, error.more = faults[:MOST_FAULTS], more + len(faults[MOST_FAULTS:])
        return error

    def within(self, *prefix: str | int) -> Self:
        """The same error, seen from one level up."""
        self.faults = tuple(replace(fault, where=(*prefix, *fault.where)) for fault in self.faults)
        return self

    def renamed(self, names: Mapping[str, str | Path]) -> Self:
        """The same error with the first step of each place under another name, or at another path."""
        self.faults = tuple(replace(fault, where=_renamed(fault.where, names)) for fault in self.faults)
        return self

    def __str__(self) -> str:
        return "; ".join([*map(str, self.faults), *([f"and {self.more} more"] if self.more else [])])


def _renamed(where: Path, names: Mapping[str, str | Path]) -> Path:
    first = names.get(str(where[0]), where[0]) if where else ()
    return (*(first if isinstance(first, tuple) else (first,)), *where[1:])


class Unreadable(LossError):
    """The bytes are not what they claim to be."""

    code, title = "unreadable", "Unreadable body"


class UnknownName(LossError):
    """No such loss, metric, library or function."""

    code, title = "unknown", "Unknown name"


class TooLarge(LossError):
    """Over a limit; `got` names the limit and `setting` the environment variable that moves it."""

    code, title = "limit", "Over a limit"


class Conflict(LossError):
    """Two things that do not go together, such as states of different definitions."""

    code, title = "conflict", "Conflict"


class Invalid(LossError):
    """Readable, but wrong."""

    code, title = "invalid", "Invalid request"


class UnknownKey(Invalid):
    """A key that nothing asks for."""

    code, title = "unknown_key", "Unknown key"


class ParameterError(Invalid):
    """A parameter is missing, of the wrong type or out of its bounds."""

    code, title = "parameter", "Invalid parameter"


class ShapeError(Invalid):
    """Shapes that do not fit together."""

    code, title = "shape", "Shapes do not fit"


class DtypeError(Invalid):
    """A dtype that cannot hold what the tensor means."""

    code, title = "dtype", "Wrong dtype"


class DomainError(Invalid):
    """A value outside what the tensor means."""

    code, title = "domain", "Value out of domain"


class EmptyError(Invalid):
    """A mean of nothing."""

    code, title = "empty", "Nothing to average"


class NonFiniteError(Invalid):
    """A NaN or infinity where the caller wants none."""

    code, title = "nonfinite", "Non-finite result"


class Unsupported(Invalid):
    """Asked of a definition that cannot do it."""

    code, title = "unsupported", "Not supported"


@contextmanager
def placed_at(*place: str | int) -> Iterator[None]:
    """What goes wrong within is seen from as many levels up."""
    try:
        yield
    except LossError as error:
        raise error.within(*place) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """A phrase that offers the nearest known names, or lists them when they are few."""
    known = list(known)
    close = get_close_matches(name[:LONGEST], known, n=3, cutoff=0.5)
    if close:
        return " or ".join(map(repr, close))
    return "one of " + ", ".join(map(repr, known[:12])) + (", …" if len(known) > 12 else "")
