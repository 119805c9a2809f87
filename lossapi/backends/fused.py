"""The fused backend: a map as one compiled loop, which reads each entry once; it runs without the interpreter's lock.

A loop that is not there yet is compiled in the background, unless it is asked for by name: until then other backends
compute, and nothing waits.
"""

import ctypes
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from lossapi import gradients
from lossapi.backends import numpy as numpy_backend
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.gradients import Pullback
from lossapi.graphs.dims import Dim, Size
from lossapi.graphs.trace import Back, restored
from lossapi.loops import build
from lossapi.loops.record import Loop, Task, recorded
from lossapi.loops.writer import ASTRAY, NO_ROOM, OUTSIDE
from lossapi.signature import Function

NAME = "fused"
PROVIDER = "CPUExecutionProvider"
MOST = 1024
"""How many loops a process makes at most; each is for good, and parameters that make a loop of their own are many."""

LARGEST_ROW = 2**31 - 1


class Outside(Exception):
    """A number is outside its bounds: the check that says which one has to look."""


@dataclass(frozen=True)
class Kernel:
    """A compiled loop."""

    loop: Loop
    function: Any

    def __call__(
        self, given: Mapping[str, Array], numbers: Mapping[str, float], into: Mapping[str, Array] | None = None
    ) -> tuple[dict[str, Array], list[float]]:
        """The arrays and the totals it gives for some arrays and numbers; `into` has arrays to write to."""
        loop, into = self.loop, into or {}
        arrays = [np.ascontiguousarray(given[name], dtype).reshape(given[name].shape) for name, dtype, _ in loop.arrays]
        there = {name: array for (name, _, _), array in zip(loop.arrays, arrays, strict=True)}
        sizes = {axis: there[name].shape[place] for axis, (name, place) in loop.axes.items()}
        for (name, _, shape), array in zip(loop.arrays, arrays, strict=True):
            if array.shape != tuple([counted(size, sizes) for size in shape]):
                raise Unsupported("arrays whose axes agree", f"{name} of shape {array.shape}", ("backend",))
        outputs = {
            name: into[name] if name in into else np.empty(tuple(counted(size, sizes) for size in shape), dtype)
            for name, dtype, shape in loop.outputs
        }
        every = [array.__array_interface__["data"][0] for array in (*arrays, *outputs.values())]
        totals = (ctypes.c_double * max(loop.totals, 1))()
        status = self.function(
            (ctypes.c_void_p * len(every))(*every),
            (ctypes.c_double * max(len(loop.numbers), 1))(*(numbers[name] for name in loop.numbers)),
            (ctypes.c_int64 * max(len(sizes), 1))(*sizes.values()),
            totals,
        )
        if status:
            _fail(status)
        return outputs, list(totals)[: loop.totals]


def _fail(status: int) -> None:
    if status & NO_ROOM:
        raise MemoryError
    if status & ASTRAY:
        raise IndexError("an index outside its axis")
    if status & OUTSIDE:
        raise Outside


def counted(size: Size, sizes: Mapping[str, int]) -> int:
    """A size, now that those of the axes are known."""
    if not isinstance(size, Dim):
        return size
    whole = 0
    for term, factor in size:
        for axis in term:
            factor *= sizes[axis]
        whole += factor
    return whole


_free: dict[Any, tuple[str, ...]] = {}
_kernels: dict[Any, Kernel | Unsupported | None] = {}
_libraries: dict[str, Any] = {}
_lock = Lock()
_making = Lock()


def kernel(task: Task, parameters: Mapping[str, Any], *, wait: bool) -> Kernel | None:
    """The loop for a task; None while it is being compiled, unless it is to `wait`; an error where there is none."""
    family = task, tuple((name, float if type(v) is float else frozen(v)) for name, v in parameters.items())
    found = _known(family, parameters)
    if found is _NEW or (found is None and wait):
        if not wait:
            _compiling().submit(_made, task, dict(parameters), family)
            return None
        with _making:
            found = _known(family, parameters)
            if found is _NEW or found is None:
                found = _made(task, parameters, family)
    if isinstance(found, Unsupported):
        raise found
    assert found is None or isinstance(found, Kernel)
    return found


_NEW: Any = object()


def _known(family: Any, parameters: Mapping[str, Any]) -> Any:
    """What there is under a family and its fixed values: nothing, a loop being made (None), a loop or an error."""
    with _lock:
        key = family, fixed(parameters, _free.get(family, ()))
        if key not in _kernels:
            _kernels[key] = None
            return _NEW
        return _kernels[key]


