"""The engine against torch eager: one process, two threads each, taking turns, right numbers before times."""

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import lossapi
from benchmarks.cases import CASES, Case
from benchmarks.inputs import FULL, QUICK, Arrays, Size
from benchmarks.spread import Spread, geometric_mean, spread
from lossapi.errors import LossError, UnknownName

THREADS = 2
TOLERANCE = 1e-4
PAUSE = 0.005
"""Long enough for the other side's idle threads to stop spinning."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of both sides for one case."""

    label: str
    ours: Spread
    torch: Spread

    @property
    def ratio(self) -> float:
        """How many times as fast as torch, by the medians."""
        return self.torch.median / self.ours.median

    @property
    def best(self) -> float:
        """The same by the least times."""
        return self.torch.least / self.ours.least


def ours(case: Case, arrays: Arrays) -> Callable[[], float]:
    """The case as a call of our engine."""
    tensors, parameters = case.arrange(arrays), case.parameters
    options = {"threads": THREADS, "reduction": case.reduction}
    return lambda: float(lossapi.compute(case.name, tensors, parameters, **options).value)


def theirs(case: Case, arrays: Arrays) -> Callable[[], float]:
    """The case as a call of torch, on the same memory."""
    tensors = [torch.from_numpy(array) for array in arrays.values()]
    return lambda: case.torch(*tensors).item()


def milliseconds(call: Callable[[], float]) -> float:
    """Time one call, the machine at rest before it."""
    time.sleep(PAUSE)
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def measure(case: Case, size: Size, repetitions: int) -> Timing | str:
    """Time one case, or say why it cannot be timed."""
    arrays = case.make(np.random.default_rng(7), size)
    mine, other = ours(case, arrays), theirs(case, arrays)
    try:
        value = mine()
    except UnknownName:
        return "missing"
    except LossError as error:
        return f"refused: {error}"
    truth = other()
    if not math.isclose(value, truth, rel_tol=TOLERANCE):
        return f"wrong: expected {truth:.7g}, got {value:.7g}"
    mine(), other()
    times = [(milliseconds(mine), milliseconds(other)) for _ in range(repetitions)]
    return Timing(case.label, spread([pair[0] for pair in times]), spread([pair[1] for pair in times]))


def row(timing: Timing) -> str:
    """One line of the table."""
    sides = "  ".join(f"{side.least:9.2f}{side.median:9.2f}" for side in (timing.ours, timing.torch))
    return f"{timing.label:<38}{sides}  {timing.ratio:6.2f}×{timing.best:8.2f}×"


def report(timings: list[Timing]) -> None:
    """Print the rows, worst first, and their geometric mean."""
    print(f"{'':<38}{'lossapi ms':>18}  {'torch ms':>18}  {'ratio torch / lossapi':>16}")
    print(f"{'':<38}{'least':>9}{'median':>9}  {'least':>9}{'median':>9}  {'median':>7}{'least':>9}")
    for timing in sorted(timings, key=lambda timing: timing.ratio):
        print(row(timing))
    if timings:
        mean, best = (geometric_mean([getattr(t, name) for t in timings]) for name in ("ratio", "best"))
        slow = sum(timing.ratio < 0.8 for timing in timings)
        print(f"{'geometric mean':<76}  {mean:6.2f}×{best:8.2f}×   aim ≥ 1.3×")
        print(f"{slow} of {len(timings)} under 0.8×   aim 0")


def main(*, quick: bool) -> int:
    """Run every case; 1 where a number is wrong or refused."""
    torch.set_num_threads(THREADS)
    size, repetitions = (QUICK, 3) if quick else (FULL, 11)
    shape = f"{size.elements:,} elements, {size.rows:,} × {size.classes} classes"
    print(f"\nKernels: float32, {shape}, {THREADS} threads each, {repetitions} turns")
    print(f"NumPy {np.__version__}, torch {torch.__version__}")
    timings, failures = [], 0
    for case in CASES:
        gc.collect()
        with torch.inference_mode():
            outcome = measure(case, size, repetitions)
        if isinstance(outcome, Timing):
            timings.append(outcome)
            continue
        print(f"{case.label:<38}{outcome}")
        failures += outcome != "missing"
    report(timings)
    return min(failures, 1)
