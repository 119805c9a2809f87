"""The other libraries, called live where they are installed, and from what they once answered where not.

`LOSSAPI_RECORD=1 pytest tests/parity` writes their answers, with their versions, into `recorded/`.
"""

import atexit
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like

RECORDED = Path(__file__).parent / "recorded"
RECORDING = os.environ.get("LOSSAPI_RECORD") == "1"
RENEWED: set[str] = set()
RAISES = "raises"
os.environ.setdefault("KERAS_BACKEND", "torch")

Arguments = Mapping[str, Any]


def call_torch(function: str, arguments: Arguments) -> Any:
    """torch.nn.functional, arrays as tensors."""
    import torch

    given = {
        k: torch.from_numpy(np.array(v)) if isinstance(v, np.ndarray | np.generic) else v for k, v in arguments.items()
    }
    return np.asarray(getattr(torch.nn.functional, function)(**given))


def call_keras(function: str, arguments: Arguments) -> Any:
    """keras.losses, a function by any of its names, or a class with constructor and call arguments together."""
    import keras
    from keras._tf_keras.keras import losses as older

    if function.startswith("metrics."):
        return call_keras_metric(function.removeprefix("metrics."), arguments)
    found = getattr(keras.losses, function, None) or getattr(older, function)
    given = dict(arguments)
    if isinstance(found, type):
        called: dict[str, Any] = {k: given.pop(k) for k in ("y_true", "y_pred", "sample_weight") if k in given}
        dtype = np.asarray(called["y_pred"]).dtype
        found = found(**given, **({} if dtype.kind != "f" else {"dtype": dtype.name}))
        given = called
    given = {k: keras.ops.convert_to_tensor(v, v.dtype.name) if _floating(v) else v for k, v in given.items()}
    return np.asarray(found(**given).detach().numpy())


CALLED = ("y_true", "y_pred", "values", "sample_weight")
"""The arguments of the call of a class of Keras; the others are its constructor's."""


def call_keras_metric(name: str, arguments: Arguments) -> Any:
    """A class of keras.metrics after one update, in the precision of the predictions."""
    import keras

    given = dict(arguments)
    updated = {k: given.pop(k) for k in CALLED if k in given}
    precision = next((v.dtype.name for v in reversed(updated.values()) if _floating(v)), "float64")
    usual = keras.config.floatx()
    keras.config.set_floatx(precision)
    try:
        metric = getattr(keras.metrics, name)(**given)
        metric.update_state(**updated)
        return as_arrays(metric.result())
    finally:
        keras.config.set_floatx(usual)


def as_arrays(answer: Any) -> Any:
    """Tensors as arrays, inside tuples, lists and named values too."""
    if isinstance(answer, Mapping):
        return {name: as_arrays(each) for name, each in answer.items()}
    if isinstance(answer, tuple | list):
        return [as_arrays(each) for each in answer if each is not None]
    return np.asarray(answer.detach().numpy() if hasattr(answer, "detach") else answer)


def _floating(value: Any) -> bool:
    """Whether Keras would make single precision of it, if not told otherwise."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def call_optax(function: str, arguments: Arguments) -> Any:
    """optax.losses in the precision of its arguments."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import optax

    return np.asarray(getattr(optax.losses, function)(**arguments))


def call_sklearn(function: str, arguments: Arguments) -> Any:
    """sklearn.metrics, and the curve of sklearn.calibration."""
    from sklearn import calibration, metrics

    return as_arrays((getattr(metrics, function, None) or getattr(calibration, function))(**arguments))


MODULES = ("", ".classification", ".regression", ".retrieval", ".segmentation", ".pairwise")


