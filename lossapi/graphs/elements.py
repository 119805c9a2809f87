"""Functions of elements, each as the operators that give the same number at the ends of its range too."""

from collections.abc import Callable

import numpy as np

from lossapi.domains import Array
from lossapi.graphs.graph import current
from lossapi.graphs.symbol import Symbol, common_dtype, elementwise, symbol

Function = Callable[..., Symbol]

SAME = {
    "abs": "Abs",
    "negative": "Neg",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "floor": "Floor",
    "ceil": "Ceil",
    "round": "Round",
    "sign": "Sign",
    "reciprocal": "Reciprocal",
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "maximum": "Max",
    "minimum": "Min",
}
"""Functions that keep the dtype."""

TRUTH = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "logical_not": "Not",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
}
"""Functions that give truth values."""

BITS = {"and": "BitwiseAnd", "or": "BitwiseOr", "xor": "BitwiseXor"}


def same(name: str) -> Function:
    """A function that keeps the dtype."""
    return lambda *arrays: elementwise(SAME[name], getattr(np, name), *arrays)


def truth(name: str) -> Function:
    """A function that gives truth values."""
    return lambda *arrays: elementwise(TRUTH[name], getattr(np, name), *arrays, dtype=np.bool_)


def bits(name: str) -> Function:
    """A function of truth values or of the bits of integers."""
    logical, whole = truth(f"logical_{name}"), getattr(np, f"bitwise_{name}")

    def call(x: Array, y: Array) -> Symbol:
        if common_dtype([symbol(x), symbol(y)]) == np.bool_:
            return logical(x, y)
        return elementwise(BITS[name], whole, x, y)

    return call


absolute, log, exp, sqrt, floor = (same(name) for name in ("abs", "log", "exp", "sqrt", "floor"))
add, subtract, multiply, tanh = (same(name) for name in ("add", "subtract", "multiply", "tanh"))
sin, cos, negative = same("sin"), same("cos"), same("negative")
equal, less, logical_not = truth("equal"), truth("less"), truth("logical_not")


def not_equal(x: Array, y: Array) -> Symbol:
    """Whether two numbers differ; NaN does from itself."""
    return logical_not(equal(x, y))


def bitwise_invert(x: Array) -> Symbol:
    """The opposite of truth values."""
    return logical_not(x) if x.dtype == np.bool_ else elementwise("BitwiseNot", np.invert, x)


def isfinite(x: Array) -> Symbol:
    """Whether |x| is less than infinity."""
    return less(absolute(x), float("inf"))


def positive(x: Array) -> Array:
    """The number itself."""
    return x


def square(x: Array) -> Symbol:
    """x·x."""
    return multiply(x, x)


def divide(x: Array, y: Array) -> Symbol:
    """x/y; of integers too it is no integer."""
    x, y = symbol(x), symbol(y)
    if common_dtype([x, y]).kind != "f":
        weak = x.weak and y.weak
        quotient = elementwise(
            "Div", np.divide, *(each.astype(np.float64 if weak else current().wide) for each in (x, y))
        )
        quotient.weak = weak
        return quotient
    return elementwise("Div", np.divide, x, y)


def power(x: Array, y: Array) -> Symbol:
    """x to the power of y, squares and first powers without one."""
    known = symbol(y).constant
    if known is not None and np.ndim(known) == 0 and symbol(y).weak and known in (1, 2):
        return x if known == 1 else square(x)
    return elementwise("Pow", np.power, x, y)


def remainder(x: Array, y: Array) -> Symbol:
    """What is left of x after whole y's, with the sign of y."""
    if common_dtype([symbol(x), symbol(y)]).kind != "f":
        return elementwise("Mod", np.remainder, x, y)
    return subtract(x, multiply(floor(elementwise("Div", np.divide, x, y)), y))


def floor_divide(x: Array, y: Array) -> Symbol:
    """How many whole y's are in x."""
    quotient = elementwise("Div", np.floor_divide, x, y)
    return floor(quotient) if quotient.dtype.kind == "f" else quotient


def where(condition: Array, x: Array, y: Array) -> Symbol:
    """x where the condition holds, else y."""
    condition, x, y = symbol(condition), symbol(x), symbol(y)
    if condition.constant is not None:
        condition = Symbol(condition.name(np.bool_), np.bool_, condition.shape, held=())
    dtype = common_dtype([x, y])
    return _where(condition, x.astype(dtype), y.astype(dtype))


def _where(condition: Symbol, x: Symbol, y: Symbol) -> Symbol:
    from lossapi.graphs.dims import broadcast

    name = current().add("Where", condition.name(), x.name(), y.name())
    shape = broadcast(condition.shape, x.shape, y.shape)
    return Symbol(name, x.dtype, shape, held=broadcast(condition.held, x.held, y.held))


def clip(x: Array, low: Array = None, high: Array = None, *, min: Array = None, max: Array = None) -> Symbol:
    """x held between two bounds, either of which may be missing."""
    low, high = (min if low is None else low), (max if high is None else high)
    bounds = [None if bound is None else symbol(bound) for bound in (low, high)]
    if all(bound is None or bound.shape == () for bound in bounds) and x.constant is None:
        names = ["" if bound is None else bound.name(x.dtype) for bound in bounds]
        return Symbol(current().add("Clip", x.name(), *names), x.dtype, x.shape, held=x.held)
    x = x if low is None else elementwise("Max", np.maximum, x, low)
    return x if high is None else elementwise("Min", np.minimum, x, high)


def tan(x: Array) -> Symbol:
    """sin/cos."""
    return divide(sin(x), cos(x))


def cosh(x: Array) -> Symbol:
    """½(exp(x) + exp(-x))."""
    return multiply(0.5, add(exp(x), exp(negative(x))))


def sinh(x: Array) -> Symbol:
    """tanh·cosh, which loses no digits near 0."""
    return multiply(tanh(x), cosh(x))


def expm1(x: Array) -> Symbol:
    """tanh(x/2)·(exp(x) + 1), which loses no digits near 0."""
    return multiply(tanh(multiply(0.5, x)), add(exp(x), 1.0))


def log1p(x: Array) -> Symbol:
    """log(1 + x), corrected for the rounding of the sum."""
    u = add(1.0, x)
    return subtract(log(u), divide(subtract(subtract(u, 1.0), x), u))


def acos(x: Array) -> Symbol:
    """The angle of (x, √(1 - x²)): float32's, turned by what is left of the sine of the difference."""
    return _turned("Acos", x, x, sqrt(multiply(subtract(1.0, x), add(1.0, x))))


def asin(x: Array) -> Symbol:
    """The angle of (√(1 - x²), x)."""
    return _turned("Asin", x, sqrt(multiply(subtract(1.0, x), add(1.0, x))), x)


def atan(x: Array) -> Symbol:
    """The angle of (1, x)/√(1 + x²)."""
    root = sqrt(add(1.0, multiply(x, x)))
    return _turned("Atan", x, divide(1.0, root), divide(x, root))


def _turned(operator: str, x: Array, cosine: Array, sine: Array) -> Symbol:
    """ONNX Runtime knows these angles in float32 alone; one rotation brings all digits of float64."""
    angle = elementwise(operator, getattr(np, operator.lower()), x.astype(np.float32))
    if x.dtype == np.float32:
        return angle
    angle = angle.astype(x.dtype)
    return add(angle, subtract(multiply(sine, cos(angle)), multiply(cosine, sin(angle))))
