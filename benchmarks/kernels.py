"""The engine against torch eager: one process, two threads each, taking turns, right numbers before times.

The value, and the value with its gradient by the first input: of NumPy, of ONNX Runtime, and of what `backend: auto`
chooses.
"""

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import lossapi
from benchmarks.cases import CASES, Case
from benchmarks.inputs import FULL, QUICK, Arrays, Size
from benchmarks.spread import geometric_mean, spread
from lossapi.domains import TAG
from lossapi.errors import LossError, UnknownName, Unsupported

THREADS = 2
TOLERANCE = 1e-4
PAUSE = 0.005
"""Long enough for the other side's idle threads to stop spinning."""
BACKENDS = ("numpy", "onnx", "fused", "auto")
TORCH = "torch"

Side = Callable[[], float]


@dataclass(frozen=True)
class Timing:
    """The median milliseconds of every side for one case; NaN for a backend that cannot express it."""

    label: str
    sides: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """How many times as fast as torch."""
        return self.sides[TORCH] / self.sides["auto"]

    @property
    def choice(self) -> float:
        """How many times as long `auto` takes as the best backend."""
        return self.sides["auto"] / min(time for name, time in self.sides.items() if name not in ("auto", TORCH))


def ours(case: Case, arrays: Arrays, backend: str, *, gradient: bool) -> Side:
    """The case as a call of our engine."""
    tensors, parameters = case.arrange(arrays), case.parameters
    options = {
        "threads": THREADS,
        "reduction": case.reduction,
        "backend": backend,
        "returns": ("value", "gradient") if gradient else ("value",),
        "wrt": [first_name(tensors)],
    }
    return lambda: float(lossapi.compute(case.name, tensors, parameters, **options).value)


def first_name(tensors: Mapping[str, Any]) -> str:
    """What the gradient is taken by: the first tensor, or the first parameter of the first distribution."""
    name, tensor = next(iter(tensors.items()))
    if not isinstance(tensor, Mapping):
        return name
    return f"{name}.{tensor[TAG]}.{next(member for member in tensor if member != TAG)}"


def theirs(case: Case, arrays: Arrays, *, gradient: bool) -> Side:
    """The case as a call of torch, on the same memory."""
    first, *others = [torch.from_numpy(array) for array in arrays.values()]
    if not gradient:
        return lambda: case.torch(first, *others).item()

    def call() -> float:
        value = case.torch(first.detach().requires_grad_(), *others)
        value.backward()
        return float(value.item())

    return call


def milliseconds(call: Side) -> float:
    """Time one call, the machine at rest before it."""
    time.sleep(PAUSE)
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def measure(case: Case, size: Size, repetitions: int, *, gradient: bool) -> Timing | str:
    """Time one case, or say why it cannot be timed."""
    arrays = case.make(np.random.default_rng(7), size)
    sides = {backend: ours(case, arrays, backend, gradient=gradient) for backend in BACKENDS}
    other = theirs(case, arrays, gradient=gradient)
    truth, able = other(), {}
    for name, call in sides.items():
        try:
            value = call()
        except UnknownName:
            return "missing"
        except LossError as error:
            if name not in ("onnx", "fused") or not isinstance(error, Unsupported):
                return f"refused: {error}"
            continue
        if not math.isclose(value, truth, rel_tol=TOLERANCE):
            return f"wrong: expected {truth:.7g}, got {value:.7g} from {name}"
        able[name] = call
    able[TORCH] = other
    times = [{name: milliseconds(call) for name, call in able.items()} for _ in range(repetitions + 1)][1:]
    return Timing(case.label, {name: spread([turn[name] for turn in times]).median for name in able})


def report(timings: Sequence[Timing]) -> None:
    """Print the rows, worst first, and their geometric mean."""
    heads = (*BACKENDS, TORCH)
    print(f"{'median ms':<38}" + "".join(f"{name:>9}" for name in heads) + "   torch / auto")
    for timing in sorted(timings, key=lambda timing: timing.ratio):
        cells = "".join(f"{timing.sides.get(name, math.nan):9.2f}" for name in heads)
        print(f"{timing.label:<38}{cells}   {timing.ratio:6.2f}×")
    if timings:
        slow = sum(timing.ratio < 0.8 for timing in timings)
        worst = max(timings, key=lambda timing: timing.choice)
        print(f"geometric mean {geometric_mean([each.ratio for each in timings]):.2f}×   aim ≥ 1.3×")
        print(f"{slow} of {len(timings)} under 0.8×   aim 0")
        print(f"auto against the better backend: at most {worst.choice:.2f}× its time ({worst.label})   aim ≤ 1.1×")


def table(size: Size, repetitions: int, *, gradient: bool) -> int:
    """Run every case; how many numbers are wrong or refused."""
    print(f"\n{'Value and gradient, torch forward and backward' if gradient else 'Value'}")
    timings, failures = [], 0
    for case in CASES:
        gc.collect()
        with nullcontext() if gradient else torch.inference_mode():
            outcome = measure(case, size, repetitions, gradient=gradient)
        if isinstance(outcome, Timing):
            timings.append(outcome)
            continue
        print(f"{case.label:<38}{outcome}")
        failures += outcome != "missing"
    report(timings)
    return failures


def main(*, quick: bool) -> int:
    """Both tables; 1 where a number is wrong or refused."""
    torch.set_num_threads(THREADS)
    size, repetitions = (QUICK, 3) if quick else (FULL, 11)
    shape = f"{size.elements:,} elements, {size.rows:,} × {size.classes} classes"
    print(f"\nKernels: float32, {shape}, {THREADS} threads each, {repetitions} turns")
    print(f"NumPy {np.__version__}, torch {torch.__version__}")
    return min(sum(table(size, repetitions, gradient=gradient) for gradient in (False, True)), 1)
