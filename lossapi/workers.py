"""Work shared out among threads: who asks for it takes part, and what comes of it stays in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache, partial
from typing import Generic, TypeVar

import numpy as np

from lossapi import allowance

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def mapped(step: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int | None = None) -> Iterator[Result]:
    """What `step` gives for each piece, in order, by this thread and as many others as are asked for and free.

    Pieces are begun in order, each only if the request may still go on. Where several fail, it is the first of them
    that is told of, as if they had been done one by one.
    """
    if len(pieces) == 1:
        return iter([step(pieces[0])])
    return _Shared(step, pieces).by((threads or cores()) - 1)


class _Shared(Generic[Piece, Result]):
    """Pieces that nobody has begun, and what came of those that are done, by their places."""

    def __init__(self, step: Callable[[Piece], Result], pieces: Sequence[Piece]) -> None:
        self.step, self.check, self.size = step, allowance.current().check, len(pieces)
        self.waiting = deque(enumerate(pieces))
        self.found: dict[int, Result] = {}
        self.failed: dict[int, BaseException] = {}

    def by(self, helpers: int) -> Iterator[Result]:
        """The results in order, as they come, by this thread and some others."""
        others = [_pool(helpers).submit(self.work) for _ in range(min(helpers, self.size - 1))]
        try:
            for place in range(self.size):
                while place not in self.found and self.take():
                    pass
                if place not in self.found or self.failed:
                    _finished(others)
                if self.failed:
                    raise self.failed[min(self.failed)]
                yield self.found.pop(place)
        finally:
            self.waiting.clear()
            _finished(others)

    def work(self) -> None:
        """Do what there is to do."""
        while self.take():
            pass

    def take(self) -> bool:
        """Do the next piece; whether there was one."""
        try:
            place, piece = self.waiting.popleft()
        except IndexError:
            return False
        try:
            self.check()
            self.found[place] = self.step(piece)
        except BaseException as error:
            self.failed[place] = error
            self.waiting.clear()
        return True


def _finished(others: Sequence[Future[None]]) -> None:
    """Wait for those that have begun."""
    wait([other for other in others if not other.cancel()])


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "lossapi-map", initializer=partial(np.seterr, all="ignore"))


@cache
def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
