"""NaN propagates: a diverged model's loss is a result, and never a finite one."""

import numpy as np
import pytest

from lossapi.definition import Primitive, loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from tests.laws.every import definition_of, every_primitive_loss, leaves
from tests.samples import frozen, samples


def nan_propagates(definition: Primitive) -> None:
    """One row of NaN in any tensor of measures, or all of a tensor that has no rows, makes the value NaN.

    Marks such as signs and masks measure nothing: a NaN among them is none of them, as in the reference libraries.
    """
    for sample in (each for each in samples(definition) if "ignore_index" not in each.parameters):
        for tensor in (each for each in sample.plan().tensors if not each.spec.domain.values):
            if tensor.given.dtype.kind == "f" and tensor.name in sample.tensors:
                spoilt = np.array(tensor.given)
                spoilt[(0,) if tensor.cut else ...] = np.nan
                found = sample.with_tensors(**{tensor.name: frozen(spoilt)}).run().value
                assert all(np.isnan(each).any() for _, each in leaves(found)), f"{sample}: NaN {tensor.name}, {found}"


@every_primitive_loss
def test_nan_propagates(definition: Primitive) -> None:
    nan_propagates(definition)


def test_a_loss_that_swallows_nan_is_caught() -> None:
    @loss(family="liar")
    def rectified(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        xp = namespace(prediction)
        return xp.where(prediction > 0.0, prediction, xp.zeros_like(prediction))

    with pytest.raises(AssertionError, match="NaN prediction"):
        nan_propagates(definition_of(rectified))
