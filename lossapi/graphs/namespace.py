"""The Array-API namespace of symbols, as kernels see it, and the operators of the arrays themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossapi.graphs import elements, indexing, reductions, shapes, special
from lossapi.graphs.dims import Dim
from lossapi.graphs.symbol import Symbol
from lossapi.operators import BINARY, COMPARISONS, UNARY

ELEMENTS = """
    absolute not_equal bitwise_invert isfinite positive square divide remainder floor_divide where clip tan cosh sinh
    expm1 log1p acos asin atan
"""
SHAPES = """
    astype asarray full_like zeros_like ones_like full zeros ones arange broadcast_to broadcast_arrays reshape
    expand_dims squeeze permute_dims moveaxis matrix_transpose concat stack flip take take_along_axis
"""
REDUCTIONS = """
    sum mean prod max min any all count_nonzero argmax argmin sort argsort cumulative_sum cumulative_prod matmul vecdot
"""
SPECIAL = "log1p sigmoid softplus relu clip log_softmax softmax surprisal pick product count sweep"
NUMBERS = """
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 pi e inf nan newaxis isdtype finfo iinfo
"""


class Namespace:
    """Functions by name."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self.__dict__.update(functions)


def _namespace() -> Namespace:
    functions: dict[str, Any] = {name: elements.same(name) for name in elements.SAME}
    functions |= {name: elements.truth(name) for name in elements.TRUTH}
    functions |= {f"bitwise_{name}": elements.bits(name) for name in elements.BITS}
    for module, names in ((elements, ELEMENTS), (shapes, SHAPES), (reductions, REDUCTIONS), (np, NUMBERS)):
        functions |= {name: getattr(module, name) for name in names.split()}
    products = {name: functions[name] for name in ("matmul", "vecdot", "matrix_transpose")}
    linalg = Namespace({"vector_norm": reductions.vector_norm, **products})
    spellings = Namespace({name: getattr(special, name) for name in SPECIAL.split()})
    return Namespace({**functions, "pow": elements.power, "linalg": linalg, "special": spellings})


NAMESPACE: Any = _namespace()


def _ours(x: Any) -> bool:
    """Whether an operator knows what to do with it."""
    return isinstance(x, Symbol | Dim | bool | int | float | np.ndarray | np.generic)


def _operate() -> None:
    """Give the arrays their operators, reflected ones with the arguments exchanged; no hash, as == gives an array."""

    def operator(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *others: function(self, *others) if all(map(_ours, others)) else NotImplemented

    def reflected(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, other: function(other, self) if _ours(other) else NotImplemented

    for symbol, name in (UNARY | BINARY | COMPARISONS).items():
        setattr(Symbol, f"__{symbol}__", operator(getattr(NAMESPACE, name)))
    for symbol, name in BINARY.items():
        setattr(Symbol, f"__r{symbol}__", reflected(getattr(NAMESPACE, name)))
    turned = property(NAMESPACE.matrix_transpose)
    for name, member in {"__getitem__": indexing.getitem, "__hash__": None, "mT": turned, "T": turned}.items():
        setattr(Symbol, name, member)


_operate()
