"""A hundred million rows that never exist together: made a chunk at a time, merged as states, the peak of memory."""

import math
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import metric_inputs as inputs
from benchmarks.metric_inputs import Arrays, Maker
from lossapi import portable, registry
from lossapi.engine import compute

CHUNK = 1 << 20
MIB = 1 << (20 if sys.platform == "darwin" else 10)
"""What `getrusage` counts in, kilobytes or bytes, to a MiB."""
GROWTH = 16.0
"""MiB that the peak may rise by after the first tenth of the rows: what the allocator keeps, and no more."""


@dataclass(frozen=True)
class Case:
    """One metric and its rows."""

    name: str
    make: Maker
    parameters: Mapping[str, Any] = field(default_factory=dict)


CASES = [
    Case("mean_squared_error", inputs.numbers),
    Case("f1", inputs.labels, {"average": "macro", "num_classes": inputs.CLASSES}),
    Case("binned_roc_auc", inputs.chances),
]


def peak() -> float:
    """The most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def rows_of(case: Case, chunk: int, rows: int) -> Arrays:
    """The rows of one chunk, from a seed of its own."""
    return case.make(np.random.default_rng([7, chunk]), rows, np.float64)


def run(case: Case, rows: int) -> bool:
    """Fold all chunks into one state and print what it took; whether the memory was constant."""
    definition = registry.get("metric", case.name)
    state: portable.Portable | None = None
    spent, early = 0.0, math.nan
    for chunk, start in enumerate(range(0, rows, CHUNK)):
        arrays = rows_of(case, chunk, min(CHUNK, rows - start))
        began = time.perf_counter()
        found = compute(definition, arrays, case.parameters, returns=("state",)).state
        part = portable.unpack(found)
        state = part if state is None else portable.merge([state, part])
        spent += time.perf_counter() - began
        if start <= max(rows // 10, 2 * CHUNK):
            early = peak()
    assert state is not None
    value, count = state.read()
    late = peak()
    speed = rows / spent / 1e6
    print(f"{case.name:<24}{float(value):12.6f}{count:14,}{speed:12.1f}{early:12.0f}{late:10.0f}")
    return late - early <= GROWTH


def main(*, quick: bool) -> int:
    """Every case; 1 where memory grew with the rows."""
    rows = 4_000_000 if quick else 100_000_000
    print(f"\nChunks: {rows:,} rows, {CHUNK:,} at a time, made from seeds as they are needed")
    print(f"{'':<24}{'value':>12}{'rows':>14}{'M rows/s':>12}{'MiB at 1/10':>12}{'at last':>10}")
    return min(sum(not run(case, rows) for case in CASES), 1)
