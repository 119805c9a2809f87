"""`python -m benchmarks [CASE] [--quick] [--seconds N]`; `--help` lists the cases."""

import argparse
import os
import platform
import signal
import sys
from importlib import import_module
from types import FrameType

CASES = {
    "http": "the service against a plain one",
    "openinference": "binary tensors against the limit of the machine",
    "streams": "batches a second, in SQLite and in Redis",
    "kernels": "losses against torch",
    "metrics": "metrics against scikit-learn and torchmetrics",
    "evaluation": "twenty metrics in one call against twenty calls",
    "chunks": "a hundred million rows in constant memory",
}
"""What is run where nothing is asked for."""
STEADY = {
    "overload": "twice the load that saturates the server",
    "restart": "a restart under load",
    "soak": "mixed load for as long as is said: leaks, stuck workers, lost batches",
}
TABLE = {"backends": "writes the table by which a backend is chosen"}


def leave(number: int, _frame: FrameType | None) -> None:
    """Turn a request to stop into an exit that ends the servers first."""
    sys.exit(128 + number)


def main() -> int:
    """Run what was asked for."""
    every = {**CASES, **STEADY, **TABLE}
    about = "; ".join(f"{name}: {text}" for name, text in every.items())
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure lossapi.", epilog=about)
    parser.add_argument("what", nargs="?", choices=list(every), help=f"default: {', '.join(CASES)}")
    parser.add_argument("--seconds", type=float, help="how long overload, restart and soak take")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: whether it runs, no figures")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if arguments.what in STEADY:
        from benchmarks import steady

        return steady.main(arguments.what, seconds=arguments.seconds, quick=arguments.quick)
    status = 0
    for name in [arguments.what] if arguments.what else CASES:
        status |= import_module(f"benchmarks.{name}").main(quick=arguments.quick)
    return status


if __name__ == "__main__":
    sys.exit(main())
