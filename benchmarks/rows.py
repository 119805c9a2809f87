"""A hundred million rows through parts, in the room of one: the peak of memory after the first and after the last."""

import resource
import time

import numpy as np

from lossapi import panel, table_evaluation
from lossapi.items import read_items

ASKED = {
    "losses": ["huber", "binary_cross_entropy"],
    "metrics": ["accuracy", "recall", "mean_absolute_error", "mean_squared_error", "r2"],
}
PART = 1 << 20
MEBIBYTE = 1 << 10
"""What the peak is counted in comes in KiB."""


def peak() -> float:
    """The most memory that the process had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE


def main(*, quick: bool) -> int:
    """Fold all parts and print the values and the peaks; 1 where memory grew with the rows."""
    rows = 10**7 if quick else 10**8
    items = read_items(ASKED)
    fold, random = table_evaluation.Fold(), np.random.default_rng(7)
    print(f"\nRows: {rows:,} in parts of {PART:,}; {', '.join(item.label for item in items)}")
    first, began = 0.0, time.perf_counter()
    while fold.rows < rows:
        count = min(PART, rows - fold.rows)
        score = random.random(count)
        label = (random.random(count) < score).astype(np.int64)
        fold.add(panel.fold(items, {"prediction": score, "target": label}), count)
        first = first if fold.rows > 2 * PART else peak()
    seconds, last = time.perf_counter() - began, peak()
    for each in panel.read(fold.whole(items)):
        print(f"  {each.item.label:<24} {each.value:.6f} of {each.count:,}")
    print(
        f"  {seconds:.1f} s with drawing; peak {first:.0f} MiB after two parts, {last:.0f} MiB after all   aim: no more"
    )
    return int(last > 1.2 * first)
