"""The engine against torch eager: one process, two threads each, taking turns, right numbers before times.

The value, and the value with its gradient by the first input: of NumPy, of ONNX Runtime, of fused loops, and of what
`backend: auto` chooses; and how long it takes to read the inputs once, which nothing can beat.
"""

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch

import lossapi
from benchmarks import inputs
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
TORCH, READING = "torch", "reading"
AIMS = {False: 2.5, True: 4.0}
"""How many times as fast as torch, with the gradient or without."""

ELEMENTWISE = (inputs.pairs, inputs.probabilities, inputs.logits, inputs.signs)
CLASSES = (inputs.class_logits, inputs.dense_logits, inputs.class_probabilities, inputs.dense_probabilities)
WIDE = (Size(4_000_000, rows=8_192, sequences=1, classes=1_000), Size(4_000_000, rows=512, sequences=1, classes=50_257))
"""Shapes of many classes: of images, and of words."""

Side = Callable[[], float]


class Table(NamedTuple):
    """What is timed together."""

    cases: Sequence[Case]
    size: Size
    dtype: str
    backends: Sequence[str]


@dataclass(frozen=True)
class Timing:
    """The median milliseconds of every side for one case; NaN for a backend that cannot express it."""

    case: Case
    sides: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """How many times as fast as torch."""
        return self.sides[TORCH] / self.sides["auto"]

    @property
    def reading(self) -> float:
        """How many times as long as reading the inputs."""
        return self.sides["auto"] / self.sides[READING]

    @property
    def choice(self) -> float:
        """How many times as long `auto` takes as the best backend."""
        return self.sides["auto"] / min(self.sides.get(name, math.inf) for name in BACKENDS)


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


def read(arrays: Arrays) -> Side:
    """All arrays read once, by torch's sums of them."""
    tensors = [torch.from_numpy(array) for array in arrays.values()]
    return lambda: float(sum(tensor.sum().item() for tensor in tensors))


def measure(case: Case, table: Table, repetitions: int, *, gradient: bool) -> Timing | str:
    """Time one case, or say why it cannot be timed."""
    made = case.make(np.random.default_rng(7), table.size)
    arrays = {name: each.astype(table.dtype) if each.dtype.kind == "f" else each for name, each in made.items()}
    sides = {backend: ours(case, arrays, backend, gradient=gradient) for backend in table.backends}
    other = theirs(case, arrays, gradient=gradient)
    with suppress(LossError):  # waits for the loops, which `auto` would have compiled meanwhile
        ours(case, arrays, "fused", gradient=gradient)()
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
    able |= {TORCH: other, READING: read(arrays)}
    times = [{name: milliseconds(call) for name, call in able.items()} for _ in range(repetitions + 1)][1:]
    return Timing(case, {name: spread([turn[name] for turn in times]).median for name in able})


def report(timings: Sequence[Timing], table: Table, *, gradient: bool) -> None:
    """Print the rows, worst first, and their geometric mean."""
    heads = (*table.backends, TORCH, READING)
    print(f"{'median ms':<38}" + "".join(f"{name:>9}" for name in heads) + "   torch / auto")
    for timing in sorted(timings, key=lambda timing: timing.ratio):
        cells = "".join(f"{timing.sides.get(name, math.nan):9.2f}" for name in heads)
        print(f"{timing.case.label:<38}{cells}   {timing.ratio:6.2f}×")
    if not timings:
        return
    slow = sum(timing.ratio < 1.0 for timing in timings)
    aim = f"   aim ≥ {AIMS[gradient]}" if table.dtype == "float32" else ""
    print(f"geometric mean {geometric_mean([each.ratio for each in timings]):.2f}×{aim}")
    print(f"{slow} of {len(timings)} under 1×   aim 0")
    simple = [timing for timing in timings if timing.case.make in ELEMENTWISE]
    if simple and not gradient:
        far = max(simple, key=lambda timing: timing.reading)
        middle = geometric_mean([timing.reading for timing in simple])
        print(f"elementwise: {middle:.1f} × reading, at most {far.reading:.1f} × ({far.case.label})   aim ≤ 2")
    if len(table.backends) > 1:
        worst = max(timings, key=lambda timing: timing.choice)
        print(f"auto against the best backend: at most {worst.choice:.2f}× its time ({worst.case.label})   aim ≤ 1.1×")


def run(table: Table, repetitions: int, *, gradient: bool) -> int:
    """Time every case; how many numbers are wrong or refused."""
    shape = f"{table.size.elements:,} elements, {table.size.rows:,} × {table.size.classes:,} classes"
    what = "value and gradient, torch forward and backward" if gradient else "value"
    print(f"\n{table.dtype}, {shape}: {what}")
    timings, failures = [], 0
    for case in table.cases:
        gc.collect()
        with nullcontext() if gradient else torch.inference_mode():
            outcome = measure(case, table, repetitions, gradient=gradient)
        if isinstance(outcome, Timing):
            timings.append(outcome)
            continue
        print(f"{case.label:<38}{outcome}")
        failures += outcome != "missing"
    report(timings, table, gradient=gradient)
    return failures


def main(*, quick: bool) -> int:
    """All tables; 1 where a number is wrong or refused."""
    torch.set_num_threads(THREADS)
    full, repetitions = (QUICK, 3) if quick else (FULL, 11)
    of_classes = [case for case in CASES if case.make in CLASSES]
    tables = [Table(CASES, full, "float32", BACKENDS), Table(CASES, full, "float64", ("auto",))]
    wide = [replace(size, rows=size.rows // 64) for size in WIDE] if quick else WIDE
    tables += [Table(of_classes, size, dtype, ("auto",)) for size in wide for dtype in ("float32", "float64")]
    print(f"\nKernels: {THREADS} threads each, {repetitions} turns, NumPy {np.__version__}, torch {torch.__version__}")
    failed = [run(table, repetitions, gradient=gradient) for table in tables for gradient in (False, True)]
    return min(sum(failed), 1)
