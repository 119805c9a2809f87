"""lossapi over HTTP against a plain FastAPI service with torch and against the bare limit."""

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from benchmarks.load import CONNECTIONS, generator, load
from benchmarks.servers import BARE, OURS, PLAIN, Contender, Server, only, post, running, timed_import
from benchmarks.spread import ratios, spread

PATH = "/v1/losses/huber"
Figures = dict[str, list[float]]


def body(pairs: int) -> bytes:
    """A huber request of so many pairs, floats written with all their digits."""
    random = np.random.default_rng(7)
    tensors = {name: random.normal(size=pairs).tolist() for name in ("prediction", "target")}
    return json.dumps({**tensors, "delta": 1.0}).encode()


def expected(request: bytes) -> float:
    """The mean huber loss of a request, computed here."""
    tensors = json.loads(request)
    error = np.abs(np.asarray(tensors["prediction"]) - np.asarray(tensors["target"]))
    near = np.minimum(error, tensors["delta"])
    return float(np.mean(0.5 * near * near + tensors["delta"] * (error - near)))


def check(server: Server, reply: bytes, truth: float) -> None:
    """Refuse to time a server that answers a wrong number."""
    value = json.loads(reply)["value"]
    if server.name != BARE.name and not math.isclose(value, truth, rel_tol=1e-4):
        raise RuntimeError(f"Expected {truth}, got {value} - from {server.name}")


def against(figures: Figures, peer: str, aim: str, *, faster_is_less: bool) -> None:
    """Print how many times as fast as a peer we are, round by round."""
    if OURS.name not in figures or peer not in figures:
        return
    mine, theirs = figures[OURS.name], figures[peer]
    ratio = ratios(theirs, mine) if faster_is_less else ratios(mine, theirs)
    print(f"  {OURS.name} / {peer:<8} {ratio.text(2, '×')}   aim {aim}")


def small_requests(servers: Sequence[Server], rounds: int, seconds: float, count: int) -> None:
    """Requests per second with 100 pairs a request, servers taking turns."""
    request = body(100)
    truth = expected(request)
    figures: Figures = {server.name: [] for server in servers}
    size = f"100 pairs of JSON ({len(request):,} bytes)"
    print(f"\nSmall requests: {size}, {CONNECTIONS} connections, {generator()}")
    costs: Figures = {server.name: [] for server in servers}
    for server in servers:
        check(server, post(server.port, PATH, request)[1], truth)
        server.settle()
        load(server.port, PATH, request, 1.0, count // 4)
    for _ in range(rounds):
        for server in servers:
            before = server.cpu_seconds()
            done = load(server.port, PATH, request, seconds, count)
            figures[server.name].append(done.rate)
            costs[server.name].append((server.cpu_seconds() - before) / done.requests * 1e6)
    for name, values in figures.items():
        print(f"  {name:<18} {spread(values).text(0)} requests/s")
    against(figures, PLAIN.name, "≥ 2.5×", faster_is_less=False)
    against(figures, BARE.name, "≥ 0.25×", faster_is_less=False)
    print("  by the processor time that a request costs the server, which a busy machine disturbs less:")
    for name, values in costs.items():
        print(f"  {name:<18} {spread(values).text(0)} µs/request")
    against(costs, PLAIN.name, "≥ 2.5×", faster_is_less=True)
    against(costs, BARE.name, "≥ 0.25×", faster_is_less=True)


def large_requests(servers: Sequence[Server], rounds: int, pairs: int) -> None:
    """Latency of one large request at a time, servers taking turns."""
    request = body(pairs)
    truth = expected(request)
    figures: Figures = {server.name: [] for server in servers}
    print(f"\nLarge requests: {pairs:,} pairs of JSON ({len(request) / 1e6:.1f} MB), one at a time")
    for turn in range(rounds + 1):
        for server in servers:
            elapsed, reply = post(server.port, PATH, request)
            check(server, reply, truth)
            if turn:
                figures[server.name].append(elapsed * 1000)
    for name, values in figures.items():
        print(f"  {name:<18} {spread(values).text(0)} ms")
    against(figures, PLAIN.name, "≥ 3×", faster_is_less=True)
    against(figures, BARE.name, "none: the time to move the bytes", faster_is_less=True)


def cold_starts(contenders: Sequence[Contender], rounds: int) -> None:
    """Time from exec to the first 200 on the readiness endpoint, files already in the page cache."""
    figures: Figures = {contender.name: [] for contender in contenders}
    print("\nCold start: from exec to the first 200 on /health/ready")
    for _ in range(rounds):
        for contender in contenders:
            with running(contender) as server:
                figures[server.name].append(server.seconds)
    for name, values in figures.items():
        aim = "   aim < 2 s" if name == OURS.name else ""
        print(f"  {name:<18} {spread(values).text(2)} s{aim}")


def imports(modules: Sequence[str], rounds: int) -> None:
    """Import time in a fresh interpreter."""
    figures: Figures = {module: [] for module in modules}
    print("\nImport: in a fresh interpreter")
    for _ in range(rounds):
        for module in modules:
            figures[module].append(timed_import(module))
    for name, values in figures.items():
        print(f"  import {name:<11} {spread(values).text(3)} s")


def main(*, quick: bool) -> int:
    """Run all of it and print it; 1 where lossapi itself could not start."""
    contenders = only([OURS, PLAIN, BARE])
    with ExitStack() as stack:
        servers = [stack.enter_context(running(contender)) for contender in contenders]
        small_requests(servers, 2 if quick else 5, 1.0 if quick else 4.0, 2_000 if quick else 12_000)
        large_requests(servers, 3 if quick else 7, 100_000 if quick else 1_000_000)
    cold_starts(contenders, 2 if quick else 5)
    modules = ["lossapi", "numpy", "torch"] if OURS in contenders else ["numpy", "torch"]
    imports(modules, 2 if quick else 5)
    return 0 if OURS in contenders else 1
