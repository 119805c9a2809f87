"""What holds under load: twice what saturates it, hours of a mixture, a restart. Tables, and a status of 1 where not.

`python -m benchmarks overload|soak|restart [--seconds N] [--quick]`
"""

import asyncio
import os
import random
import re
import signal
import time
from typing import Any

import numpy as np
import orjson

from benchmarks import overload
from benchmarks.asking import LOST, Connections, Seen, against, request, resident
from benchmarks.servers import HOST, OURS, Server, running
from lossapi.codecs import CODECS

SAFETENSORS = "application/vnd.safetensors"
PATH = "/v1/losses/mean_squared_error"
OK, FULL = 200, 503
BUGS, LATE = (LOST, 500, 501, 502), 504
"""Statuses that nobody is to see; over the last, none is."""
FLAT, WHILE, ROWS = 1.0, 10, 10
"""Most MiB a minute by which memory may grow; looks at it in a while; rows of a table of it."""


def small() -> bytes:
    """A hundred pairs in JSON."""
    return request(PATH, orjson.dumps({"prediction": [0.5] * 100, "target": [0.0] * 100}))


def large(elements: int = 1 << 20) -> bytes:
    """Pairs of float32 as bytes."""
    arrays = {name: np.ones(elements, np.float32) for name in ("prediction", "target")}
    return request(PATH, CODECS[SAFETENSORS].encode(arrays, "string", "base64"), SAFETENSORS)


def restart(seconds: float) -> int:
    """Clients with a standard retry, while workers are replaced, and one is killed."""
    os.environ |= {"LOSSAPI_WORKERS": "2", "LOSSAPI_LOG_LEVEL": "error"}
    with running(OURS) as server:
        counts = against(server.port, lambda each: _restart(server, each, seconds))
    print(f"answered {counts['answered']}, retried {counts['retried']}, failed {counts['failed']}")
    return 0 if counts["answered"] and not counts["failed"] else 1


async def _restart(server: Server, connections: Connections, seconds: float) -> dict[str, int]:
    counts, sent, end = {"answered": 0, "retried": 0, "failed": 0}, small(), time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            for attempt in range(4):
                if (await connections.ask(sent))[0] == OK:
                    counts["answered"] += 1
                    break
                counts["failed" if attempt == 3 else "retried"] += 1
                await asyncio.sleep(0.05 * 2**attempt)

    async def disturb() -> None:
        await asyncio.sleep(seconds / 5)
        os.kill(server.process, signal.SIGHUP)

    await asyncio.gather(*(client() for _ in range(3)), disturb())
    return counts


def soak(seconds: float) -> int:
    """Small, large, malformed, slow and leaving clients, for long: nothing leaks, sticks or is lost."""
    os.environ |= {"LOSSAPI_WORKERS": "1", "LOSSAPI_LOG_LEVEL": "error"}
    with running(OURS) as server:
        seen, memory, streams = against(server.port, lambda each: _soak(server, each, seconds))
        time.sleep(1)
        left = against(server.port, lambda each: each.ask(request("/metrics", b"", method="GET")))[1].decode()
    held = {line.split()[0]: float(line.split()[1]) for line in left.splitlines() if re.match(r"\w+_in_flight ", line)}
    slope = growth(memory[len(memory) // 2 :])
    bugs = sum(count for status, count in seen.statuses().items() if status in BUGS or status > LATE)
    busy = {name: each for name, each in held.items() if each}
    print(f"statuses {seen.statuses()}; streams {streams}")
    print("minute  MiB, least  most")
    for at in range(0, len(memory), part := -(-len(memory) // ROWS)):
        mib = [each for _, each in memory[at : at + part]]
        print(f"{memory[at][0] / 60:6.1f} {min(mib):11.0f} {max(mib):5.0f}")
    print(f"the least grew by {slope:+.2f} MiB a minute over the second half; in flight {busy}")
    kept = streams["acknowledged"] > 0 and not streams["lost"]
    return 0 if kept and not bugs and not busy and slope < FLAT else 1


def growth(memory: list[tuple[float, float]]) -> float:
    """MiB a minute by which what is kept grows: the least of each while, as bodies of megabytes come and go."""
    least = [min(memory[at : at + WHILE], key=lambda each: each[1]) for at in range(0, len(memory), WHILE)]
    return float(np.polyfit([at / 60 for at, _ in least], [mib for _, mib in least], 1)[0]) if len(least) > 2 else 0.0


async def _soak(server: Server, connections: Connections, seconds: float) -> tuple[Seen, Any, dict[str, int]]:
    seen, end, memory = Seen(), time.perf_counter() + seconds, []
    wrong = [request(PATH, each) for each in (b"", b"{", b'{"prediction": [1], "target": ["x"]}', b"\xff" * 64)]
    wrong += [request(PATH, b"\xff" * 64, SAFETENSORS), request("/v1/losses/nothing", b"{}")]

    async def over(sends: list[bytes], pause: float) -> None:
        while time.perf_counter() < end:
            await connections.timed(random.choice(sends), seen)
            await asyncio.sleep(pause)

    async def watch() -> None:
        began = time.perf_counter()
        while time.perf_counter() < end:
            memory.append((time.perf_counter() - began, resident(server.process)))
            await asyncio.sleep(0.5)

    loads = [over([small()], 0.0), over([large(1 << 16), large()], 0.02), over(wrong, 0.005)]
    streams = asyncio.create_task(batches(connections, end))
    await asyncio.gather(*loads, leaving(server.port, end), watch())
    return seen, memory, await streams


async def leaving(port: int, end: float) -> None:
    """Clients that send slowly, or half of it, and leave without a word."""
    whole = large()
    while time.perf_counter() < end:
        _, writer = await asyncio.open_connection(HOST, port)
        for start in range(0, random.choice([200, 2000, len(whole)]), 1 << 20):
            writer.write(whole[start : start + (1 << 20)])
            await asyncio.sleep(0.02)
        if random.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()
        await asyncio.sleep(0.01)


async def batches(connections: Connections, end: float) -> dict[str, int]:
    """Batches of a stream, some sent twice under one key: as many rows as were acknowledged are in it in the end."""
    made = await connections.ask(request("/v1/streams", orjson.dumps({"metrics": ["mean_squared_error"]})))
    if made[0] != 201:
        return {"acknowledged": 0, "lost": 0}
    name, acknowledged, number = orjson.loads(made[1])["id"], 0, 0
    body = orjson.dumps({"prediction": [1.0] * 10, "target": [0.0] * 10})
    while time.perf_counter() < end:
        number += 1
        sent = request(f"/v1/streams/{name}/batches", body, more=f"Idempotency-Key: {number}\r\n")
        status = LOST
        while status in (LOST, FULL):
            status, _ = await connections.ask(sent)
        if status < 300:
            acknowledged += 10
            if number % 7 == 0:
                await connections.ask(sent)
        await asyncio.sleep(0.01)
    told = await connections.ask(request(f"/v1/streams/{name}", b"", method="GET"))
    return {"acknowledged": acknowledged, "lost": acknowledged - orjson.loads(told[1])["count"]}


WORKS = {"overload": overload.overload, "restart": restart, "soak": soak}
LONG = {"overload": 20.0, "restart": 30.0, "soak": 600.0}


def main(what: str, *, seconds: float | None, quick: bool) -> int:
    """Run one of them."""
    return WORKS[what](seconds or (8.0 if quick else LONG[what]))
