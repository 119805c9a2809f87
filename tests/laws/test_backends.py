"""The kernel is written against the Array API: NumPy and the strict reference namespace give the same numbers."""

from typing import Any

import array_api_strict
import numpy as np
import pytest

from lossapi.definition import Primitive, loss
from lossapi.domains import Array, Real, Rows
from lossapi.plan import Plan
from lossapi.states import WEIGHT
from tests.laws.every import definition_of, every_primitive, leaves, mapped, near
from tests.samples import Sample, samples

Strict = type(array_api_strict.asarray(0.0))


def strict_arrays_give_the_same(definition: Primitive) -> None:
    """Maps and readings on strict arrays and on NumPy's; extremes and ties too. States are NumPy's own."""
    for extreme in (False, True):
        for sample in samples(definition, extreme=extreme):
            plan = sample.plan()
            if plan.map.gives != "state":
                compare(sample, plan)


def compare(sample: Sample, plan: Plan) -> None:
    """One sample, mapped and, where the map gives sums, read."""
    try:
        theirs = read(plan, mapped(plan, array_api_strict.asarray), array_api_strict)
    except Exception as error:
        raise AssertionError(f"{sample}: outside the Array API: {error}") from error
    ours = read(plan, mapped(plan), np)
    for (name, one), (_, two) in zip(leaves(ours), leaves(theirs), strict=True):
        assert isinstance(two, Strict), f"{sample}: outside the Array API: {name} comes as {type(two)}"
        assert near(np.from_dlpack(two), one, 1e-13), f"{sample}: {name} is {two}, not {one}"


def read(plan: Plan, out: object, xp: Any) -> object:
    """The reading of the map's sums, over all rows, or what the map gives."""
    reading, given = plan.definition.reading, plan.definition.reading_parameters
    if reading is None or not isinstance(out, dict):
        return out
    rows = plan.definition.for_rows(plan.parameters)
    axes = tuple(range(len(plan.sizes(plan.sum_axes))))
    sums = {name: each if rows else each.__array_namespace__().sum(each, axis=axes) for name, each in out.items()}
    own = {t.name: xp.asarray(t.array) for t in plan.tensors}
    tensors = [own.get(each.name) for each in plan.definition.reading_inputs]
    with np.errstate(all="ignore"):
        sums[WEIGHT] = xp.asarray(1.0)
        return reading(sums, *tensors, **{n: v for n, v in plan.parameters.items() if n in given})


@every_primitive
def test_strict_arrays_give_the_same(definition: Primitive) -> None:
    strict_arrays_give_the_same(definition)


def test_a_kernel_outside_the_standard_is_caught() -> None:
    @loss(family="liar")
    def local(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return np.square(prediction)

    with pytest.raises(AssertionError, match="outside the Array API"):
        strict_arrays_give_the_same(definition_of(local))


def test_a_kernel_that_looks_at_its_namespace_is_caught() -> None:
    @loss(family="liar")
    def partial(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * 2.0 if prediction.__array_namespace__() is np else prediction

    with pytest.raises(AssertionError, match="not"):
        strict_arrays_give_the_same(definition_of(partial))
