"""Ignored labels do not enter: neither the sum nor the divisor, whatever stands beside them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from lossapi import LossError
from lossapi.definition import Primitive, loss
from lossapi.domains import Array, Label, Real, Rows
from tests.laws.every import PRIMITIVES, definition_of, outcome
from tests.samples import ROWS, Sample, batched

IGNORED = -100
GONE = [0, 4]

every_labelled = pytest.mark.parametrize(
    "definition", [pytest.param(d, id=f"{d.kind}-{d.name}") for d in PRIMITIVES if "ignore_index" in d.fields]
)


def ignored_rows_do_not_enter(definition: Primitive) -> None:
    """Rows whose labels are all ignored, NaN beside them, give what the other rows give alone."""
    kept = np.setdiff1d(np.arange(ROWS), GONE)
    for sample, labels in labelled(definition):
        ignoring = ignore(sample, labels, GONE)
        others = sample.cut() - {labels}
        floats = [name for name in others if sample.tensors[name].dtype.kind == "f"]
        spoilt = ignoring.with_tensors(**{name: overwritten(sample.tensors[name], GONE, np.nan) for name in floats})
        for reduction in set(definition.reductions) - {"none"} or (None,):
            found, right = outcome(spoilt.run, reduction=reduction), outcome(sample.rows(kept).run, reduction=reduction)
            assert found.near(right), f"{sample}, {reduction}: {found}, not {right}"


def labelled(definition: Primitive) -> Iterator[tuple[Sample, str]]:
    """The samples that have true labels with the batch as first axis, and can ignore some."""
    for sample in batched(definition):
        found = {t.name: t for t in sample.plan().tensors if t.spec.domain.name == "label"}
        labels = next((found[name] for name in reversed(definition.input_names) if name in found), None)
        if labels and labels.cut and "ignore_index" not in sample.parameters and takes(sample):
            yield sample, labels.name


def takes(sample: Sample) -> bool:
    """Whether it takes `ignore_index` together with its other parameters."""
    try:
        ignore(sample, None, []).run()
    except LossError:
        return False
    return True


def ignore(sample: Sample, labels: str | None, rows: list[int]) -> Sample:
    """The sample with some rows' labels ignored."""
    ignoring = replace(sample, parameters={**sample.parameters, "ignore_index": IGNORED})
    return ignoring.with_tensors(**{labels: overwritten(sample.tensors[labels], rows, IGNORED)}) if labels else ignoring


def overwritten(array: Array, rows: list[int], value: float) -> Array:
    """The array with some rows overwritten."""
    changed = np.array(array)
    changed[rows] = value
    return changed


@every_labelled
def test_ignored_rows_do_not_enter(definition: Primitive) -> None:
    ignored_rows_do_not_enter(definition)


def test_a_loss_that_sees_ignored_rows_is_caught() -> None:
    @loss(family="liar", of=None)
    def counting(prediction: Real[Array, "batch classes"], target: Label[Array, "batch"]) -> Rows[Array, "batch"]:
        return prediction[:, 0] + target.shape[0]

    with pytest.raises(AssertionError):
        ignored_rows_do_not_enter(definition_of(counting))
