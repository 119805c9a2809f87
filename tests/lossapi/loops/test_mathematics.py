"""The functions of loops against 40 digits: every kind of number there is, to the bounds that their file states."""

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi.domains import Array
from lossapi.loops import build

mpmath = pytest.importorskip("mpmath")
pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

TRUE: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "exp_down": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": lambda x: mpmath.log(x) if x > 0 else -mpmath.inf if x == 0 else mpmath.nan,
    "log_sound": lambda x: mpmath.log(x),
    "log1p": lambda x: mpmath.log1p(x) if x > -1 else -mpmath.inf if x == -1 else mpmath.nan,
    "log1p_unit": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}
BOUNDS = {
    (name, dtype): int(bound)
    for name, *bounds in re.findall(r"^ {7}(\w+) +(\d) +(\d) ", build.HEADER.read_text(), re.MULTILINE)
    for dtype, bound in zip(("float32", "float64"), bounds, strict=True)
}
NORMAL = float(np.finfo(np.float32).tiny)
RANGES = {"exp_down": (-np.inf, 0.0), "log1p_unit": (0.0, 1.0), "log_sound": (NORMAL, np.inf)}
TYPES = {"float32": ("float", "f32"), "float64": ("double", "f64")}
BITS: dict[str, Any] = {"float32": np.int32, "float64": np.int64}


def vector(name: str, dtype: str, arguments: int = 1) -> Any:
    """A function of numbers as one of arrays."""
    kind, suffix = TYPES[dtype]
    call = ", ".join(f"((const {kind} *)arrays[{i}])[k]" for i in range(arguments))
    text = f"""#include "mathematics.h"
    int kernel(void *const *arrays, const double *numbers, const int64_t *sizes, double *totals) {{
        for (int64_t k = 0; k < sizes[0]; k++) (({kind} *)arrays[{arguments}])[k] = {name}_{suffix}({call});
        return 0;
    }}"""
    return build.library(text)


def applied(name: str, *arrays: Array) -> Array:
    """What a function gives for arrays."""
    found = np.empty_like(arrays[0])
    every = [each.ctypes.data for each in (*arrays, found)]
    function = vector(name, found.dtype.name, len(arrays))
    function((ctypes.c_void_p * len(every))(*every), None, (ctypes.c_int64 * 1)(found.size), None)
    return found


def numbers(dtype: str, count: int) -> Array:
    """Numbers of every magnitude, by their bits; many of everyday size; and those at which something changes."""
    rng = np.random.default_rng(5)
    info = np.iinfo(BITS[dtype])
    whole = rng.integers(info.min, info.max, count, dtype=BITS[dtype]).view(dtype)
    special = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-3, 88.72284, 88.7229, -87.3366, -103.97, -103.98, 709.7827, 709.783]
    special += [-745.13, -745.14, -708.4, 20.0, -20.0, 0.34657359, -0.34657359, 0.70710678, 1.41421356]
    least = float(np.finfo(dtype).smallest_subnormal)
    special += [least, -least, float(np.finfo(dtype).tiny), float(np.finfo(dtype).max), -float(np.finfo(dtype).max)]
    parts = (whole, rng.normal(size=count), 50 * rng.normal(size=count), np.asarray(special))
    return np.concatenate([part.astype(dtype) for part in parts])


@pytest.mark.parametrize(("name", "dtype"), list(BOUNDS))
def test_every_function_keeps_its_bound(name: str, dtype: str) -> None:
    with np.errstate(over="ignore"):
        x = numbers(dtype, 1500)
    low, high = RANGES.get(name, (-np.inf, np.inf))
    x = x[np.isfinite(x) & (x >= low) & (x <= high)]
    found = applied(name, x)
    limit = float(np.finfo(dtype).max)
    with mpmath.workdps(40):
        for given, got in zip(x.tolist(), found.tolist(), strict=True):
            true = TRUE[name](mpmath.mpf(given))
            if mpmath.isnan(true) or mpmath.isinf(true) or abs(true) > limit:
                expected = float(true) if abs(true) == mpmath.inf or true != true else float(mpmath.sign(true)) * np.inf
                assert got == expected or (got != got and expected != expected), (given, got, true)
                continue
            unit = float(np.spacing(np.asarray(abs(float(true)), dtype)))
            assert abs(mpmath.mpf(got) - true) <= BOUNDS[name, dtype] * unit, (given, got, float(true))


