"""Sizes of axes that are not known yet: polynomials in the names of axes, equal when their texts are."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, TypeAlias, Union

Term: TypeAlias = tuple[str, ...]
Size: TypeAlias = Union[int, "Dim"]


class Dim:
    """A whole number such as `batch·classes - 1`, made of the sizes of named axes; it counts as larger than any int."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Term, int]) -> None:
        self.terms = dict(sorted((term, factor) for term, factor in terms.items() if factor))

    @staticmethod
    def named(name: str) -> "Dim":
        """The size of one axis."""
        return Dim({(name,): 1})

    @property
    def name(self) -> str:
        """The polynomial as text, as a model names an axis of that size."""
        parts = ["*".join((*(str(f) for f in [factor] if f != 1 or not term), *term)) for term, factor in self]
        return " + ".join(parts).replace("+ -", "- ")

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        from lossapi.graphs.namespace import NAMESPACE

        return NAMESPACE

    def __iter__(self) -> Any:
        return iter(self.terms.items())

    def __repr__(self) -> str:
        return f"Dim({self.name})"

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __lt__(self, other: Size) -> bool:
        return not self > other

    def __le__(self, other: Size) -> bool:
        return self == other or self < other

    def __gt__(self, other: Size) -> bool:
        return isinstance(other, int | float) or isinstance(self - other, Dim)

    def __ge__(self, other: Size) -> bool:
        return self == other or self > other

    def __neg__(self) -> Size:
        return whole({term: -factor for term, factor in self})

    def __add__(self, other: Any) -> Any:
        if isinstance(other, float):
            return _number(self) + other
        if not isinstance(other, int | Dim):
            return NotImplemented
        added = dict(self.terms)
        for term, factor in terms(other).items():
            added[term] = added.get(term, 0) + factor
        return whole(added)

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, int | float | Dim) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other if isinstance(other, int | float | Dim) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, float):
            return _number(self) * other
        if not isinstance(other, int | Dim):
            return NotImplemented
        product: dict[Term, int] = {}
        for one, factor in self:
            for two, times in terms(other).items():
                term = tuple(sorted(one + two))
                product[term] = product.get(term, 0) + factor * times
        return whole(product)

    def __floordiv__(self, other: Size) -> Size:
        """The quotient by a single term that divides every one, as what is left for -1 in a shape."""
        [(divisor, times)] = terms(other).items()
        quotient: dict[Term, int] = {}
        for term, factor in self:
            left = list(term)
            for name in divisor:
                left.remove(name)
            if factor % times:
                raise ValueError(f"{self.name} is not divisible by {other}")
            quotient[tuple(left)] = factor // times
        return whole(quotient)

    def __truediv__(self, other: Any) -> Any:
        return _number(self) / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / _number(self)

    __radd__ = __add__
    __rmul__ = __mul__


def _number(size: Dim) -> Any:
    """A size as a number of the graph."""
    from lossapi.graphs.symbol import symbol

    return symbol(size)


def terms(size: Size) -> Mapping[Term, int]:
    """A size as a polynomial."""
    return size.terms if isinstance(size, Dim) else {(): size}


def whole(polynomial: Mapping[Term, int]) -> Size:
    """A polynomial as a size: an int where no name is left."""
    left = {term: factor for term, factor in polynomial.items() if factor}
    return left.get((), 0) if not any(left) else Dim(left)


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied."""
    return prod(sizes)


def broadcast(*shapes: tuple[Size, ...]) -> tuple[Size, ...]:
    """The shape that arrays come to together; of two different names the first is taken for the size."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(_common(sizes) for sizes in zip(*padded, strict=True))


def _common(sizes: tuple[Size, ...]) -> Size:
    known = [size for size in sizes if isinstance(size, int) and size != 1]
    named = [size for size in sizes if isinstance(size, Dim)]
    return known[0] if known else named[0] if named else 1
