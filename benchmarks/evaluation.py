"""One evaluation of twenty metrics against twenty calls: in one process, and over HTTP."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pybase64

from benchmarks.servers import OURS, Server, only, post, running
from benchmarks.spread import ratios, spread
from lossapi import engine, registry
from lossapi.evaluation import of_tensors

TWENTY = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "jaccard_index",
    "matthews_corrcoef",
    "cohen_kappa",
    "hamming_loss",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier_score",
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "r2",
    "explained_variance",
    "max_error",
)
AIM = "> 1"

Arrays = Mapping[str, Any]


def pairs(rows: int) -> dict[str, Any]:
    """Scores, and labels that follow them."""
    random = np.random.default_rng(7)
    score = random.random(rows)
    return {"prediction": score, "target": (random.random(rows) < score).astype(np.int64)}


def together(tensors: Arrays) -> list[float]:
    """The twenty values of one evaluation."""
    reply = of_tensors.evaluate({**tensors, "metrics": list(TWENTY)}, str)
    return [each["value"] for each in reply["results"]]


def apart(tensors: Arrays) -> list[float]:
    """The twenty values of twenty calls."""
    return [engine.compute(registry.get("metric", name), tensors).value for name in TWENTY]


def require_equal(one: Sequence[float], two: Sequence[float]) -> None:
    """Refuse to time what does not agree."""
    for name, a, b in zip(TWENTY, one, two, strict=True):
        if not math.isclose(a, b, rel_tol=1e-12):
            raise RuntimeError(f"Expected {b}, got {a} - from {name}")


def in_turns(one: Callable[[], float], two: Callable[[], float], rounds: int, title: str) -> None:
    """Time both sides by turns, after one round that is not counted, and print how many times as fast the first is."""
    figures = [(one(), two()) for _ in range(rounds + 1)][1:]
    mine, theirs = ([figure[side] * 1000 for figure in figures] for side in (0, 1))
    print(f"  {title:<34} {spread(mine).text(2)} ms, apart {spread(theirs).text(2)} ms", end="")
    print(f"   {ratios(theirs, mine).text(2, '×')}   aim {AIM}")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """The seconds that some work takes."""

    def seconds() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return seconds


def in_process(sizes: Sequence[int], rounds: int) -> None:
    """Both ways on the same arrays."""
    print(f"\nEvaluation: {len(TWENTY)} metrics in one call, and in as many; in one process")
    for rows in sizes:
        tensors = pairs(rows)
        require_equal(together(tensors), apart(tensors))
        in_turns(timed(partial(together, tensors)), timed(partial(apart, tensors)), rounds, f"{rows:,} rows")


def as_json(tensors: Arrays) -> dict[str, Any]:
    """Tensors in base64."""
    return {
        name: {"dtype": each.dtype.name, "shape": list(each.shape), "data": pybase64.b64encode(each).decode()}
        for name, each in tensors.items()
    }


def over_http(server: Server, sizes: Sequence[int], rounds: int) -> None:
    """Both ways with the tensors in base64, one request at a time on fresh connections."""
    print(f"\nEvaluation: {len(TWENTY)} metrics in one request, and in as many; over HTTP, tensors in base64")
    for rows in sizes:
        tensors = as_json(pairs(rows))
        one = json.dumps({**tensors, "metrics": TWENTY}).encode()
        each = json.dumps(tensors).encode()
        results = json.loads(post(server.port, "/v1/evaluate", one)[1])["results"]
        singles = [json.loads(post(server.port, f"/v1/metrics/{name}", each)[1])["value"] for name in TWENTY]
        require_equal([result["value"] for result in results], singles)

        def asked_once(body: bytes = one) -> float:
            return post(server.port, "/v1/evaluate", body)[0]

        def asked_apart(body: bytes = each) -> float:
            return sum(post(server.port, f"/v1/metrics/{name}", body)[0] for name in TWENTY)

        in_turns(asked_once, asked_apart, rounds, f"{rows:,} rows ({len(each):,} bytes)")


def main(*, quick: bool) -> int:
    """Run both and print them; 1 where lossapi itself could not start."""
    sizes, rounds = ((100, 10_000), 3) if quick else ((100, 10_000, 1_000_000), 7)
    in_process(sizes, rounds)
    if not only([OURS]):
        return 1
    with running(OURS) as server:
        over_http(server, sizes, rounds)
    return 0
