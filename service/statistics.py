"""How often each model was asked, and what took how long: counts and nanoseconds, added up since the start.

They are those of one server process, and are written by its event loop alone.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lossapi.definition import Definition
from lossapi.models import VERSION

MOST_SIZES = 64
"""Batch sizes told apart; those met later are rounded up to powers of two."""


class Stages(NamedTuple):
    """The nanoseconds of one request: waiting, reading its tensors, computing, writing the reply."""

    queue: int
    compute_input: int
    compute_infer: int
    compute_output: int


@dataclass
class Duration:
    """How many, and how long together."""

    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        """One more."""
        self.count += 1
        self.ns += ns

    def shown(self) -> dict[str, int]:
        """As it is sent."""
        return {"count": self.count, "ns": self.ns}


INFERENCE = ("success", "fail", *Stages._fields, "cache_hit", "cache_miss")
BATCH = Stages._fields[1:]


def durations(names: tuple[str, ...]) -> dict[str, Duration]:
    """One of nothing for each name."""
    return {name: Duration() for name in names}


@dataclass
class Record:
    """What is known of one model."""

    last_inference: int = 0
    inferences: int = 0
    inference: dict[str, Duration] = field(default_factory=lambda: durations(INFERENCE))
    batches: dict[int, dict[str, Duration]] = field(default_factory=dict)

    def succeeded(self, batch: int, took: int, stages: Stages) -> None:
        """One more request answered, of so many rows."""
        self.last_inference = time.time_ns() // 1_000_000
        self.inferences += batch
        self.inference["success"].add(took)
        size = batch if batch in self.batches or len(self.batches) < MOST_SIZES else 1 << (batch - 1).bit_length()
        by_size = self.batches.get(size) or self.batches.setdefault(size, durations(BATCH))
        for name, ns in zip(Stages._fields, stages, strict=True):
            self.inference[name].add(ns)
            if name in by_size:
                by_size[name].add(ns)

    def failed(self, took: int) -> None:
        """One more request that was refused, or met an error."""
        self.inference["fail"].add(took)

    def shown(self, name: str) -> dict[str, Any]:
        """As it is sent; each request is one execution."""
        return {
            "name": name,
            "version": VERSION,
            "last_inference": self.last_inference,
            "inference_count": self.inferences,
            "execution_count": self.inference["success"].count,
            "inference_stats": shown(self.inference),
            "response_stats": {},
            "batch_stats": [{"batch_size": size, **shown(each)} for size, each in sorted(self.batches.items())],
            "memory_usage": [],
        }


def shown(named: Mapping[str, Duration]) -> dict[str, dict[str, int]]:
    """Durations by name, as they are sent."""
    return {name: each.shown() for name, each in named.items()}


class Statistics:
    """The records of all models."""

    def __init__(self) -> None:
        self.records: defaultdict[Definition, Record] = defaultdict(Record)

    def of(self, definition: Definition) -> Record:
        """The record of one model."""
        return self.records[definition]

    def shown(self, chosen: Mapping[str, Definition]) -> dict[str, Any]:
        """Those of some models, by the names that they were asked for under."""
        return {"model_stats": [self.of(definition).shown(name) for name, definition in chosen.items()]}
