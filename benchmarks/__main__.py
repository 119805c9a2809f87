"""`python -m benchmarks [http|openinference|kernels|backends|overload|restart|soak] [--quick] [--seconds N]`."""

import argparse
import os
import platform
import signal
import sys
from types import FrameType


def leave(number: int, _frame: FrameType | None) -> None:
    """Turn a request to stop into an exit that ends the servers first."""
    sys.exit(128 + number)


def main() -> int:
    """Run what was asked for, by default all but the table of backends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure lossapi.")
    choices = ["http", "openinference", "kernels", "backends", "overload", "restart", "soak"]
    parser.add_argument("what", nargs="?", choices=choices, help="default: the first three")
    parser.add_argument("--seconds", type=float, help="how long overload, restart and soak take")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: whether it runs, no figures")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    status = 0
    if arguments.what in (None, "http"):
        from benchmarks import http

        status |= http.main(quick=arguments.quick)
    if arguments.what in (None, "openinference"):
        from benchmarks import openinference

        status |= openinference.main(quick=arguments.quick)
    if arguments.what in (None, "kernels"):
        from benchmarks import kernels

        status |= kernels.main(quick=arguments.quick)
    if arguments.what == "backends":
        from benchmarks import backends

        status |= backends.main(quick=arguments.quick)
    if arguments.what in ("overload", "restart", "soak"):
        from benchmarks import steady

        status |= steady.main(arguments.what, seconds=arguments.seconds, quick=arguments.quick)
    return status


if __name__ == "__main__":
    sys.exit(main())
