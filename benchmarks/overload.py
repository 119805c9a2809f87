"""Twice the load that saturates the server: what is let in is to be answered as ever, the rest to be refused at once.

One client, one mixture and one kind of arrival (at random) throughout: at a tenth of the rate that saturates, which is
the unloaded time, and at twice that rate. The server has all cores but the last, which is the client's. By default it
is patient: clients that wait for their answers are all let in, however many. A short lag puts latency first.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from benchmarks.asking import quantile, request, resident
from benchmarks.offering import Offered, cores, offered
from benchmarks.servers import OURS, Contender, Server, running
from lossapi.codecs import CODECS

SAFETENSORS = "application/vnd.safetensors"
OK, FULL = 200, 503
AS_FAST, AT_ONCE, GROWTH, LATE = 3.0, 0.050, 0.1, 0.5
"""Most times the unloaded p99 that what is let in takes; most seconds of a refusal; the share that memory may grow by;
the share of the p99 that may be the client's own."""
TENTH, TWICE, BURST = 0.1, 2.0, 1.0
CLIENTS, LINES = 256, 512
PATIENT = Contender("by default", OURS.command, {"LOSSAPI_LOG_LEVEL": "error"})
SWIFT = Contender("with LOSSAPI_LAG=0.001", OURS.command, {"LOSSAPI_LOG_LEVEL": "error", "LOSSAPI_LAG": "0.001"})
HEAD = (
    "load     full/s | unloaded p50      p99 | let in/s      p50       p99  ratio | refused/s      p99"
    " | other  late p99  MiB before, after"
)


@dataclass(frozen=True)
class Kind:
    """Requests of one kind, and how many at once saturate a core."""

    name: str
    sends: tuple[bytes, ...]
    lines: int


def arrays(path: str, **tensors: Any) -> bytes:
    """A request with arrays as bytes."""
    return request(path, CODECS[SAFETENSORS].encode(tensors, "string", "base64"), SAFETENSORS)


def kinds() -> list[Kind]:
    """What the event loop computes at once; what keeps a thread for long; what brings megabytes to one."""
    pairs = [orjson.dumps({"prediction": [0.5] * size, "target": [0.0] * size}) for size in (50, 100, 150)]
    small = [request(f"/v1/losses/{name}", each) for name in ("mean_squared_error", "huber") for each in pairs]
    rows = np.random.default_rng(0).standard_normal((512, 32)).astype(np.float32)
    heavy = arrays("/v1/losses/ntxent", embedding=rows, label=np.arange(512) // 2)
    ones = np.ones(1 << 16, np.float32)
    large = arrays("/v1/losses/mean_squared_error", prediction=ones, target=ones)
    return [Kind("small", tuple(small), 8), Kind("heavy", (heavy,), 4), Kind("large", (large,), 4)]


def overload(seconds: float) -> int:
    """Clients that wait, by default; then the table of each kind where latency comes first."""
    small, *_ = each = kinds()
    with started(PATIENT) as (server, _):
        held = waited_for(server, small, seconds)
    print(f"{SWIFT.name}:\n{HEAD}")
    for kind in each:
        with started(SWIFT) as (server, count):
            held = measured(server, kind, count, seconds) and held
    return 0 if held else 1


@contextmanager
def started(contender: Contender) -> Iterator[tuple[Server, int]]:
    """A server on its cores, and how many those are; this thread is on the last."""
    with cores(server=True) as count, running(contender) as server, cores(server=False):
        yield server, count


def waited_for(server: Server, kind: Kind, seconds: float) -> bool:
    """Many clients that ask again when they have their answers; whether all were let in."""
    seen = offered(server.port, kind.sends, math.inf, seconds, lines=CLIENTS)
    times, others = seen.seconds(OK), len(seen.replies) - len(seen.seconds(OK))
    print(
        f"{PATIENT.name}, {CLIENTS} clients that wait for their answers, {kind.name}: {len(times) / seconds:.0f}/s,"
        f" p50 {1e3 * quantile(times, 0.5):.0f} ms, p99 {1e3 * quantile(times, 0.99):.0f} ms, {others} not let in"
    )
    return not others


def measured(server: Server, kind: Kind, count: int, seconds: float) -> bool:
    """Saturated, unloaded, and at twice the rate that saturates."""

    def offer(rate: float, seconds: float, lines: int = LINES, burst: float = 0.0) -> Offered:
        return offered(server.port, kind.sends, rate, seconds, lines=lines, burst=burst)

    offer(math.inf, seconds / 8, lines=kind.lines * count)
    rate = len(offer(math.inf, seconds / 4, lines=kind.lines * count).seconds(OK)) / (seconds / 4)
    alone = offer(TENTH * rate, seconds).seconds(OK)
    offer(TWICE * rate, seconds / 4)
    before = resident(server.process)
    seen = offer(TWICE * rate, seconds, burst=BURST)
    return told(kind, seconds, rate, alone, seen, (before, resident(server.process)))


def told(
    kind: Kind, seconds: float, rate: float, alone: list[float], seen: Offered, memory: tuple[float, float]
) -> bool:
    """Print a row; whether it is as it should be."""
    let_in, refused, late = seen.seconds(OK), seen.seconds(FULL), quantile(sorted(seen.late), 0.99)
    other = len(seen.replies) - len(let_in) - len(refused)
    unloaded, loaded, refusal = quantile(alone, 0.99), quantile(let_in, 0.99), quantile(refused, 0.99)
    print(
        f"{kind.name:6} {rate:8.0f} | {1e3 * quantile(alone, 0.5):9.2f} {1e3 * unloaded:8.2f} ms"
        f" | {len(let_in) / seconds:8.0f} {1e3 * quantile(let_in, 0.5):8.2f} {1e3 * loaded:6.2f} ms"
        f" {loaded / unloaded:6.2f} | {len(refused) / seconds:9.0f} {1e3 * refusal:5.2f} ms"
        f" | {other:5} {1e3 * late:6.2f} ms {memory[0]:10.0f}, {memory[1]:.0f}",
        flush=True,
    )
    if late > LATE * loaded:
        print("  the client was late: its machine is too busy for these figures")
    at_once = not refused or refusal <= AT_ONCE
    return loaded <= AS_FAST * unloaded and at_once and not other and memory[1] <= memory[0] * (1 + GROWTH)
