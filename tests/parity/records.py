"""What other libraries once answered, by question: `LOSSAPI_RECORD=1 pytest tests/parity -p no:xdist` writes it anew.

The files in `recorded/` hold the version of each library and a digest of each answer.
"""

import atexit
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RECORDED = Path(__file__).parent / "recorded"
RECORDING = os.environ.get("LOSSAPI_RECORD") == "1"
RENEWED: set[str] = set()
ASKED: dict[tuple[str, str], Any] = {}
"""What was answered in this run."""
RAISES = "raises"


def parts(answer: Any) -> list[Any]:
    """The arrays of an answer, in order: of one that is an array, a sequence or named."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    return [part for each in answer for part in parts(each)] if isinstance(answer, list | tuple) else [answer]


def key(function: str, arguments: Mapping[str, Any]) -> str:
    """What a question is known by."""
    text = hashlib.sha256(function.encode())
    for name, value in sorted(arguments.items()):
        text.update(name.encode() + _written(value))
    return f"{function}:{text.hexdigest()[:16]}"


def _written(value: Any) -> bytes:
    """An argument as what a question is known by; the last digits of an `exp` or a `log` are each processor's own."""
    if not isinstance(value, np.ndarray):
        return repr(value).encode()
    if value.dtype.kind != "f":
        return f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    fraction, power = np.frexp(np.where(np.isfinite(value), value, 0.0).astype(np.float64))
    digits = 2.0 ** (18 if value.dtype.itemsize < 8 else 30)
    kept = np.where(np.isfinite(value), np.ldexp(np.rint(fraction * digits) / digits, power), value)
    return f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(kept).tobytes()


def digest(answer: Any) -> Any:
    """An answer small enough to keep: itself, or its sum, extremes and first entries."""
    flat = np.concatenate([np.asarray(each, np.float64).reshape(-1) for each in parts(answer)] or [np.empty(0)])
    if flat.size <= 16:
        return flat
    return np.array([flat.size, flat.sum(), flat.min(), flat.max(), *flat[:4]])


@cache
def _book(library: str) -> dict[str, Any]:
    path = RECORDED / f"{library}.json"
    book: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return book


def record(library: str, package: str, question: str, answer: Any) -> None:
    """Keep an answer, with the version of the library."""
    book = _book(library)
    if library not in RENEWED:
        RENEWED.add(library)
        atexit.register(_write, library)
    kept = RAISES if isinstance(answer, str) else digest(answer).tolist()
    known = ASKED.setdefault((library, question), kept)
    assert _alike(known, kept), f"{library} was asked two things that are known by one key, {question}"
    book["version"] = version(package)
    book[question] = kept


def _alike(one: Any, two: Any) -> bool:
    """Whether two answers are the same, rounding aside."""
    if isinstance(one, str) or isinstance(two, str):
        return bool(one == two)
    return np.shape(one) == np.shape(two) and np.allclose(one, two, rtol=1e-6, equal_nan=True)


def _write(library: str) -> None:
    """Keep a library's answers, sorted, one a line."""
    RECORDED.mkdir(exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(kept)}" for key, kept in sorted(_book(library).items())]
    (RECORDED / f"{library}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def recall(library: str, question: str) -> Any:
    """The digest of what was answered; a question that was never put is a failure."""
    if question not in _book(library):
        pytest.fail(f"{library} is not installed and its answer is not recorded: LOSSAPI_RECORD=1 where it is")
    kept = _book(library)[question]
    return kept if isinstance(kept, str) else np.asarray(kept, np.float64).reshape(-1)
