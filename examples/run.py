"""Starts a server on a free port, runs every example against it, and stops it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


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


def commands() -> list[list[str]]:
    """Every example that can run here."""
    python = [sys.executable, "-m"]
    found = [[*python, "examples.patients"], ["sh", str(HERE / "curl.sh")]]
    if find_spec("sklearn"):
        found.append([*python, "examples.models"])
    if find_spec("tritonclient"):
        found.append([*python, "examples.triton_client"])
    if shutil.which("node"):
        found.append(["node", str(HERE / "client.mjs")])
    return found


def main() -> None:
    """Run them all; the first failure ends it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, "-m", "lossapi", "serve", "--port", str(port)], cwd=HERE.parent)
    try:
        wait(address)
        for command in commands():
            print("$", " ".join(command))
            subprocess.run(command, check=True, cwd=HERE.parent, env={**os.environ, "LOSSAPI_ADDRESS": address})
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
