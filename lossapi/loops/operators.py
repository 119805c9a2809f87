"""How each operator is written in C, by the kind of numbers that it takes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.loops.script import refused

TYPES: Mapping[str, str] = {
    "float32": "float",
    "float64": "double",
    "bool": "int",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""C's names of dtypes, while they are computed with."""

STORED: Mapping[str, str] = {**TYPES, "bool": "uint8_t"}
"""And in memory."""

ANY = {
    "Add": "{0} + {1}",
    "Sub": "{0} - {1}",
    "Mul": "{0} * {1}",
    "Neg": "-{0}",
    "Less": "{0} < {1}",
    "LessOrEqual": "{0} <= {1}",
    "Greater": "{0} > {1}",
    "GreaterOrEqual": "{0} >= {1}",
    "Equal": "{0} == {1}",
    "Not": "!{0}",
    "And": "{0} & {1}",
    "Or": "{0} | {1}",
    "Xor": "{0} ^ {1}",
    "Max": "{0} > {1} ? {0} : {1}",
    "Min": "{0} < {1} ? {0} : {1}",
}
FLOATING = {
    "Div": "{0} / {1}",
    "LogSound": "log_sound_{s}({0})",
    "ExpDown": "exp_down_{s}({0})",
    "Log1pUnit": "log1p_unit_{s}({0})",
    "Reciprocal": "1 / {0}",
    "IsNaN": "{0} != {0}",
    "IsInf": "__builtin_fabs{f}({0}) == INFINITY",
    "Relu": "max_{s}({0}, 0)",
    "Max": "max_{s}({0}, {1})",
    "Min": "min_{s}({0}, {1})",
    "Sign": "sign_{s}({0})",
    "Pow": "pow_{s}({0}, {1})",
    "Round": "__builtin_rint{f}({0})",
    **{name: f"{name.lower()}_{{s}}({{0}})" for name in ("Exp", "Expm1", "Log", "Log1p", "Tanh", "Sigmoid")},
    **{name: f"__builtin_{name.lower()}{{f}}({{0}})" for name in ("Sqrt", "Floor", "Ceil")},
    **{name: f"{name.lower()}{{f}}({{0}})" for name in ("Sin", "Cos", "Acos", "Asin", "Atan")},
    "Abs": "__builtin_fabs{f}({0})",
}
EXTREMES = {"Max": ">", "Min": "<"}
SUFFIX = {"float32": "f32", "float64": "f64"}


def written(operator: str, dtype: np.dtype[Any], arguments: list[str], known: list[Any]) -> str:
    """An operator on values of a dtype; `known` has those of them that are constants."""
    floating = dtype.kind == "f"
    text = FLOATING.get(operator) if floating else None
    text = text or ANY.get(operator)
    if text is None:
        raise refused(f"{operator} of {dtype}")
    if floating and operator in EXTREMES:
        # With a constant, the comparison alone lets NaN through.
        for one, other in ((0, 1), (1, 0)):
            if known[one] is not None and not math.isnan(known[one]):
                bound, x = arguments[one], arguments[other]
                return f"{bound} {EXTREMES[operator]} {x} ? {bound} : {x}"
    suffix = SUFFIX.get(dtype.name, "")
    return text.format(*arguments, s=suffix, f="f" if suffix == "f32" else "")


def literal(value: Any, dtype: np.dtype[Any]) -> str:
    """A constant, to the last bit."""
    if dtype.kind != "f":
        return f"({int(value)})" if dtype.kind == "b" or abs(int(value)) < 2**31 else f"({int(value)}LL)"
    number = float(value)
    if math.isnan(number):
        return "NAN" if dtype.itemsize == 4 else "((double)NAN)"
    if math.isinf(number):
        return f"({'-' if number < 0 else ''}({TYPES[dtype.name]})INFINITY)"
    return f"({number.hex()}{'f' if dtype.itemsize == 4 else ''})"