def _made(task: Task, parameters: Mapping[str, Any], family: Any) -> Kernel | Unsupported:
    """A loop, or why there is none."""
    free: tuple[str, ...] = ()
    made: Kernel | Unsupported
    try:
        loop = written(task, parameters)
        free = loop.free
        if len(_libraries) >= MOST and loop.text not in _libraries:
            raise Unsupported(f"at most {MOST} loops", "one more", ("backend",))
        function = _libraries[loop.text] = _libraries.get(loop.text) or build.library(loop.text)
        made = Kernel(loop, function)
    except Unsupported as error:
        made = error
    with _lock:
        _free[family] = free
        _kernels[family, fixed(parameters, ())] = made
        _kernels[family, fixed(parameters, free)] = made
    return made


def written(task: Task, parameters: Mapping[str, Any]) -> Loop:
    """The loop for a task, not compiled; an `Unsupported` error where there is none."""
    try:
        return recorded(task, parameters)
    except Unsupported:
        raise
    except Exception as error:  # a text may do anything that a symbol does not stand
        what = f"{task.function.__name__}, of which there is no loop ({type(error).__name__}: {error})"
        raise Unsupported('backend "numpy" for these tensors', what, ("backend",)) from error


@cache
def _compiling() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "lossapi-compile")


def fixed(parameters: Mapping[str, Any], free: Collection[str]) -> tuple[Any, ...]:
    """The values that make a loop of their own."""
    return tuple(frozen(value) for name, value in parameters.items() if name not in free)


def frozen(value: Any) -> Any:
    """A value that may be a key."""
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def task_of(function: Function, tensors: Mapping[str, Array | None], back: Back | None = None) -> Task:
    """What is wanted for these tensors."""
    present = [(name, array) for name, array in tensors.items() if array is not None]
    kinds = tuple((name, array.dtype.char, array.ndim) for name, array in present)
    return Task(function, tuple(tensors), kinds, back)


def run(function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any]) -> Any:
    """What a map gives for these arrays; nothing to compute is left to NumPy."""
    if empty(tensors):
        return numpy_backend.run(function, tensors, parameters)
    names, arrays = _ran(task_of(function, tensors), tensors, parameters, {})
    return restored(names, arrays)


def vjp(
    function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any], wrt: Collection[str]
) -> tuple[Any, Pullback]:
    """What a map gives, and the way back, which computes it once more: a loop keeps nothing."""
    if empty(tensors):
        return gradients.vjp(function, tensors, parameters, wrt)
    names, arrays = _ran(task_of(function, tensors), tensors, parameters, {})

    def pullback(cotangent: Any) -> dict[str, Array]:
        parts = dict(zip(names, gradients.parts(cotangent), strict=True))
        seeds = {n: seed(parts[n], array) for n, array in zip(names, arrays, strict=True) if parts[n] is not None}
        back = Back(tuple(wrt), tuple((name, array.ndim > 0) for name, array in seeds.items()))
        given = {f"cotangent of {name}": array for name, array in seeds.items()}
        reached, found = _ran(task_of(function, tensors, back), tensors, parameters, given)
        return dict(zip(reached, found, strict=True))

    return restored(names, arrays), pullback


def _ran(
    task: Task, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any], more: Mapping[str, Array]
) -> tuple[tuple[str, ...], list[Array]]:
    found = kernel(task, parameters, wait=True)
    assert found is not None
    given = {name: array for name, array in tensors.items() if array is not None} | dict(more)
    try:
        outputs, _ = found(given, parameters)
    except IndexError:  # a loop does not hold parameters against sizes: if they are at fault, the text says so
        numpy_backend.run(task.function, tensors, parameters)
        raise
    return tuple(outputs), list(outputs.values())


def empty(tensors: Mapping[str, Array | None]) -> bool:
    """Whether there is nothing to compute, or a row is too long to count its places."""
    return any(array is not None and (array.size == 0 or array.size > LARGEST_ROW) for array in tensors.values())


def seed(cotangent: Any, result: Array) -> Array:
    """A cotangent in the dtype of its result: in full, or one number where it is the same for all."""
    whole = np.asarray(cotangent, result.dtype)
    if not any(whole.strides):
        return np.asarray(whole[(0,) * whole.ndim])
    return np.ascontiguousarray(np.broadcast_to(whole, result.shape))