def call_torchmetrics(function: str, arguments: Arguments) -> Any:
    """torchmetrics.functional and its modules; in double precision, unless the arguments are single throughout."""
    import torch

    modules = (import_module(f"torchmetrics.functional{name}") for name in MODULES)
    found = next(getattr(module, function) for module in modules if callable(getattr(module, function, None)))
    given = {k: torch.from_numpy(np.array(v)) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    floats = {v.dtype for v in arguments.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    if floats == {np.dtype(np.float32)}:
        return as_arrays(found(**given))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        torch.set_default_dtype(torch.float64)
        try:
            return as_arrays(found(**given))
        finally:
            torch.set_default_dtype(torch.float32)


def call_module(package: str, *called: str) -> Callable[[str, Arguments], Any]:
    """A package of PyTorch losses: functions, or modules with the arguments of both calls together."""

    def call(function: str, arguments: Arguments) -> Any:
        import torch

        found = getattr(import_module(package), function)
        given = {k: torch.from_numpy(np.array(v)) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        if isinstance(found, type):
            tensors = [given.pop(name) for name in called]
            return found(**given)(*tensors).numpy()
        return found(**given).numpy()

    return call


PEERS: dict[str, tuple[str, str, Callable[[str, Arguments], Any]]] = {
    "torch": ("torch", "torch", call_torch),
    "keras": ("keras", "keras", call_keras),
    "optax": ("optax", "optax", call_optax),
    "sklearn": ("sklearn", "scikit-learn", call_sklearn),
    "torchmetrics": ("torchmetrics", "torchmetrics", call_torchmetrics),
    "monai": ("monai", "monai", call_module("monai.losses", "input", "target")),
    "smp": (
        "segmentation_models_pytorch",
        "segmentation-models-pytorch",
        call_module("segmentation_models_pytorch.losses", "y_pred", "y_true"),
    ),
    "kornia": ("kornia", "kornia", call_module("kornia.losses")),
    "torchvision": ("torchvision", "torchvision", call_module("torchvision.ops.giou_loss")),
}


def live(library: str) -> bool:
    """Whether the library itself is here to be asked."""
    return find_spec(PEERS[library][0]) is not None


def expected(library: str, function: str, arguments: Arguments) -> Any:
    """What the library answers: an array, several, or `RAISES`."""
    if not live(library):
        return _recall(library, _key(function, arguments))
    try:
        with warnings.catch_warnings(action="ignore"):
            answer = PEERS[library][2](function, arguments)
    except (ValueError, TypeError, RuntimeError, LookupError, AssertionError, ZeroDivisionError):
        answer = RAISES
    if RECORDING:
        _record(library, _key(function, arguments), answer)
    return answer


def answered(library: str, function: str, arguments: Arguments) -> Any:
    """Our answer: an array, several, or the error."""
    try:
        value = like.compute(library, function, arguments).value
        return value if isinstance(value, Mapping | list) else np.asarray(value)
    except LossError as error:
        return error


def agree(library: str, function: str, arguments: Arguments, *, rtol: float | None = None, atol: float = 0.0) -> None:
    """Hold our answer to /v1/like/{library}/{function} against the library's own, refusals included.

    The tolerance follows the dtype: 1e-10 for float64, 1e-5 for float32.
    """
    theirs, ours = expected(library, function, arguments), answered(library, function, arguments)
    if isinstance(ours, LossError):
        assert isinstance(theirs, str), f"{library}.{function} gives {theirs}, we refuse: {ours}"
        return
    assert not isinstance(theirs, str), f"{library}.{function} raises, we answer {ours}"
    floats = [np.asarray(v).dtype for v in arguments.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    single = any(d.itemsize < 8 for d in floats)
    rtol = rtol if rtol is not None else 1e-5 if single else 1e-10
    _hold(ours, theirs, live(library), rtol, atol or (1e-6 if single else 1e-12))


def _hold(ours: Any, theirs: Any, live: bool, rtol: float, atol: float) -> None:
    """Hold an answer against another, each part of several in its turn; or against the digest that is recorded."""
    if not live:
        np.testing.assert_allclose(_digest(ours), theirs, rtol=rtol, atol=atol)
        return
    one, two = parts(ours), parts(theirs)
    assert len(one) == len(two), f"{len(one)} parts, not {len(two)}"
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def parts(answer: Any) -> list[Any]:
    """The arrays of an answer, in order: of one that is an array, a sequence or named."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    return [part for each in answer for part in parts(each)] if isinstance(answer, list | tuple) else [answer]


def equal(
    ours: Any, library: str, function: str, arguments: Arguments, *, rtol: float = 1e-10, atol: float = 1e-12
) -> None:
    """Hold a value computed under our own names against the library's."""
    theirs = expected(library, function, arguments)
    assert not isinstance(theirs, str), f"{library}.{function} raises"
    _hold(ours, theirs, live(library), rtol, atol)


def _key(function: str, arguments: Arguments) -> str:
    text = hashlib.sha256(function.encode())
    for name, value in sorted(arguments.items()):
        text.update(name.encode())
        if isinstance(value, np.ndarray):
            text.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            text.update(repr(value).encode())
    return f"{function}:{text.hexdigest()[:16]}"


def _digest(answer: Any) -> Any:
    """An answer small enough to keep: itself, or its sum, extremes and first entries."""
    flat = np.concatenate([np.asarray(each, np.float64).reshape(-1) for each in parts(answer)] or [np.empty(0)])
    if flat.size <= 16:
        return flat
    return np.array([flat.size, flat.sum(), flat.min(), flat.max(), *flat[:4]])


@cache
def _book(library: str) -> dict[str, Any]:
    path = RECORDED / f"{library}.json"
    book: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return book


def _record(library: str, key: str, answer: Any) -> None:
    book = _book(library)
    if library not in RENEWED:
        RENEWED.add(library)
        atexit.register(_write, library)
    book["version"] = version(PEERS[library][1])
    book[key] = RAISES if isinstance(answer, str) else _digest(answer).tolist()


def _write(library: str) -> None:
    """Keep a library's answers, sorted, one a line."""
    RECORDED.mkdir(exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(kept)}" for key, kept in sorted(_book(library).items())]
    (RECORDED / f"{library}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _recall(library: str, key: str) -> Any:
    if key not in _book(library):
        pytest.skip(f"{library} is not installed and its answer is not recorded")
    kept = _book(library)[key]
    return kept if isinstance(kept, str) else np.asarray(kept, np.float64).reshape(-1)
