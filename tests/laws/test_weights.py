"""Weights and reductions mean the same everywhere, whatever is weighed."""

from collections.abc import Iterator

import numpy as np
import pytest

from lossapi import readings
from lossapi.definition import Definition, Primitive, loss, metric
from lossapi.domains import Array, Real, Rows, Sums, Weight
from lossapi.states import Weighted, divisors
from tests.laws.every import (
    definition_of,
    every_definition,
    every_primitive,
    every_primitive_loss,
    leaves,
    mapped,
    near,
    outcome,
)
from tests.samples import ROWS, Sample, batched

REPEATS = np.array([1, 2, 1, 3, 1, 1, 2, 1, 4, 1, 1])


def value(sample: Sample, reduction: str | None = None, weight: Array | None = None) -> list[Array]:
    """The arrays that the value holds."""
    found = sample.run(reduction=reduction, weight=weight).value
    return [np.asarray(each) for _, each in leaves(found)]


def weights_of_one_change_nothing(definition: Definition) -> None:
    """Under every reduction."""
    for sample in batched(definition):
        for reduction in definition.reductions or (None,):
            without = outcome(sample.run, reduction=reduction)
            ones = outcome(sample.run, reduction=reduction, weight=np.ones(ROWS))
            assert ones.near(without, 1e-12), f"{sample}, {reduction}: {ones}, not {without}"


def a_weight_of_two_is_a_row_twice(definition: Primitive) -> None:
    """A whole weight is as good as that many rows: in the sum, the weighted mean and whatever is read from sums."""
    for sample in batched(definition):
        repeated = sample.rows(np.repeat(np.arange(ROWS), REPEATS))
        by_row = definition.for_rows(sample.plan().parameters)
        for reduction in ("sum", "weighted_mean") if definition.kind == "loss" and by_row else (None,):
            weighted, alike = value(sample, reduction, REPEATS), value(repeated, reduction)
            near_all = all(map(near, weighted, alike, [1e-9] * len(alike)))
            assert near_all, f"{sample}, {reduction}: weighted {weighted}, repeated {alike}"


@np.errstate(invalid="ignore")
def reductions_follow_from_the_rows(definition: Primitive) -> None:
    """From the rows of `none`, their own weights and ours to the other five."""
    weight = np.random.default_rng(2).choice([0.0, 0.5, 1.0, 3.0], ROWS)
    for sample in by_rows(definition):
        rows = sample.run(reduction="none").value
        each = np.broadcast_to(weight.reshape(-1, *(1,) * (rows.ndim - 1)), rows.shape)
        own = own_weights(sample)
        weights = each if own is None else each * own.reshape(rows.shape)
        total = (rows * each).sum()
        expected = {
            "none": rows * each,
            "sum": total,
            "mean": total / rows.size,
            "weighted_mean": total / weights.sum(),
            "nonzero_mean": total / np.count_nonzero(weights),
            "batch_mean": total / ROWS,
        }
        for reduction, right in expected.items():
            (found,) = value(sample, reduction, weight)
            assert near(found, right, 1e-9), f"{sample}, {reduction}: {found}, not {right}"


def by_rows(definition: Primitive) -> Iterator[Sample]:
    """The samples whose value is a reduction of rows, none of them ignored."""
    for sample in batched(definition):
        if definition.for_rows(sample.plan().parameters) and "ignore_index" not in sample.parameters:
            yield sample


def own_weights(sample: Sample) -> Array | None:
    """The weights that the rows bring along."""
    out = mapped(sample.plan())
    return np.asarray(out.weight) if isinstance(out, Weighted) else None


@every_definition
def test_weights_of_one_change_nothing(definition: Definition) -> None:
    weights_of_one_change_nothing(definition)


@every_primitive
def test_a_weight_of_two_is_a_row_twice(definition: Primitive) -> None:
    a_weight_of_two_is_a_row_twice(definition)


@every_primitive_loss
def test_reductions_follow_from_the_rows(definition: Primitive) -> None:
    reductions_follow_from_the_rows(definition)


def test_a_loss_that_weighs_by_squares_is_caught() -> None:
    def squares(
        prediction: Real[Array, "batch"], weight: Weight[Array, "batch"] | None = None
    ) -> Sums[dict[str, Array], "batch"]:
        return {"total": prediction if weight is None else prediction * weight * weight}

    @loss(family="liar", of=squares)
    def squared(sums: dict[str, Array]) -> Array:
        return sums["total"]

    weights_of_one_change_nothing(definition_of(squared))
    with pytest.raises(AssertionError, match="repeated"):
        a_weight_of_two_is_a_row_twice(definition_of(squared))


def test_a_metric_that_weighs_only_if_told_to_is_caught() -> None:
    def halves(
        prediction: Real[Array, "batch"], weight: Weight[Array, "batch"] | None = None
    ) -> Sums[dict[str, Array], "batch"]:
        return {"total": prediction if weight is None else 0.5 * weight * prediction}

    @metric(family="liar", of=halves)
    def halved(sums: dict[str, Array]) -> Array:
        return sums["total"]

    with pytest.raises(AssertionError):
        weights_of_one_change_nothing(definition_of(halved))


def test_a_mean_over_rows_for_one_over_elements_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    @loss(family="liar")
    def error(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction

    reductions_follow_from_the_rows(definition_of(error))
    monkeypatch.setattr(readings, "divisors", lambda totals: {**divisors(totals), "mean": totals.rows})
    with pytest.raises(AssertionError, match="mean"):
        reductions_follow_from_the_rows(definition_of(error))
