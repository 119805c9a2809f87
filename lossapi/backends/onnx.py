"""The ONNX backend: a map traced once for the ranks and dtypes it meets, then run by ONNX Runtime.

Numbers are inputs of the graph where the kernel's text allows it, so that another `delta` needs no other session;
flags, choices and what the text branches on make a graph of their own.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from lossapi import gradients
from lossapi.backends import numpy as numpy_backend
from lossapi.backends import providers
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.gradients import Pullback
from lossapi.graphs.trace import Back, Model, freest, restored, traced
from lossapi.signature import Function

NAME = "onnx"
SESSIONS = 64
"""How many sessions are kept; the one not used for longest makes place."""

FAMILIES = 1024
"""Of how many kinds of calls it is remembered which numbers are inputs."""

Kinds = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Session:
    """An open session, the parameters that it takes as inputs, and the names of what it gives."""

    session: Any
    numbers: tuple[str, ...]
    outputs: tuple[str, ...]


_numbers: dict[Any, tuple[str, ...]] = {}
_sessions: OrderedDict[Any, Session] = OrderedDict()
_lock = Lock()


def run(function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any]) -> Any:
    """What a map gives for these arrays; nothing to compute is left to NumPy."""
    if _nothing(tensors):
        return numpy_backend.run(function, tensors, parameters)
    return restored(*_run(function, tensors, parameters, {}, None))


def vjp(
    function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any], wrt: Collection[str]
) -> tuple[Any, Pullback]:
    """What a map gives, and the way back, which computes it once more: a graph keeps nothing."""
    if _nothing(tensors):
        return gradients.vjp(function, tensors, parameters, wrt)
    names, arrays = _run(function, tensors, parameters, {}, None)

    def pullback(cotangent: Any) -> dict[str, Array]:
        parts = dict(zip(names, gradients.parts(cotangent), strict=True))
        seeds = {n: _seed(parts[n], array) for n, array in zip(names, arrays, strict=True) if parts[n] is not None}
        back = Back(tuple(wrt), tuple((name, array.ndim > 0) for name, array in seeds.items()))
        given = {f"cotangent of {name}": array for name, array in seeds.items()}
        reached, found = _run(function, tensors, parameters, given, back)
        return dict(zip(reached, found, strict=True))

    return restored(names, arrays), pullback


def _nothing(tensors: Mapping[str, Array | None]) -> bool:
    """Whether there is nothing to compute."""
    return any(array is not None and array.size == 0 for array in tensors.values())


def _seed(cotangent: Any, result: Array) -> Array:
    """A cotangent in the dtype of its result: in full, or one number where it is the same for all."""
    seed = np.asarray(cotangent, result.dtype)
    if not any(seed.strides):
        return np.asarray(seed[(0,) * seed.ndim])
    return np.ascontiguousarray(np.broadcast_to(seed, result.shape))


def _run(
    function: Function,
    tensors: Mapping[str, Array | None],
    parameters: Mapping[str, Any],
    more: Mapping[str, Array],
    back: Back | None,
) -> tuple[tuple[str, ...], list[Array]]:
    """The names and the arrays that a session gives, of the map or of the way back."""
    present = {name: array for name, array in tensors.items() if array is not None}
    kinds = tuple((name, array.dtype.char, array.ndim) for name, array in present.items())
    try:
        session = session_for(function, tuple(tensors), kinds, parameters, back)
        numbers = {name: np.asarray(parameters[name], np.float64) for name in session.numbers}
        found = session.session.run(None, {**present, **numbers, **more}) if session.outputs else []
        return session.outputs, found
    except Exception as error:  # a graph does not hold parameters against sizes: if they are at fault, the text says so
        numpy_backend.run(function, tensors, parameters)
        what = f"{function.__name__}, of which there is no graph ({type(error).__name__}: {error})"
        raise Unsupported('backend "numpy" for these tensors', what, ("backend",)) from error


def session_for(
    function: Function, names: Sequence[str], kinds: Kinds, parameters: Mapping[str, Any], back: Back | None = None
) -> Session:
    """The session for arrays of these ranks and dtypes, opened where there is none yet."""
    fixed = tuple((n, float if type(v) is float else _frozen(v)) for n, v in parameters.items())
    provider = providers.running()
    family = provider, function, kinds, fixed, back
    with _lock:
        key = family, _fixed(parameters, _numbers.get(family, ()))
        if key in _sessions:
            _sessions.move_to_end(key)
            return _sessions[key]
        made = model_for(function, names, kinds, parameters, back)
        if len(_numbers) >= FAMILIES:
            _numbers.clear()
        _numbers[family] = made.numbers
        session = providers.open_session(made.bytes, provider)
        opened = _sessions[family, _fixed(parameters, made.numbers)] = Session(session, made.numbers, made.outputs)
        while len(_sessions) > SESSIONS:
            _sessions.popitem(last=False)
        return opened


def _fixed(parameters: Mapping[str, Any], numbers: Sequence[str]) -> tuple[Any, ...]:
    """The values that make a graph of their own."""
    return tuple(_frozen(value) for name, value in parameters.items() if name not in numbers)


def _frozen(value: Any) -> Any:
    """A value that may be a key."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def model_for(
    function: Function, names: Sequence[str], kinds: Kinds, parameters: Mapping[str, Any], back: Back | None = None
) -> Model:
    """The map as a model that takes as many numbers as its text allows."""

    return freest(lambda numbers: traced(function, names, kinds, parameters, numbers, back), parameters)
