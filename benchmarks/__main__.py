"""`python -m benchmarks [http|openinference|streams|kernels|metrics|evaluation|chunks|backends] [--quick]`."""

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
    "backends": "writes the table by which a backend is chosen; not run by default",
}


def leave(number: int, _frame: FrameType | None) -> None:
    """Turn a request to stop into an exit that ends the servers first."""
    sys.exit(128 + number)


def main() -> int:
    """Run what was asked for, by default all but the table of backends."""
    about = "; ".join(f"{name}: {text}" for name, text in CASES.items())
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure lossapi.", epilog=about)
    parser.add_argument("what", nargs="?", choices=list(CASES), help="default: all but backends")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: whether it runs, no figures")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    wanted = [arguments.what] if arguments.what else [name for name in CASES if name != "backends"]
    status = 0
    for name in wanted:
        status |= import_module(f"benchmarks.{name}").main(quick=arguments.quick)
    return status


if __name__ == "__main__":
    sys.exit(main())
