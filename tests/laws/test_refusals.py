"""A traceback is our bug: whatever is asked, the answer is a number or a LossError that says what was expected."""

from collections.abc import Iterator

import numpy as np
import pytest

from lossapi import LossError
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from tests.laws.every import definition_of, every_definition, outcome
from tests.samples import Sample, refused, samples


def nothing_makes_it_stumble(definition: Definition) -> None:
    """Tensors left out, of other shapes, dtypes and sizes, and values from everywhere."""
    for sample, error in refused(definition):
        assert isinstance(error, LossError), f"{sample}: {error!r}"
    for sample in samples(definition):
        for title, spoilt in spoilings(sample):
            try:
                outcome(spoilt.run)
            except Exception as error:
                raise AssertionError(f"{sample}, {title}: {error!r}") from error


def spoilings(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """The sample with one tensor spoilt."""
    for name, tensor in sample.tensors.items():
        left = {other: each for other, each in sample.tensors.items() if other != name}
        yield f"without {name}", Sample(sample.definition, sample.title, left, sample.parameters)
        for title, other in others(tensor):
            yield f"{name} {title}", sample.with_tensors(**{name: other})


def others(tensor: Array) -> Iterator[tuple[str, Array]]:
    """Arrays that may not fit where this one did."""
    yield "as a number", tensor.reshape(-1)[0]
    yield "as a vector", tensor.reshape(-1)
    yield "with an axis more", tensor[None]
    yield "with a last axis more", tensor[..., None]
    yield "with two axes more", np.stack([np.stack([tensor] * 3)] * 2)
    yield "as text", tensor.astype(str)
    yield "as truth values", tensor > 0
    yield "as integers", tensor.astype(np.int32)
    yield "in half precision", tensor.astype(np.float16)
    for value in (np.nan, np.inf, -np.inf, -7.0, 99.0, 0.0):
        yield f"all {value}", np.full_like(tensor, value, dtype=np.float64)
    for label in (-100, -1, 99):
        yield f"all {label}", np.full_like(tensor, label, dtype=np.int64)
    for axis in range(tensor.ndim):
        yield f"short along {axis}", np.take(tensor, range(tensor.shape[axis] - 1), axis=axis)
        yield f"empty along {axis}", np.take(tensor, [], axis=axis)


@every_definition
def test_nothing_makes_it_stumble(definition: Definition) -> None:
    nothing_makes_it_stumble(definition)


def test_a_loss_that_stumbles_over_its_shape_is_caught() -> None:
    @loss(family="liar")
    def difference(prediction: Real[Array, "batch dim"], target: Real[Array, "batch rest"]) -> Rows[Array, "batch dim"]:
        return prediction - target[:, : prediction.shape[1]]

    with pytest.raises(AssertionError, match="ValueError"):
        nothing_makes_it_stumble(definition_of(difference))
