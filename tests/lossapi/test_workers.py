"""Work shared out: in order, by whoever is free, and ended by the first piece that fails."""

import threading
from collections.abc import Generator

import pytest

from lossapi import workers
from lossapi.allowance import ALLOWANCE, Allowance


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_in_order(threads: int) -> None:
    assert list(workers.mapped(lambda piece: piece * piece, range(50), threads)) == [i * i for i in range(50)]


def test_nothing_comes_of_nothing() -> None:
    assert list(workers.mapped(str, [], 3)) == []


def test_who_asks_takes_part_and_others_help() -> None:
    together = threading.Barrier(3, timeout=10)

    def meet(_: int) -> int:
        together.wait()
        return threading.get_ident()

    seen = set(workers.mapped(meet, range(3), 3))
    assert len(seen) == 3
    assert threading.get_ident() in seen


def test_work_is_done_where_no_other_is_free() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hold(_: int) -> bool:
        begun.release()
        return go_on.wait(10)

    holding = threading.Thread(target=lambda: list(workers.mapped(hold, range(2), 2)))
    holding.start()
    for _ in range(2):
        assert begun.acquire(timeout=10)  # who asked, and the only helper
    assert list(workers.mapped(lambda piece: piece, range(20), 2)) == list(range(20))
    go_on.set()
    holding.join(10)
    assert not holding.is_alive()


def test_the_first_of_several_failures_is_told_of() -> None:
    both = threading.Barrier(2, timeout=10)
    begun = []

    def fail(piece: int) -> None:
        begun.append(piece)
        if piece < 2:
            both.wait()
            raise ValueError(f"piece {piece}")

    for _ in range(20):
        with pytest.raises(ValueError, match="piece 0"):
            list(workers.mapped(fail, range(100), 2))
    assert len(begun) < 20 * 10


def test_a_request_that_has_ended_begins_no_more() -> None:
    done: list[int] = []

    class Ending(Allowance):
        def check(self) -> None:
            if len(done) == 3:
                raise TimeoutError

    token = ALLOWANCE.set(Ending())
    try:
        with pytest.raises(TimeoutError):
            list(workers.mapped(done.append, range(10), 1))
    finally:
        ALLOWANCE.reset(token)
    assert done == [0, 1, 2]


def test_who_wants_no_more_ends_the_work() -> None:
    done: list[int] = []

    def some() -> Generator[None, None, None]:
        yield from workers.mapped(done.append, range(100), 1)

    wanted = some()
    next(wanted)
    wanted.close()
    assert done == [0]