def test_bounds_are_stated_of_all_functions() -> None:
    assert {name for name, _ in BOUNDS} == TRUE.keys()


@pytest.mark.parametrize("dtype", list(TYPES))
def test_the_ends_of_the_range(dtype: str) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    nan, inf = np.nan, np.inf
    expected = {
        "exp": [1, 1, inf, 0, nan],
        "expm1": [0.0, -0.0, inf, -1, nan],
        "log": [-inf, -inf, inf, nan, nan],
        "log_sound": [-inf, -inf, inf, nan, nan],
        "log1p": [0.0, -0.0, inf, nan, nan],
        "tanh": [0.0, -0.0, 1, -1, nan],
        "sigmoid": [0.5, 0.5, 1, 0, nan],
        "sign": [0.0, -0.0, 1, -1, nan],
    }
    for name, values in expected.items():
        found = applied(name, x)
        np.testing.assert_array_equal(found, np.array(values, dtype), err_msg=name)
        np.testing.assert_array_equal(np.signbit(found[:2]), np.signbit(np.array(values, dtype)[:2]), err_msg=name)


@pytest.mark.parametrize("dtype", list(TYPES))
def test_powers_are_those_of_the_standard(dtype: str) -> None:
    ends = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.3, -0.3, 3.0, -3.0, 1e-30, np.inf, -np.inf, np.nan], dtype)
    x, y = (each.reshape(-1).copy() for each in np.meshgrid(ends, ends))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(applied("pow", x, y), np.power(x, y), rtol=2e-7 if dtype == "float32" else 1e-15)


def test_powers_of_floats_keep_their_bound() -> None:
    bound = re.search(r"^ {7}pow +(\d) ", build.HEADER.read_text(), re.MULTILINE)
    assert bound is not None
    rng = np.random.default_rng(6)
    x = np.concatenate([np.abs(numbers("float32", 1000)), rng.uniform(0.0, 1.0, 1000).astype(np.float32)])
    x = x[np.isfinite(x) & (x > 0)]
    sizes = np.log(x.astype(np.float64))
    free, wide = rng.normal(size=x.size), rng.uniform(-104, 89, x.size) / np.where(sizes == 0.0, 1.0, sizes)
    for exponents in (2 * free, np.full(x.size, 1.5), np.full(x.size, 0.7), np.clip(wide, -1e6, 1e6)):
        y = exponents.astype(np.float32)
        with mpmath.workdps(40):
            for one, other, got in zip(x.tolist(), y.tolist(), applied("pow", x, y).tolist(), strict=True):
                true = mpmath.mpf(one) ** mpmath.mpf(other)
                if true > float(np.finfo(np.float32).max):
                    assert got == np.inf, (one, other, got)
                    continue
                unit = float(np.spacing(np.asarray(float(true), np.float32)))
                assert abs(mpmath.mpf(got) - true) <= int(bound[1]) * unit, (one, other, got, float(true))


@pytest.mark.parametrize("dtype", list(TYPES))
@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_let_nan_through_from_either_side(name: str, dtype: str) -> None:
    ends = np.array([0.5, -1.0, np.inf, -np.inf, np.nan], dtype)
    x, y = (each.reshape(-1).copy() for each in np.meshgrid(ends, ends))
    np.testing.assert_array_equal(applied(name, x, y), getattr(np, f"{name}imum")(x, y))


def test_the_header_is_part_of_the_package() -> None:
    assert Path(build.HEADER).is_file()
