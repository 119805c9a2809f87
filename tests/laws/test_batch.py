"""`batch` is a promise: however the rows are cut, the parts merge to the whole."""

import numpy as np
import pytest

from lossapi.definition import Primitive, loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from tests.laws.every import definition_of, every_primitive, readings_of
from tests.samples import batched


def every_cut_gives_the_whole(definition: Primitive) -> None:
    """One piece against two, and against one row at a time, under every reduction, weighted and not."""
    for sample in batched(definition):
        for weight in (None, np.random.default_rng(1).choice([0.0, 0.5, 3.0], sample.batch)):
            plan = sample.plan(weight)
            last = (plan.batch or 0) - 1
            whole = dict(readings_of(plan, []))
            for edges in ([1], [last // 2], [last], list(range(1, last + 1))):
                for reduction, parts in readings_of(plan, edges):
                    place = f"{sample}, {reduction}, weight {weight}, cut at {edges}"
                    assert parts.near(whole[reduction]), f"{place}: {parts}, not {whole[reduction]}"


@every_primitive
def test_every_cut_of_the_batch_merges_to_the_whole(definition: Primitive) -> None:
    every_cut_gives_the_whole(definition)


def test_a_loss_whose_rows_see_each_other_is_caught() -> None:
    @loss(family="liar")
    def shared(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction - namespace(prediction).sum(prediction)

    with pytest.raises(AssertionError, match="cut at"):
        every_cut_gives_the_whole(definition_of(shared))
