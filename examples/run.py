"""Starts a server on a free port, runs every example against it, and stops it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
TOOLS = {
    "curl": ["sh", "examples/curl.sh"],
    "node": ["node", "examples/client.mjs"],
    "go": ["go", "run", "examples/client.go"],
    "ruby": ["ruby", "-w", "examples/client.rb"],
}
"""What calls from other languages are run with, by what has to be installed."""
LIBRARIES = {"sklearn": "examples.models", "tritonclient": "examples.triton_client"}
"""What takes more than Python's standard library, by that library."""


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait(address: str) -> None:
    """Until the server is ready."""
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/health/ready").close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def commands() -> Iterator[list[str]]:
    """Every example that can run here; the others are named."""
    python = [sys.executable, "-m"]
    yield [*python, "examples.patients"]
    yield [*python, "examples.training"]
    every = [(tool, bool(shutil.which(tool)), command) for tool, command in TOOLS.items()]
    every += [(library, bool(find_spec(library)), [*python, module]) for library, module in LIBRARIES.items()]
    for needed, found, command in every:
        if found:
            yield command
        else:
            print(f"{needed} is not installed: {command[-1]} is left out", flush=True)


def main() -> None:
    """Run them all; the first failure ends it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    folder = TemporaryDirectory()
    environment = {**os.environ, "LOSSAPI_STORE": f"sqlite:///{folder.name}/streams.db"}
    command = [sys.executable, "-m", "lossapi", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait(address)
        for command in commands():
            print("$", " ".join(command), flush=True)
            subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "LOSSAPI_ADDRESS": address})
    finally:
        server.terminate()
        server.wait()
        folder.cleanup()


if __name__ == "__main__":
    main()
