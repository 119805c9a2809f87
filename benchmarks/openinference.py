"""The Open Inference Protocol with binary tensors against the bare limit, and against the same numbers as JSON."""

import math
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median
from typing import Any

import numpy as np
import orjson

from benchmarks.servers import BARE, HOST, OURS, Server, only, running
from benchmarks.spread import ratios, spread

LIMIT = 120.0
PATHS = {"binary": "/v2/models/huber/infer", "JSON": "/v1/losses/huber"}
Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Posted:
    """One request to one server: what to call it, where it goes, and what it carries."""

    name: str
    server: Server
    path: str
    body: bytes
    headers: dict[str, str]
    value: Callable[[Any, bytes], float] | None


def pairs(count: int) -> dict[str, np.ndarray[Any, Any]]:
    """Predictions and targets in float32."""
    random = np.random.default_rng(7)
    return {name: random.normal(size=count).astype(np.float32) for name in ("prediction", "target")}


def binary_body(arrays: dict[str, np.ndarray[Any, Any]]) -> tuple[bytes, dict[str, str]]:
    """A request as Triton's client makes it: the header, then the tensors' bytes."""
    inputs = [
        {"name": name, "shape": [each.size], "datatype": "FP32", "parameters": {"binary_data_size": each.nbytes}}
        for name, each in arrays.items()
    ]
    header = orjson.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
    body = b"".join([header, *(each.tobytes() for each in arrays.values())])
    return body, {"Inference-Header-Content-Length": str(len(header))}


def json_body(arrays: dict[str, np.ndarray[Any, Any]]) -> bytes:
    """The same numbers as lists."""
    return orjson.dumps(arrays, option=orjson.OPT_SERIALIZE_NUMPY)


def binary_value(response: Any, reply: bytes) -> float:
    """The number in a reply whose header is followed by its eight bytes."""
    return float(np.frombuffer(reply[int(response.headers["Inference-Header-Content-Length"]) :], np.float64)[0])


def json_value(_response: Any, reply: bytes) -> float:
    """The number in a reply of JSON."""
    return float(orjson.loads(reply)["value"])


def timed(connection: HTTPConnection, posted: Posted) -> tuple[float, float | None]:
    """Seconds from the first byte out to the last byte in, and the number answered."""
    began = time.perf_counter()
    connection.request("POST", posted.path, posted.body, posted.headers)
    response = connection.getresponse()
    reply = response.read()
    seconds = time.perf_counter() - began
    if response.status != 200:
        raise RuntimeError(f"Expected 200, got {response.status} - from {posted.name}: {reply[:500]!r}")
    return seconds, posted.value and posted.value(response, reply)


def connected(server: Server) -> HTTPConnection:
    """A connection that sends at once."""
    connection = HTTPConnection(HOST, server.port, timeout=LIMIT)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def huber(arrays: dict[str, np.ndarray[Any, Any]]) -> float:
    """The mean huber loss, computed here."""
    error = np.abs(arrays["prediction"].astype(np.float64) - arrays["target"])
    near = np.minimum(error, 1.0)
    return float(np.mean(near * (error - 0.5 * near)))


def contenders(servers: Sequence[Server], count: int) -> tuple[list[Posted], float]:
    """What is posted with so many pairs, and the true value."""
    arrays = pairs(count)
    binary, headers = binary_body(arrays)
    posted = []
    for server in servers:
        if server.name == BARE.name:
            posted.append(Posted("bare, binary", server, PATHS["binary"], binary, headers, None))
        else:
            posted.append(Posted("binary", server, PATHS["binary"], binary, headers, binary_value))
            posted.append(Posted("JSON", server, PATHS["JSON"], json_body(arrays), {}, json_value))
    return posted, huber(arrays)


def measured(servers: Sequence[Server], count: int, rounds: int, repeats: int) -> Figures:
    """Milliseconds of each contender, round by round: the median of a few requests in a row."""
    posted, truth = contenders(servers, count)
    figures: Figures = {each.name: [] for each in posted}
    for turn in range(rounds + 1):
        for each in posted:
            with closing(connected(each.server)) as connection:
                times = [checked(connection, each, truth) * 1000 for _ in range(repeats)]
            if turn:
                figures[each.name].append(median(times))
    return figures


def checked(connection: HTTPConnection, posted: Posted, truth: float) -> float:
    """The seconds of one request; a wrong number is not timed."""
    seconds, value = timed(connection, posted)
    if value is not None and not math.isclose(value, truth, rel_tol=1e-5):
        raise RuntimeError(f"Expected {truth}, got {value} - from {posted.name}")
    return seconds


def show(title: str, figures: Figures, aim: str) -> None:
    """Print the figures, and how many times as long as its peers the binary request takes."""
    print(f"\n{title}")
    for name, values in figures.items():
        print(f"  {name:<18} {spread(values).text(2)} ms")
    if "binary" not in figures:
        return
    if "bare, binary" in figures:
        print(f"  binary / bare      {ratios(figures['binary'], figures['bare, binary']).text(2, '×')}   aim {aim}")
    print(f"  JSON / binary      {ratios(figures['JSON'], figures['binary']).text(2, '×')}")


def main(*, quick: bool) -> int:
    """Run all of it and print it; 1 where lossapi itself could not start."""
    able = only([OURS, BARE])
    with ExitStack() as stack:
        servers = [stack.enter_context(running(contender)) for contender in able]
        large = 400_000 if quick else 4_000_000
        figures = measured(servers, large, 3 if quick else 9, 1)
        show(f"Large requests to /v2: {large:,} pairs of float32, one at a time", figures, "≤ 1.6×")
        figures = measured(servers, 100, 3 if quick else 9, 50 if quick else 300)
        show("Small requests to /v2: 100 pairs of float32, one at a time", figures, "none: 0.2 ms or so more")
    return 0 if OURS in able else 1
