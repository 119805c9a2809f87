"""The same bits from any number of threads: chunks are cut by size alone and merged in order."""

import threading
import time

import pytest

from lossapi import chunks
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from tests.laws.every import definition_of, every_definition, outcome
from tests.samples import batched


def threads_change_no_bit(definition: Definition) -> None:
    """One thread against seven, over several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", 16)
        for sample in batched(definition, rows=29, dtype="float32"):
            for reduction in ("sum", "none") if definition.kind == "loss" else (None,):
                one, seven = (outcome(sample.run, reduction=reduction, threads=n) for n in (1, 7))
                assert one.same_bits(seven), f"{sample}, {reduction}: {one}, not {seven}"


@every_definition
def test_threads_change_no_bit(definition: Definition) -> None:
    threads_change_no_bit(definition)


def test_a_loss_that_asks_where_it_runs_is_caught() -> None:
    @loss(family="liar")
    def placed(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        time.sleep(0.01)  # long enough for the others to take part
        return prediction + (threading.current_thread() is threading.main_thread())

    with pytest.raises(AssertionError):
        threads_change_no_bit(definition_of(placed))
