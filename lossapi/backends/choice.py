"""Which backend computes: the one asked for, or, under `auto`, the one that was measured to be faster.

The table is written by `python -m benchmarks backends`. For a provider of ONNX Runtime (or for `fused`) and a
definition it lists cases: parameters (`when`), a dtype, and from how many elements on that is faster; what is not in it
is NumPy's.
"""

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lossapi import gradients
from lossapi.backends import numpy as numpy_backend
from lossapi.backends import providers
from lossapi.errors import ParameterError
from lossapi.loops import build

NAMES = ("auto", "numpy", "onnx", "fused")
FUSED = "fused"
"""Under which name the table has what the fused backend is faster at."""

Table = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True)
class Backend:
    """What runs a map, and where; `rows` folds the rows or sums of a plan as it maps them, where it can."""

    name: str
    provider: str
    run: Callable[..., Any]
    vjp: Callable[..., Any]
    rows: Any = None


NUMPY = Backend(numpy_backend.NAME, numpy_backend.PROVIDER, numpy_backend.run, gradients.vjp)


@dataclass(frozen=True)
class Work:
    """What is to be computed: a definition under some parameters, in a dtype, of a size, with its gradient or not."""

    name: str
    parameters: Mapping[str, Any]
    dtype: str
    elements: int
    gradient: bool = False


def running() -> dict[str, str]:
    """The backends that are installed, and the provider that each computes on."""
    found = {NUMPY.name: NUMPY.provider} | ({"onnx": providers.running()} if providers.installed() else {})
    return found | ({FUSED: NUMPY.provider} if build.installed() else {})


def chosen(asked: str, work: Work, *, loops: bool = True) -> Backend:
    """The backend for some work; without `loops`, the one to take where a loop is not compiled yet."""
    if asked not in NAMES:
        raise ParameterError(f"backend to be one of {', '.join(NAMES)}", repr(asked), ("backend",))
    if asked == FUSED or (asked == "auto" and loops and _better_fused(work)):
        return fused()
    if asked == "onnx" or (asked == "auto" and _faster(work)):
        return onnx(providers.running())
    return NUMPY


@cache
def onnx(provider: str) -> Backend:
    """ONNX Runtime; an `Unsupported` error says how to install it where it is missing."""
    from lossapi.backends import onnx as backend

    return Backend(backend.NAME, provider, backend.run, backend.vjp)


@cache
def fused() -> Backend:
    """Compiled loops; an `Unsupported` error says how to get a compiler where there is none."""
    from lossapi.backends import fused as backend

    return Backend(backend.NAME, backend.PROVIDER, backend.run, backend.vjp)


def _better_fused(work: Work) -> bool:
    """Whether a loop was measured to be the fastest, and there may be one."""
    return any(fits(each, work) for each in measured().get(FUSED, {}).get(work.name, ())) and _compiles()


@cache
def _compiles() -> bool:
    return build.installed()


def _faster(work: Work) -> bool:
    """Whether ONNX Runtime was measured to be faster; it is not even loaded where it was not."""
    tables = [cases for name, cases in measured().items() if name != FUSED]
    entries = [each for cases in tables for each in cases.get(work.name, ())]
    if not any(fits(each, work) for each in entries) or not _installed():
        return False
    return any(fits(each, work) for each in measured().get(providers.running(), {}).get(work.name, ()))


def fits(entry: Mapping[str, Any], work: Work) -> bool:
    """Whether a line of the table speaks of this work."""
    same = all(work.parameters.get(key) == value for key, value in entry["when"].items())
    alike = entry["dtype"] == work.dtype and entry.get("gradient", False) == work.gradient
    return bool(same and alike and work.elements >= entry["elements"])


@cache
def least() -> int:
    """How many elements some work must have before the table speaks of any."""
    every = [each["elements"] for cases in measured().values() for lines in cases.values() for each in lines]
    return min(every, default=2**63)


@cache
def _installed() -> bool:
    return all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime"))


@cache
def measured() -> Table:
    """The table, by provider and definition; empty where none was written."""
    file = resources.files("lossapi.backends") / "measured.json"
    table: Table = json.loads(file.read_text()) if file.is_file() else {}
    return table
