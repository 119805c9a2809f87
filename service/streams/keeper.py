"""Writes to streams one after another: what arrives while a write is on its way goes with the next, all at once.

A change is merged into what is known of the stream, and appended on condition that nobody has appended since; where
another process has, its entries are read, and the change is merged anew. So nothing is lost, nothing is counted
twice, and a change that is refused leaves no trace.
"""

from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread

from service.stores.store import Key
from service.streams.draft import Draft, Pending, Written
from service.streams.shelf import Shelf
from service.streams.stream import Change

TOGETHER = 256
"""Changes that are written at once, at most."""
SWEEP = 60.0
"""Seconds between two looks for what has expired."""


class Keeper:
    """A thread that writes some of the streams: no stream is written by two in one process."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._swept = shelf.clock()
        self._thread = Thread(target=self._run, name="lossapi-streams", daemon=True)
        self._thread.start()

    def submit(self, identity: str, change: Change, key: Key | None) -> "Future[Written]":
        """What the change comes to, once it is stored."""
        pending = Pending(identity, change, key)
        self._queue.put(pending)
        return pending.done

    def close(self) -> None:
        """Finish what is on its way."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            found, go_on = self._next()
            pending = [each for each in found if each.done.set_running_or_notify_cancel()]
            try:
                self._write(pending)
                self._sweep()
            except Exception as error:
                for each in pending:
                    if not each.done.done():
                        each.done.set_exception(error)
            if not go_on:
                return

    def _next(self) -> tuple[list[Pending], bool]:
        """All that waits, at most so many; and whether to go on after it."""
        found: list[Pending] = []
        try:
            while len(found) < TOGETHER:
                pending = self._queue.get_nowait() if found else self._queue.get(timeout=SWEEP)
                if pending is None:
                    return found, False
                found.append(pending)
        except Empty:
            pass
        return found, True

    def _sweep(self) -> None:
        now = self.shelf.clock()
        if now - self._swept >= SWEEP * 1000:
            self._swept = now
            self.shelf.store.sweep(now)

    def _write(self, waiting: list[Pending]) -> None:
        """Write until everything is stored or refused."""
        while waiting:
            drafts: dict[str, Draft] = {}
            for identity in dict.fromkeys(each.identity for each in waiting):
                drafts[identity] = Draft(self.shelf, identity)
                drafts[identity].take([each for each in waiting if each.identity == identity])
            written = [draft for draft in drafts.values() if draft.steps]
            outcomes = self.shelf.store.append([each.append() for each in written], self.shelf.clock())
            for draft, outcome in zip(written, outcomes, strict=True):
                draft.settle(outcome)
            waiting = [each for each in waiting if not each.done.done()]
            for draft in written:
                draft.compact()
