"""Requests per second over keep-alive connections: wrk where it is installed, else sockets and a selector."""

import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import HOST

CONNECTIONS = 4
LIMIT = 120.0
WRK_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{path}", "rb")
wrk.body = file:read("*a")
file:close()
"""


def generator() -> str:
    """The load generator in use here."""
    return "wrk" if shutil.which("wrk") else "sockets"


@dataclass(frozen=True)
class Load:
    """How many requests were answered, and how many a second."""

    requests: int
    rate: float


def load(port: int, path: str, body: bytes, seconds: float, count: int) -> Load:
    """Load a server: wrk for so many seconds, or so many requests over sockets."""
    if generator() == "wrk":
        return wrk_load(port, path, body, seconds)
    return socket_load(port, path, body, count)


def wrk_load(port: int, path: str, body: bytes, seconds: float) -> Load:
    """Let wrk post the body over and over from one thread."""
    with tempfile.TemporaryDirectory() as folder:
        payload, script = Path(folder, "body.json"), Path(folder, "post.lua")
        payload.write_bytes(body)
        script.write_text(WRK_SCRIPT.format(path=payload))
        url = f"http://{HOST}:{port}{path}"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script), url]
        text = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True).stdout
    found = re.search(r"(\d+) requests in .*Requests/sec:\s*([\d.]+)", text, re.DOTALL)
    if found is None or "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"wrk met errors:\n{text}")
    return Load(int(found[1]), float(found[2]))


@dataclass
class Line:
    """One keep-alive connection with at most one request on its way."""

    wire: socket.socket
    received: bytearray = field(default_factory=bytearray)

    def complete(self) -> bool:
        """Take in what has arrived; whether that ends the reply."""
        chunk = self.wire.recv(65536)
        if not chunk:
            raise RuntimeError("Expected a reply, got a closed connection")
        self.received += chunk
        end = self.received.find(b"\r\n\r\n")
        if end < 0 or len(self.received) < end + 4 + content_length(self.received, end):
            return False
        if not self.received.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"Expected 200, got {bytes(self.received[:500])!r}")
        self.received.clear()
        return True


def content_length(reply: bytearray, end: int) -> int:
    """The length that the head of a reply announces."""
    begin = reply.lower().index(b"content-length:", 0, end) + len(b"content-length:")
    return int(reply[begin : reply.index(b"\r\n", begin)])


def request_bytes(port: int, path: str, body: bytes) -> bytes:
    """The whole request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def socket_load(port: int, path: str, body: bytes, count: int) -> Load:
    """Post the body `count` times over a few connections and time it."""
    request = request_bytes(port, path, body)
    lines = [Line(socket.create_connection((HOST, port), timeout=LIMIT)) for _ in range(CONNECTIONS)]
    try:
        began = time.perf_counter()
        drive(lines, request, count, began + LIMIT)
        return Load(count, count / (time.perf_counter() - began))
    finally:
        for line in lines:
            line.wire.close()


def drive(lines: list[Line], request: bytes, count: int, deadline: float) -> None:
    """Keep one request on its way on every line until so many were answered."""
    sent, answered = len(lines), 0
    with selectors.DefaultSelector() as waiting:
        for line in lines:
            waiting.register(line.wire, selectors.EVENT_READ, line)
            line.wire.sendall(request)
        while answered < count:
            for key, _ in waiting.select(max(0.0, deadline - time.perf_counter())):
                if not key.data.complete():
                    continue
                answered += 1
                if sent < count:
                    key.data.wire.sendall(request)
                    sent += 1
            if time.perf_counter() > deadline:
                raise RuntimeError(f"Expected {count} replies in {LIMIT:.0f} s, got {answered}")
