"""The tape: an Array-API namespace over NumPy whose results remember where they came from.

A kernel called with `Traced` arrays computes its values as ever; each result knows the arrays it came from and the
pull of each (`derivatives`). Spellings of `lossapi.functions` that have a rule in `special` are taken whole, the
others through their own text. Results that no gradient goes through are traced constants.
"""

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lossapi import derivatives, functions, special
from lossapi.domains import Array
from lossapi.operators import BINARY, COMPARISONS, UNARY
from lossapi.pulls import Into, Pull, known
from lossapi.traced import Traced, lift, lower

__all__ = ["NAMESPACE", "Namespace", "Traced", "lift", "lower", "primitive"]


def primitive(function: Callable[..., Array], pulls: Iterable[Pull | Into | None], *, aligned: bool = False) -> Any:
    """A function on traced arrays, by its form on plain ones and the pull of each positional argument."""
    pulls = tuple(pulls)

    def call(*arguments: Any, **options: Any) -> Traced:
        plain = [a.value if type(a) is Traced else lower(a) for a in arguments]
        for name, option in options.items():
            if type(option) is Traced:
                raise TypeError(f"{name} must be given by position to be differentiated")
        value = function(*plain, **options)
        sources = [
            (argument, pull)
            for argument, pull in zip(arguments, pulls, strict=False)
            if type(argument) is Traced and argument.tracked and pull is not None
        ]
        if not sources or value.dtype.kind not in "fV":
            return Traced(value)
        return Traced(value, sources, plain, options, aligned)

    return call


def keeping(function: Callable[..., tuple[Array, Any]], pull: Pull, otherwise: Any) -> Any:
    """A function that keeps for its pull, beside its value, what it computed on the way; if there are values at all."""

    def call(x: Traced, *others: Any, **options: Any) -> Any:
        if not x.tracked or not known(x.value):
            return otherwise(x, *others, **options)
        plain = [lower(each) for each in others]
        value, kept = function(x.value, *plain, **options)
        return Traced(value, [(x, pull)], [kept, *plain], options)

    return call


def multiplied(multiply: Any) -> Any:
    """A product that takes x·x for a square, whose cotangent is one array, not the sum of two."""
    square = primitive(lambda x: x * x, derivatives.ELEMENTWISE["square"], aligned=True)
    return lambda x, y, /: square(x) if x is y else multiply(x, y)


def constant(function: Callable[..., Any]) -> Any:
    """A function whose result is a constant."""

    def call(*arguments: Any, **options: Any) -> Any:
        return lift(function(*map(lower, arguments), **{name: lower(option) for name, option in options.items()}))

    return call


def joined(value: Array, arrays: Iterable[Any], cuts: Iterable[Any]) -> Traced:
    """Several arrays in one: the cotangent of each is cut out of the whole."""
    sources = tuple(
        (array, lambda g, _, cut=cut: g[cut])
        for array, cut in zip(arrays, cuts, strict=True)
        if type(array) is Traced and array.tracked
    )
    return Traced(value, sources)


def concat(arrays: Iterable[Any], /, *, axis: int | None = 0) -> Traced:
    """Arrays one after another; flat where the axis is None."""
    arrays = [NAMESPACE.reshape(array, (-1,)) for array in arrays] if axis is None else list(arrays)
    axis = 0 if axis is None else axis % arrays[0].ndim
    ends = np.cumsum([array.shape[axis] for array in arrays]).tolist()
    cuts = [(slice(None),) * axis + (slice(start, end),) for start, end in zip([0, *ends], ends, strict=False)]
    return joined(np.concat(lower(arrays), axis=axis), arrays, cuts)


def stack(arrays: Iterable[Any], /, *, axis: int = 0) -> Traced:
    """Arrays side by side along a new axis."""
    arrays = list(arrays)
    value = np.stack(lower(arrays), axis=axis)
    before = (slice(None),) * (axis % value.ndim)
    return joined(value, arrays, [(*before, i) for i in range(len(arrays))])


def unstack(x: Traced, /, *, axis: int = 0) -> tuple[Traced, ...]:
    """The slices along an axis."""
    before = (slice(None),) * (axis % x.ndim)
    return tuple(NAMESPACE.getitem(x, (*before, i)) for i in range(x.shape[axis]))


def broadcast_arrays(*arrays: Traced) -> list[Traced]:
    """All in the shape they have in common."""
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return [NAMESPACE.broadcast_to(array, shape) for array in arrays]


def atleast_1d(x: Traced) -> Traced:
    """A number as a vector of one; for what is written for NumPy."""
    vector: Traced = x if x.ndim else NAMESPACE.reshape(x, (1,))
    return vector


class Namespace:
    """Functions by name."""

    def __init__(self, **functions: Any) -> None:
        self.__dict__.update(functions)


def _traced(table: Any, plain: Callable[[str], Any]) -> dict[str, Any]:
    """The traced form of every function of a table of derivatives."""
    made = {name: constant(plain(name)) for name in table.CONSTANTS.split()}
    made |= {name: primitive(plain(name), pulls) for name, pulls in table.SHAPED.items()}
    return made | {name: primitive(plain(name), pulls, aligned=True) for name, pulls in table.ELEMENTWISE.items()}


def _created(name: str) -> Any:
    """A function that makes arrays of a size: the size's own, where it has a namespace as those of a graph have."""

    def call(size: Any, *arguments: Any, **options: Any) -> Any:
        sizes = (*(size if isinstance(size, tuple) else (size,)), *arguments)
        own = next((s.__array_namespace__() for s in sizes if hasattr(s, "__array_namespace__")), np)
        return getattr(own, name)(size, *arguments, **options)

    return call


def _numpy(name: str) -> Any:
    if name in ("arange", "ones", "zeros", "full"):
        return _created(name)
    return getattr(operator, name) if name in ("getitem", "pow") else operator.attrgetter(name)(np)


def _namespace() -> Namespace:
    """What kernels see: the functions, those of `linalg`, the stable spellings under `special`, dtypes and numbers."""
    made = _traced(derivatives, _numpy)
    made["multiply"] = multiplied(made["multiply"])
    linalg = {name.removeprefix("linalg."): made.pop(name) for name in list(made) if "." in name}
    linalg |= {name: made[name] for name in ("matmul", "vecdot", "matrix_transpose")}
    spellings = _traced(special, lambda name: getattr(functions, name))
    spellings |= {name: keeping(*pair, spellings[name]) for name, pair in special.KEEPING.items()}
    plain = {name: getattr(np, name) for name in derivatives.PLAIN.split()}
    return Namespace(
        **(made | plain),
        linalg=Namespace(**linalg),
        special=Namespace(**spellings),
        concat=concat,
        stack=stack,
        unstack=unstack,
        broadcast_arrays=broadcast_arrays,
        atleast_1d=atleast_1d,
    )


NAMESPACE: Any = _namespace()


def _operate() -> None:
    """Give the arrays their operators, reflected ones with the arguments exchanged; no hash, as == gives an array."""

    def reflected(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, other: function(other, self)

    for symbol, name in (UNARY | {"getitem": "getitem"} | BINARY | COMPARISONS).items():
        setattr(Traced, f"__{symbol}__", getattr(NAMESPACE, name))
    for symbol, name in BINARY.items():
        setattr(Traced, f"__r{symbol}__", reflected(getattr(NAMESPACE, name)))
    for name, member in {"__hash__": None, "namespace": NAMESPACE}.items():
        setattr(Traced, name, member)


_operate()
