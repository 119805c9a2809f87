"""An array that remembers how it was made, so that it can be run backwards.

Its functions and operators are those of `tape`, its namespace. What is written for NumPy's own functions, such as the
conventions of other libraries, is followed too, by the names of these functions.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, ClassVar

import numpy as np

from lossapi.domains import Array
from lossapi.pulls import Into, Pull

Source = tuple["Traced", Pull | Into]
NONE: Mapping[str, Any] = {}
_next = count().__next__

NAMES = {
    "absolute": "abs",
    "power": "pow",
    "arccos": "acos",
    "concatenate": "concat",
    "transpose": "permute_dims",
    "invert": "bitwise_invert",
}
"""NumPy's older names for functions of the namespace."""

METHODS = ("astype", "sum", "mean", "max", "min", "any", "all", "squeeze", "clip", "argmax")
"""Functions that NumPy's arrays have as methods too."""


class Traced:
    """An array with a past: its value, the arrays it came from, and the arguments of the call that made it."""

    __slots__ = ("aligned", "arguments", "cotangent", "number", "options", "owned", "sources", "tracked", "value")
    namespace: ClassVar[Any]

    def __init__(
        self,
        value: Array,
        sources: Sequence[Source] = (),
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] = NONE,
        aligned: bool = False,
        tracked: bool = False,
    ) -> None:
        self.value, self.sources, self.arguments, self.options = value, sources, arguments, options
        self.aligned = aligned
        self.tracked = tracked or bool(sources)
        self.number = _next()
        self.cotangent: Array = None
        self.owned = False

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return Traced.namespace

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a traced array does not become a plain one")

    def __array_ufunc__(self, function: Any, method: str, *arguments: Any, **options: Any) -> Any:
        return numpys(function, arguments, options) if method == "__call__" else NotImplemented

    def __array_function__(self, function: Any, _: Any, arguments: Any, options: Any) -> Any:
        return numpys(function, arguments, options)

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(f"a traced array has no {name}")
        return partial(getattr(Traced.namespace, name), self)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    device = property(lambda self: "cpu")
    mT = property(lambda self: Traced.namespace.matrix_transpose(self))
    T = property(lambda self: Traced.namespace.matrix_transpose(self))

    def reshape(self, *shape: Any) -> "Traced":
        """In another shape, given as one argument or several."""
        found: Traced = Traced.namespace.reshape(self, shape[0] if len(shape) == 1 else shape)
        return found

    def item(self) -> Any:
        """The only entry as a number."""
        return self.value.item()

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __index__(self) -> int:
        return int(self.value.__index__())

    def receive(self, cotangent: Array) -> None:
        """Add one contribution; what was made here may be added to in place."""
        if self.cotangent is None:
            self.cotangent, self.owned = cotangent, False
        elif self.owned:
            np.add(self.cotangent, cotangent, out=self.cotangent)
        else:
            self.cotangent = self.cotangent + cotangent
            self.owned = isinstance(self.cotangent, np.ndarray)

    def buffer(self) -> Array:
        """A cotangent to add into, entry by entry."""
        if not self.owned:
            empty = self.cotangent is None
            self.cotangent = np.zeros_like(self.value) if empty else self.cotangent.copy()
            self.owned = True
        return self.cotangent


def lower(x: Any) -> Any:
    """The value of a traced array, also within a list or tuple; anything else as it is."""
    if type(x) is Traced:
        return x.value
    return type(x)(map(lower, x)) if type(x) in (list, tuple) else x


def lift(value: Any) -> Any:
    """An array as a traced constant, also within a list or tuple; anything else as it is."""
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "numbered"):
        return Traced(value)
    return type(value)(map(lift, value)) if type(value) in (list, tuple) else value


def numpys(function: Callable[..., Any], arguments: Any, options: Any) -> Any:
    """NumPy's own function as the namespace has it, for what is written for NumPy; others may ask, not compute."""
    name = function.__name__
    own = getattr(Traced.namespace, NAMES.get(name, name), None)
    if own is not None:
        return own(*arguments, **options)
    value = function(*map(lower, arguments), **options)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
        raise TypeError(f"{name} has no derivative here")
    return value
