"""Loops compiled, and kept on disk: by their text, so that nothing is ever compiled twice or taken for another.

A folder for each kind of processor holds one library per loop. It is written under another name and then renamed, so
that any number of processes may share it; where it cannot be written to, what is compiled lasts as long as the process.
"""

import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lossapi.errors import Unsupported

HEADER = Path(__file__).with_name("mathematics.h")
INSTALL = 'pip install "lossapi[fused]"'
FLAGS = (
    *("-std=gnu11", "-O3", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),
    *("-fno-sanitize=undefined", "-s", "-w"),
)
"""None of them changes what a NaN, an infinity or a zero with a sign is."""

PATIENCE = 120
"""Seconds that a compiler may take."""

LEVELS = {
    "x86-64-v3": {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"},
    "x86-64-v2": {"sse4_1", "sse4_2", "ssse3", "popcnt"},
}
"""Kinds of x86-64 processors and the features by which they are known, the best first."""


_own = ""


def keep_in(path: str) -> None:
    """Keep compiled loops in some folder; an empty path leaves the choice to the environment."""
    global _own  # one process keeps them in one place
    _own = path


def folder() -> Path:
    """Where compiled loops are kept: where was asked for, `LOSSAPI_CACHE`, or the user's folder for caches."""
    own = _own or os.environ.get("LOSSAPI_CACHE")
    if own:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lossapi"
    except RuntimeError:  # a user without a home keeps nothing
        return Path(os.devnull, "lossapi")


@cache
def features() -> frozenset[str]:
    """What this processor can do, as Linux says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(found.partition(":")[2].split())


@cache
def targets() -> tuple[str, ...]:
    """What may run here: compiled for this very processor, or for a kind that it is of."""
    own = hashlib.sha256(" ".join(sorted(features())).encode()).hexdigest()[:12]
    known = [kind for kind in kinds() if LEVELS.get(kind, set()) <= features()]
    return (f"native-{platform.machine()}-{own}", *known)


def kinds() -> tuple[str, ...]:
    """The kinds of processors of this architecture, whichever of them this one is of."""
    machine = platform.machine()
    return tuple(LEVELS) if machine == "x86_64" else (machine,)


def compiler() -> Sequence[str] | None:
    """The command of a C compiler: `CC`, the machine's own, or that of the package ziglang, if there is any."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return [name]
    return [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None


def installed() -> bool:
    """Whether loops can be compiled, or were."""
    return compiler() is not None or any((folder() / target).is_dir() for target in targets())


def architecture(target: str, command: Sequence[str]) -> list[str]:
    """The option that has a compiler write for a target."""
    if target.startswith("native"):
        return ["-march=native"]
    zig = "ziglang" in command
    return [f"-mcpu={target.replace('-', '_')}" if zig else f"-march={target}"] if target in LEVELS else []


def digest(text: str) -> str:
    """The name of a loop: it follows from all that it is made of."""
    headers = (header.read_text() for header in sorted(HEADER.parent.glob("*.h")))
    whole = "\0".join((*headers, " ".join(FLAGS), text))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def library(text: str, target: str | None = None) -> Any:
    """The compiled loop, from disk or made now."""
    name = f"{digest(text)}.so"
    for known in targets() if target is None else (target,):
        found = _opened(folder() / known / name)
        if found is not None:
            return found
    return compiled(text, name, target or targets()[0])


def _opened(path: Path) -> Any:
    """The function of a library, if there is a whole one."""
    try:
        return _function(path) if path.is_file() else None
    except (OSError, AttributeError):
        return None


def _function(path: Path) -> Any:
    kernel = ctypes.CDLL(str(path)).kernel
    kernel.argtypes = (ctypes.c_void_p,) * 4
    kernel.restype = ctypes.c_int
    return kernel


def compiled(text: str, name: str, target: str) -> Any:
    """A loop compiled for a target, and kept if that can be."""
    with tempfile.TemporaryDirectory(prefix="lossapi-") as scratch:
        source, made = Path(scratch, "loop.c"), Path(scratch, name)
        source.write_text(text)
        _compile(source, made, target)
        kept = keep(made, folder() / target / name)
        return _function(kept or made)


def _compile(source: Path, made: Path, target: str) -> None:
    command = compiler()
    if command is None:
        raise Unsupported(f"a C compiler ({INSTALL})", "none on this machine", ("backend",))
    gently = ["nice"] if shutil.which("nice") else []  # whoever waits for an answer goes first
    options = [*gently, *command, *FLAGS, *architecture(target, command), f"-I{HEADER.parent}"]
    try:
        ran = subprocess.run(
            [*options, "-o", str(made), str(source), "-lm"], capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unsupported("a C compiler that runs", str(error), ("backend",)) from error
    if ran.returncode:
        raise Unsupported("a C compiler that takes what is written", ran.stderr[-500:], ("backend",))


def keep(made: Path, place: Path) -> Path | None:
    """Move a library to its place, whole or not at all; a folder that is full or read-only is no fault."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
    except OSError:
        return None
    try:
        with open(handle, "wb") as part:
            part.write(made.read_bytes())
        os.replace(name, place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        return None
    return place
