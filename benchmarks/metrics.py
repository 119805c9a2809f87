"""Metrics of a million rows beside scikit-learn and torchmetrics: equal numbers first, then times in turns."""

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.kernels import milliseconds
from benchmarks.metric_cases import CASES, Case
from benchmarks.metric_inputs import CLASSES, Arrays
from benchmarks.spread import geometric_mean, ratios, spread
from lossapi import registry
from lossapi.engine import compute
from lossapi.errors import LossError

THREADS = 2
AIMS = {"scikit-learn": 10.0, "torchmetrics": 3.0}
TOLERANCES = {"float64": 1e-9, "float32": 2e-5}
"""How near the numbers must be; torchmetrics counts in float32 where it is given labels."""

Side = Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """The milliseconds of every turn of every side that has the metric."""

    label: str
    turns: Mapping[str, Sequence[float]]

    def ratio(self, peer: str) -> float:
        """How many times as fast as a peer; NaN where it has no such metric."""
        return ratios(self.turns[peer], self.turns["lossapi"]).median if peer in self.turns else math.nan


def sides(case: Case, arrays: Arrays) -> dict[str, Side]:
    """The case as a call of each library that has it, on the same memory."""
    prediction, target = arrays["prediction"], arrays["target"]
    ours = registry.get("metric", case.name)
    with suppress(LossError):  # waits for the loops, which `auto` would have compiled meanwhile
        compute(ours, arrays, case.parameters, backend="fused")
    found: dict[str, Side] = {"lossapi": lambda: compute(ours, arrays, case.parameters, threads=THREADS).value}
    sklearn, torchmetrics = case.sklearn, case.torchmetrics
    if sklearn is not None:
        found["scikit-learn"] = lambda: sklearn(target, prediction)
    if torchmetrics is not None:
        pair = torch.from_numpy(prediction), torch.from_numpy(target)
        found["torchmetrics"] = lambda: torchmetrics(*pair)
    return found


def flat(value: Any) -> NDArray[Any]:
    """A value, of whatever library, as one row of numbers; the threshold before all scores, which differs, left out."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return np.concatenate([np.ravel(np.asarray(each))[1:] for each in value])
    return np.ravel(np.asarray(value))


def difference(value: Any, truth: Any, dtype: str) -> str:
    """Why our value is not the peer's; nothing where it is."""
    ours, theirs = flat(value), flat(truth)
    single = "float32" in (dtype, theirs.dtype.name)
    tolerance = TOLERANCES["float32" if single else "float64"]
    if ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=tolerance, atol=0.0):
        return ""
    return f"expected {theirs[:3]} of {theirs.size}, got {ours[:3]} of {ours.size}"


def measure(case: Case, rows: int, dtype: str, repetitions: int) -> Timing | str:
    """Time one case, or say what is wrong with it."""
    calls = sides(case, case.make(np.random.default_rng(7), rows, np.dtype(dtype).type))
    value = calls["lossapi"]()
    for peer, call in calls.items():
        wrong = difference(value, call(), dtype)
        if wrong:
            return f"wrong against {peer}: {wrong}"
    turns = [{name: milliseconds(call) for name, call in calls.items()} for _ in range(repetitions + 1)][1:]
    return Timing(case.label, {name: [turn[name] for turn in turns] for name in calls})


def report(timings: Sequence[Timing]) -> None:
    """Print the rows and, for every peer, how we compare over all."""
    print(f"{'median ms':<36}{'lossapi':>9}" + "".join(f"{peer:>14}{'':9}" for peer in AIMS))
    for each in timings:
        line = f"{each.label:<36}{spread(each.turns['lossapi']).median:9.2f}"
        for peer in AIMS:
            there = peer in each.turns
            line += f"{spread(each.turns[peer]).median:14.2f}{each.ratio(peer):7.1f}× " if there else f"{'–':>14}{'':9}"
        print(line)
    for peer, aim in AIMS.items():
        found = sorted((each.ratio(peer), each.label) for each in timings if peer in each.turns)
        if found:
            slower = sum(ratio < 1.0 for ratio, _ in found)
            least = f"least {found[0][0]:.2f}× ({found[0][1]})"
            mean = geometric_mean([ratio for ratio, _ in found])
            print(f"{peer}: geometric mean {mean:.2f}×   aim ≥ {aim:g}×   {least}   {slower} slower of {len(found)}")


def table(rows: int, dtype: str, repetitions: int) -> int:
    """Run every case; how many numbers are wrong."""
    print(f"\nMetrics: {rows:,} rows, {CLASSES} classes, scores in {dtype}, {THREADS} threads, {repetitions} turns")
    timings, failures = [], 0
    for case in CASES:
        gc.collect()
        outcome = measure(case, rows, dtype, repetitions)
        if isinstance(outcome, Timing):
            timings.append(outcome)
        else:
            failures += 1
            print(f"{case.label:<36}{outcome}")
    report(timings)
    return failures


def main(*, quick: bool) -> int:
    """Both tables; 1 where a number is wrong."""
    torch.set_num_threads(THREADS)
    torch.set_default_dtype(torch.float64)
    rows, repetitions = (20_000, 2) if quick else (1_000_000, 7)
    print(", ".join(f"{each} {metadata.version(each)}" for each in ("numpy", "scikit-learn", "torchmetrics", "torch")))
    with torch.inference_mode():
        return min(sum(table(rows, dtype, repetitions) for dtype in ("float64", "float32")), 1)
