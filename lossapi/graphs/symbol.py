"""An array of a graph to be: the name of its value, its dtype and its shape, some sizes of which are names.

What is broadcast stays small: `held` is the shape of the value itself, which spreads over `shape` where it is asked
for in full. A constant is known while tracing. A weak one, like a Python number, leaves dtypes to the others.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossapi.graphs.dims import Dim, Size, broadcast, product
from lossapi.graphs.graph import current

Shape = tuple[Size, ...]

NUMBERS = {"f": 0.0, "b": False, "i": 0}
"""A number of each kind of dtype, for NumPy to say what it makes of a weak one."""


class Symbol:
    """A handle on a value of the graph; assignment within an array lets the handle point at another value."""

    __slots__ = ("constant", "dtype", "held", "shape", "value", "weak")

    def __init__(
        self,
        value: str,
        dtype: Any,
        shape: Shape,
        *,
        held: Shape | None = None,
        constant: Any = None,
        weak: bool = False,
    ) -> None:
        self.value, self.dtype, self.shape = value, np.dtype(dtype), tuple(shape)
        self.held = self.shape if held is None else held
        self.constant, self.weak = constant, weak

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        from lossapi.graphs.namespace import NAMESPACE

        return NAMESPACE

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """NumPy's functions on these arrays are those of the namespace."""
        from lossapi.graphs import protocol

        result = protocol.ufunc(ufunc, method, inputs, options)
        return result if out is None else out[0].become(result)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        from lossapi.graphs import protocol

        return protocol.function(function, arguments, options)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("an array of a graph has no values yet")

    def __repr__(self) -> str:
        return f"Symbol({self.value}, {self.dtype}, {self.shape})"

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: product(self.shape))
    device = property(lambda self: "cpu")

    def __len__(self) -> int:
        raise TypeError("the size of an axis is not known while tracing")

    def __bool__(self) -> bool:
        if self.constant is None:
            raise TypeError("a value is not known while tracing")
        return bool(self.constant)

    def __float__(self) -> float:
        if self.constant is None:
            raise TypeError("a value is not known while tracing")
        return float(self.constant)

    def __setitem__(self, key: Any, value: Any) -> None:
        from lossapi.graphs import protocol

        self.become(protocol.assigned(self, key, value))

    def __iadd__(self, other: Any) -> "Symbol":
        return self.become(self + other)

    def __imul__(self, other: Any) -> "Symbol":
        return self.become(self * other)

    def reshape(self, *shape: Any) -> "Symbol":
        """In another shape, given as one argument or several."""
        from lossapi.graphs import shapes

        return shapes.reshape(self, shape[0] if len(shape) == 1 else shape)

    def copy(self) -> "Symbol":
        """Another handle on the same value."""
        return Symbol(self.value, self.dtype, self.shape, held=self.held, constant=self.constant, weak=self.weak)

    def add_at(self, key: Any, value: Any) -> "Symbol":
        """Add values to the entries that a key picks, none of them twice."""
        from lossapi.graphs import protocol

        return self.become(protocol.added(self, key, value))

    def add_along(self, indices: Any, values: Any, axis: int) -> "Symbol":
        """Add values at places along an axis."""
        from lossapi.graphs import protocol

        return self.become(protocol.added_along(self, indices, values, axis))

    def numbered(self) -> "Symbol":
        """The places of the entries, in this shape."""
        from lossapi.graphs import protocol

        return protocol.numbered(self)

    def become(self, other: "Symbol") -> "Symbol":
        """Point at another value."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))
        return self

    def astype(self, dtype: Any, copy: bool = True) -> "Symbol":
        """The same numbers in another dtype."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        constant = None if self.constant is None else np.asarray(self.constant).astype(dtype)
        value = "" if constant is not None else current().cast(self.value, dtype)
        return Symbol(value, dtype, self.shape, held=self.held, constant=constant)

    def name(self, dtype: Any = None) -> str:
        """The name of the value as it is held, in a dtype."""
        dtype = self.dtype if dtype is None else dtype
        return self.astype(dtype).value if self.constant is None else current().constant(self.constant, dtype)

    def full(self, dtype: Any = None) -> str:
        """The name of the value in its full shape."""
        name, graph = self.name(dtype), current()
        if self.held != self.shape:
            name = graph.add("Expand", name, graph.vector(self.shape))
        graph.shaped(name, self.shape)
        return name


def number(value: Any, dtype: Any = None, shape: Shape = ()) -> Symbol:
    """A constant: one number, seen in any shape; without a dtype, a weak one. Arrays keep theirs."""
    array = np.asarray(value)
    if array.ndim:
        dtype = array.dtype if dtype is None else dtype
        return Symbol(current().constant(array, dtype), dtype, array.shape)
    weak = dtype is None and isinstance(value, bool | int | float)
    return Symbol("", dtype or array.dtype, shape, held=(), constant=array[()], weak=weak)


def symbol(value: Any) -> Symbol:
    """Numbers, arrays and sizes as arrays of the graph; those there are as they are."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, Dim):
        graph = current()
        return Symbol(graph.add("Squeeze", graph.vector([value])), np.int64, (), weak=True)
    return number(value)


def common_dtype(arrays: list[Symbol]) -> Any:
    """The dtype that arrays have together; weak numbers leave it to the others."""
    kinds = [NUMBERS[a.dtype.kind] if a.weak else a.dtype for a in arrays]
    common = np.result_type(*kinds)
    given = any(a.dtype == common and not a.weak for a in arrays)
    return current().wide if common == np.float64 and not given and any(not a.weak for a in arrays) else common


def elementwise(operator: str, fold: Callable[..., Any], *arguments: Any, dtype: Any = None) -> Symbol:
    """An operator on elements; `fold` computes it of constants, `dtype` is the result's where it is another."""
    arrays = [symbol(argument) for argument in arguments]
    common = common_dtype(arrays)
    shape, weak = broadcast(*(a.shape for a in arrays)), all(a.weak for a in arrays)
    if all(a.constant is not None for a in arrays):
        with np.errstate(all="ignore"):
            constant = np.asarray(fold(*(np.asarray(a.constant, common) for a in arrays)))[()]
        return Symbol("", dtype or common, shape, held=(), constant=constant, weak=weak)
    name = current().add(operator, *(a.name(common) for a in arrays))
    return Symbol(name, dtype or common, shape, held=broadcast(*(a.held for a in arrays)), weak=weak)
