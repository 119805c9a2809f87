"""What a large request takes at its peak: a server of its own is watched from outside."""

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from lossapi.codecs import CODECS
from tests.test_command import wait_for

JSON, SAFETENSORS, NPZ, MSGPACK = CODECS
MOST = 2.5
ELEMENTS = 2**21
REQUEST = dict(zip(("prediction", "target"), np.random.default_rng(0).normal(size=(2, ELEMENTS)), strict=True))

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the peak")


class Server:
    """A running server and what the system says of its memory."""

    def __init__(self, client: httpx.Client, process: int) -> None:
        self.client = client
        self.status = Path(f"/proc/{process}/status")
        self.peak = Path(f"/proc/{process}/clear_refs")

    def ask(self, media_type: str, body: bytes, coding: str = "identity") -> float:
        """The peak that one request brings, as a multiple of its body."""
        self.peak.write_text("5")
        before = self._kib("VmRSS")
        headers = {"Content-Type": media_type, "Content-Encoding": coding}
        reply = self.client.post("/v1/losses/mean_squared_error", content=body, headers=headers)
        assert reply.json()["value"] == pytest.approx(2.0, rel=0.01)
        return (self._kib("VmHWM") - before) * 1024 / len(body)

    def _kib(self, name: str) -> int:
        return int(self.status.read_text().split(f"{name}:")[1].split()[0])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that has computed before, so that what it loads once is loaded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "lossapi", "serve", "--port", str(port)]
    root = Path(__file__).parent.parent.parent
    process = subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            started = Server(client, process.pid)
            started.ask(SAFETENSORS, CODECS[SAFETENSORS].encode(REQUEST, "string", "list"))
            yield started
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize(
    ("media_type", "fold", "coding"),
    [
        (SAFETENSORS, bytes, "identity"),
        (NPZ, bytes, "identity"),
        (MSGPACK, bytes, "identity"),
        (JSON, bytes, "identity"),
        (SAFETENSORS, lambda body: gzip.compress(body, 1), "gzip"),
    ],
)
def test_a_large_request_takes_at_most_two_and_a_half_times_its_body(
    server: Server, media_type: str, fold: Callable[[bytes], bytes], coding: str
) -> None:
    body = fold(CODECS[media_type].encode(REQUEST, "string", "base64"))
    assert server.ask(media_type, body, coding) < MOST


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(-1,), (-1, 8)])
def test_a_list_of_numbers_takes_no_more(server: Server, dtype: type, shape: tuple[int, ...]) -> None:
    request = {name: array.astype(dtype).reshape(shape) for name, array in REQUEST.items()}
    assert server.ask(JSON, CODECS[JSON].encode(request, "string", "list")) < MOST


def test_a_list_that_only_a_parser_reads_takes_more_which_the_watch_sees(server: Server) -> None:
    few = {name: array[: ELEMENTS // 4].tolist() for name, array in REQUEST.items()}
    body = CODECS[JSON].encode({"backend": "numpy", **few}, "string", "list").replace(b"backend", b"back\\u0065nd")
    assert server.ask(JSON, body) > MOST
