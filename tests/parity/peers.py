"""The other libraries, called live where they are installed, and from what they once answered where not."""

import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, like
from tests.parity import records

os.environ.setdefault("KERAS_BACKEND", "torch")

Arguments = Mapping[str, Any]
COMPILED = Path(__file__).parents[2] / ".pytest_cache" / "jax" / os.environ.get("PYTEST_XDIST_WORKER", "alone")
"""What JAX has compiled: a folder for each process, as JAX writes to it without a lock."""


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
    """A class of keras.metrics after one update, in the precision of the predictions, throughout."""
    import keras
    from keras.src.backend.common import dtypes

    given = dict(arguments)
    updated = {k: given.pop(k) for k in CALLED if k in given}
    precision = next((v.dtype.name for v in reversed(updated.values()) if _floating(v)), "float64")
    usual = keras.config.floatx()
    keras.config.set_floatx(precision)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
            told = {} if name.endswith("IoU") else {"dtype": precision}  # those count in whole numbers
            metric = getattr(keras.metrics, name)(**given, **told)
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


@cache
def optax_losses() -> Any:
    """optax.losses in double precision; what JAX compiles, one operation and shape at a time, is kept."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(COMPILED))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update(
        "jax_compilation_cache_max_size", 2**30
    )  # a folder with a bound has a lock, as processes share it
    import optax

    return optax.losses


def call_optax(function: str, arguments: Arguments) -> Any:
    """optax.losses in the precision of its arguments."""
    return np.asarray(getattr(optax_losses(), function)(**arguments))


def call_sklearn(function: str, arguments: Arguments) -> Any:
    """sklearn.metrics, and the curve of sklearn.calibration."""
    from sklearn import calibration, metrics

    return as_arrays((getattr(metrics, function, None) or getattr(calibration, function))(**arguments))


MODULES = (".classification", ".regression", ".retrieval", ".segmentation", ".pairwise", "")


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


def call_scipy(function: str, arguments: Arguments) -> Any:
    """The statistic that a function of scipy.stats gives."""
    from scipy import stats

    return np.asarray(getattr(stats, function)(**arguments).statistic)


def call_nothing(function: str, _: Arguments) -> Any:
    """A library that is only asked in ways of the tests' own."""
    raise AssertionError(f"{function} is asked by its own test")


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
    "pytorch-metric-learning": ("pytorch_metric_learning", "pytorch-metric-learning", call_nothing),
    "scipy": ("scipy", "scipy", call_scipy),
    "torchvision": ("torchvision", "torchvision", call_module("torchvision.ops.giou_loss")),
}


def live(library: str) -> bool:
    """Whether the library itself is here to be asked."""
    return find_spec(PEERS[library][0]) is not None


def expected(library: str, function: str, arguments: Arguments, ask: Callable[[], Any] | None = None) -> Any:
    """What the library answers: an array, several, or `records.RAISES`; `ask` it in a way of one's own, if need be."""
    if not live(library):
        return records.recall(library, records.key(function, arguments))
    try:
        with warnings.catch_warnings(action="ignore"):
            answer = PEERS[library][2](function, arguments) if ask is None else as_arrays(ask())
    except (ValueError, TypeError, RuntimeError, LookupError, AssertionError, ZeroDivisionError):
        answer = records.RAISES
    if records.RECORDING:
        records.record(library, PEERS[library][1], records.key(function, arguments), answer)
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
        np.testing.assert_allclose(records.digest(ours), theirs, rtol=rtol, atol=atol)
        return
    one, two = records.parts(ours), records.parts(theirs)
    assert len(one) == len(two), f"{len(one)} parts, not {len(two)}"
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def equal(
    ours: Any,
    library: str,
    function: str,
    arguments: Arguments,
    ask: Callable[[], Any] | None = None,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
) -> None:
    """Hold a value computed under our own names against the library's."""
    theirs = expected(library, function, arguments, ask)
    assert not isinstance(theirs, str), f"{library}.{function} raises"
    _hold(ours, theirs, live(library), rtol, atol)
