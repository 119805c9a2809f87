"""Where ONNX Runtime computes: the providers asked for, and the one that a probe shows to run.

`prefer` takes the first that runs, the CPU in the end; `require` is an error unless the first one does.
"""

import importlib
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from lossapi.errors import Unsupported

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
INSTALL = 'pip install "lossapi[onnx]"'
Mode = Literal["prefer", "require"]
INEXACT = ["MatMulScaleFusion"]
"""Optimizers that change numbers: this one keeps the factor of a product of float64 matrices as a float32."""


@dataclass(frozen=True)
class Asked:
    """Providers in order of preference, whether the first has to run, and how many bytes a device may lend."""

    names: tuple[str, ...] = (CPU,)
    mode: Mode = "prefer"
    memory: int | None = None


_asked = Asked()


def configure(names: Sequence[str], mode: Mode = "prefer", memory: int | None = None) -> str:
    """Ask for providers, once at the start; gives the one that runs, or says why a required one does not."""
    global _asked  # one process computes in one way
    _asked = Asked(tuple(names) or (CPU,), mode, memory)
    running.cache_clear()
    return running()


def installed() -> bool:
    """Whether ONNX Runtime and the package of the format are there."""
    try:
        runtime()
    except Unsupported:
        return False
    return True


@cache
def runtime() -> Any:
    """ONNX Runtime, or how to get it."""
    require_onnx()
    onnxruntime = _imported("onnxruntime")
    onnxruntime.set_default_logger_severity(3)
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def require_onnx() -> None:
    """Raise where the package of the ONNX format is missing."""
    _imported("onnx")


def _imported(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise Unsupported(f"{package} to be installed ({INSTALL})", str(error)) from None


@cache
def running() -> str:
    """The provider that computes: each is tried in order on a small graph."""
    reasons = []
    for name in (*_asked.names, CPU):
        reason = refusal(name)
        if reason is None:
            return name
        reasons.append(f"{name}: {reason}")
        if _asked.mode == "require":
            break
    raise Unsupported(f"provider {_asked.names[0]} to run", "; ".join(reasons), ("providers",))


def refusal(name: str) -> str | None:
    """Why a provider does not run here, if it does not."""
    available = runtime().get_available_providers()
    if name not in available:
        return f"this build of ONNX Runtime has {', '.join(available)}"
    if name == CUDA:
        _load_cuda()
    try:
        session = open_session(_probe(), name)
        [doubled] = session.run(None, {"x": np.array([1.0, 2.0], np.float32)})
    except Exception as error:  # whatever a driver throws is the reason
        return " ".join(str(error).split())[:300] or type(error).__name__
    if session.get_providers()[0] != name:
        return f"the session fell back to {session.get_providers()[0]} (its libraries or its device are missing)"
    return None if doubled.tolist() == [2.0, 4.0] else f"1 + 1 gave {doubled[0]}"


def _load_cuda() -> None:
    """Load the CUDA libraries that were installed from wheels; what fails to load is said on standard error."""
    with redirect_stdout(sys.stderr):
        runtime().preload_dlls()


def open_session(model: bytes, provider: str) -> Any:
    """A session that keeps no memory between shapes; on the CPU it has one thread, as the engine brings its own."""
    ort = runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    providers = [(provider, _options(provider))] + ([] if provider == CPU else [(CPU, {})])
    return ort.InferenceSession(model, options, providers=providers, disabled_optimizers=INEXACT)


def _options(provider: str) -> dict[str, str]:
    """What a device's memory is held to: it grows by what is asked for, and not beyond the cap."""
    if provider not in (CUDA, "ROCMExecutionProvider"):
        return {}
    cap = {} if _asked.memory is None else {"gpu_mem_limit": str(_asked.memory)}
    return {"arena_extend_strategy": "kSameAsRequested", **cap}


@cache
def _probe() -> bytes:
    """x + x, as a model."""
    from onnx import TensorProto, helper

    value = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"}
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "probe", [value["x"]], [value["y"]])
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))
    return bytes(model.SerializeToString())


def version() -> str | None:
    """ONNX Runtime's version, if it is installed."""
    return str(runtime().__version__) if installed() else None
