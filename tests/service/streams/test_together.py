"""Many at once, and again: nothing is lost, nothing is counted twice."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.settings import Settings
from service.stores import open_store
from tests.service.live import serving
from tests.service.redis_server import free_port, redis_server
from tests.service.streams.asking import computed, created, read, rows, sent, values
from tests.service.streams.conftest import Clock

ROOT = Path(__file__).parents[3]
DAY = 86_400.0


@contextmanager
def started(store: str, workers: int = 1) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A server of its own process group, and a client of it."""
    port = free_port()
    environment = {"LOSSAPI_STORE": store, "LOSSAPI_PORT": str(port), "LOSSAPI_WORKERS": str(workers)}
    server = subprocess.Popen(
        [sys.executable, "-m", "lossapi", "serve"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LOSSAPI_LOG_LEVEL": "warning", **environment},
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while not is_ready(client):
                assert server.poll() is None, "the server ended at its start"
                time.sleep(0.05)
            yield client, server
    finally:
        killed(server)


def is_ready(client: httpx.Client) -> bool:
    """Whether the server answers."""
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def killed(server: subprocess.Popen[bytes]) -> None:
    """The server and its workers, ended without a word."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def test_a_key_makes_a_retry_count_once(server: httpx.Client) -> None:
    identity = created(server)
    first = sent(server, identity, rows(slice(0, 10)), key="a")
    sent(server, identity, rows(slice(10, 20)))
    headers = {"Idempotency-Key": "a"}
    again = server.post(f"/v1/streams/{identity}/batches", json=rows(slice(0, 10)), headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert (first["count"], again.json()["count"], again.json()["batches"]) == (10, 20, 2)


def test_a_key_with_another_payload_is_refused(server: httpx.Client) -> None:
    identity = created(server)
    sent(server, identity, rows(slice(0, 10)), key="a")
    before = read(server, identity)
    headers = {"Idempotency-Key": "a"}
    reply = server.post(f"/v1/streams/{identity}/batches", json=rows(slice(0, 11)), headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (422, "idempotency")
    assert read(server, identity) == before
    assert server.get("/errors/idempotency").json()["status"] == 422


def test_a_refused_batch_does_not_use_its_key_up(server: httpx.Client) -> None:
    identity = created(server)
    sent(server, identity, rows(slice(0, 10)))
    headers = {"Idempotency-Key": "a"}
    for batch, status in (({"prediction": [1.0]}, 422), ({"prediction": [[1.0, 2.0]], "target": [[1.0, 2.0]]}, 409)):
        assert server.post(f"/v1/streams/{identity}/batches", json=batch, headers=headers).status_code == status
    assert sent(server, identity, rows(slice(10, 20)), key="a")["count"] == 20


def test_a_key_is_forgotten_after_a_day(server: httpx.Client, clock: Clock) -> None:
    identity = created(server)
    sent(server, identity, rows(slice(0, 10)), key="a")
    clock.pass_by(DAY - 1)
    assert sent(server, identity, rows(slice(0, 10)), key="a")["count"] == 10
    clock.pass_by(1)
    assert sent(server, identity, rows(slice(0, 10)), key="a")["count"] == 20


def test_a_key_is_one_streams_own_and_survives_a_reset(server: httpx.Client) -> None:
    one, two = created(server), created(server)
    for identity in (one, two):
        assert sent(server, identity, rows(slice(0, 10)), key="a")["count"] == 10
    server.post(f"/v1/streams/{one}/reset")
    assert sent(server, one, rows(slice(0, 10)), key="a")["count"] == 0


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_what_is_no_key_is_refused(client: httpx.Client, key: str) -> None:
    headers = {"Idempotency-Key": key}
    reply = client.post(f"/v1/streams/{created(client)}/batches", json=rows(slice(0, 1)), headers=headers)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


def retried(client: httpx.Client, identity: str, times: int) -> list[int]:
    """Each of sixty rows, sent so many times under its own key by several threads."""

    def send(row: int) -> int:
        count: int = sent(client, identity, rows(slice(row, row + 1)), key=str(row))["count"]
        return count

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, [row for row in range(60) for _ in range(times)]))


def test_threads_at_once_lose_nothing_and_repeat_nothing(server: httpx.Client) -> None:
    identity = created(server)
    counts = retried(server, identity, 3)
    shown = read(server, identity)
    assert (shown["count"], shown["batches"], max(counts)) == (60, 60, 60)
    assert values(shown) == pytest.approx(computed(server), rel=1e-12)
    assert len(read(server, identity, "/history")["series"][0]["points"]) == 60


def test_worker_processes_share_a_stream(shared_address: str) -> None:
    with started(shared_address, workers=3) as (client, _):
        identity = created(client)
        retried(client, identity, 2)
        everywhere = [read(client, identity) for _ in range(12)]
        assert all(each == everywhere[0] for each in everywhere)
        assert (everywhere[0]["count"], everywhere[0]["batches"]) == (60, 60)
        assert values(everywhere[0]) == pytest.approx(computed(client), rel=1e-12)


def test_a_server_that_is_killed_has_lost_nothing_that_it_answered(shared_address: str) -> None:
    answered: list[int] = []
    with started(shared_address, workers=2) as (client, server):
        identity = created(client, losses=[{"name": "mean_absolute_error", "reduction": "sum"}])
        path = f"/v1/streams/{identity}/batches"

        def send(number: int) -> None:
            batch = {"prediction": [float(2**number)], "target": [0.0]}
            try:
                reply = client.post(path, json=batch, headers={"Idempotency-Key": str(number)})
            except httpx.TransportError:
                return
            assert reply.status_code == 200
            answered.append(number)
            if len(answered) == 15:
                killed(server)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(send, range(50)))
    assert 15 <= len(answered) < 50
    with started(shared_address) as (client, _):
        (total,) = values(read(client, identity)).values()
        assert all(int(total) >> number & 1 for number in answered)
        for number in range(50):
            sent(client, identity, {"prediction": [float(2**number)], "target": [0.0]}, key=str(number))
        assert values(read(client, identity)) == {"mean_absolute_error": 2.0**50 - 1}


def test_a_stream_outlives_its_server(shared_address: str) -> None:
    def served(call: Any) -> Any:
        with serving(create_app(Settings(store=shared_address))) as client:
            return call(client)

    window = {"window": {"rows": 20}, "losses": ["huber"]}
    identity = served(lambda client: created(client, **window))
    for start in range(0, 60, 12):
        last = served(lambda client, start=start: sent(client, identity, rows(slice(start, start + 12))))
    assert served(lambda client: read(client, identity)) == last
    expected = served(lambda client: computed(client, slice(40, 60)))["huber"]
    assert values(last) == {"huber": pytest.approx(expected, rel=1e-12)}


def test_a_redis_that_comes_back_goes_on_where_it_was(tmp_path: Path) -> None:
    port = free_port()
    with serving(create_app(Settings(store=f"redis://127.0.0.1:{port}/0"))) as client:
        with redis_server(tmp_path, port):
            identity = created(client)
            sent(client, identity, rows(slice(0, 10)), key="a")
        headers = {"Idempotency-Key": "b"}
        reply = client.post(f"/v1/streams/{identity}/batches", json=rows(slice(10, 20)), headers=headers)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert client.get(f"/v1/streams/{identity}").status_code == 503
        with redis_server(tmp_path, port):
            assert sent(client, identity, rows(slice(10, 20)), key="b")["count"] == 20
            assert sent(client, identity, rows(slice(0, 10)), key="a")["count"] == 20


def test_what_has_expired_is_swept_away(shared_address: str, clock: Clock) -> None:
    store = open_store(shared_address)
    with serving(create_app(Settings(store=shared_address), clock)) as client:
        short, long = created(client, losses=["huber"], ttl=10), created(client, losses=["huber"])
        sent(client, short, rows(slice(0, 5)))
        assert store.read(short, 0, 0) is not None
        clock.pass_by(61)
        others = [created(client, losses=["huber"]) for _ in range(30)]
        for identity in (long, *others):
            sent(client, identity, rows(slice(0, 5)))
    assert store.read(short, 0, 0) is None
    assert store.read(long, 0, 0) is not None
    store.close()


def test_large_entries_become_a_snapshot_that_is_read_again(shared_address: str) -> None:
    window = {"losses": ["huber"], "window": {"rows": 5000}}
    batch = {"prediction": [row / 3000 for row in range(3000)], "target": [0.0] * 3000}
    store = open_store(shared_address)
    with serving(create_app(Settings(store=shared_address))) as client:
        identity = created(client, **window)
        for _ in range(4):
            last = sent(client, identity, batch)
        tail = store.read(identity, 0, 0)
    store.close()
    assert tail is not None
    assert (tail.last, tail.base >= 2, tail.snapshot is not None) == (4, True, True)
    with serving(create_app(Settings(store=shared_address))) as client:
        assert read(client, identity) == last
        again = sent(client, identity, batch)
        whole = {name: [*batch[name][-2000:], *batch[name]] for name in batch}
        expected = client.post("/v1/losses/huber", json=whole).json()["value"]
        assert values(again)["huber"] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 60), max_size=8).map(sorted), merged=st.booleans())
def test_a_stream_of_batches_is_the_whole(client: httpx.Client, cuts: list[int], merged: bool) -> None:
    identity, other = created(client), created(client)
    edges = [0, *cuts, 60]
    for index, (start, end) in enumerate(itertools.pairwise(edges)):
        if start < end:
            sent(client, other if merged and index % 2 else identity, rows(slice(start, end)))
    client.post(f"/v1/streams/{identity}/merge", json=read(client, other, "/state"))
    shown = read(client, identity)
    assert shown["count"] == 60
    assert values(shown) == pytest.approx(computed(client), rel=1e-12)
