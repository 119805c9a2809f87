"""What the workers of one server share: a folder that the first process makes and the last one takes away."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "LOSSAPI_OF_WORKERS"
"""Told by the first process to its workers; no setting of anybody's."""
PLACES = ("/dev/shm", None)
"""Memory where there is such, else where temporary files lie."""


def folder() -> Path | None:
    """The folder, if there are several workers."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


@contextmanager
def shared(workers: int) -> Iterator[None]:
    """Have a folder meanwhile, where there is more than one worker."""
    if workers == 1:
        os.environ.pop(VARIABLE, None)
        yield
        return
    place = next(each for each in PLACES if each is None or os.access(each, os.W_OK))
    with tempfile.TemporaryDirectory(prefix="lossapi-", dir=place) as made:
        os.environ[VARIABLE] = made
        yield
