"""Arithmetic is in the widest floating dtype among the inputs: float32 stays float32, half precisions become it."""

import ml_dtypes
import numpy as np
import pytest

from lossapi import binding
from lossapi.definition import Definition, Primitive, loss
from lossapi.domains import Array, Real, Rows
from tests.laws.every import definition_of, every_definition, every_primitive, leaves, mapped, outcome
from tests.samples import Sample, samples

HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


def single_precision_is_never_widened(definition: Primitive) -> None:
    """Rows have the dtype of the inputs; sums are totals, and may be wider."""
    for sample in samples(definition, dtype="float32"):
        plan = sample.plan()
        floating = any(tensor.dtype.kind == "f" for tensor in sample.tensors.values())
        if plan.map.gives == "rows" and floating:
            assert plan.dtype == np.float32, f"{sample}: computes in {plan.dtype}"
            for _, value in leaves(mapped(plan)):
                assert value.dtype == np.float32, f"{sample}: a constant widens to {value.dtype}"


def half_precision_computes_in_single(definition: Definition) -> None:
    """The same bits as the same numbers in float32."""
    for half in HALVES:
        for sample in samples(definition, dtype="float32"):
            halved, widened = as_dtype(sample, half), as_dtype(as_dtype(sample, half), np.dtype(np.float32))
            assert outcome(halved.run).same_bits(outcome(widened.run)), f"{sample} in {half}"


def as_dtype(sample: Sample, dtype: "np.dtype[np.generic]") -> Sample:
    """The same sample, its floating tensors in another dtype."""
    floating = {name: tensor for name, tensor in sample.tensors.items() if tensor.dtype.kind in "fV"}
    return sample.with_tensors(**{name: tensor.astype(dtype) for name, tensor in floating.items()})


@every_primitive
def test_single_precision_is_never_widened(definition: Primitive) -> None:
    single_precision_is_never_widened(definition)


@every_definition
def test_half_precision_computes_in_single(definition: Definition) -> None:
    half_precision_computes_in_single(definition)


def test_a_float64_constant_is_caught() -> None:
    @loss(family="liar")
    def doubled(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * np.float64(2.0)

    with pytest.raises(AssertionError, match="a constant widens to float64"):
        single_precision_is_never_widened(definition_of(doubled))


def test_computing_in_half_precision_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    @loss(family="liar")
    def cubed(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * prediction * prediction

    monkeypatch.setattr(binding, "compute_dtype", lambda arrays: arrays[0].dtype)
    with pytest.raises(AssertionError):
        half_precision_computes_in_single(definition_of(cubed))
