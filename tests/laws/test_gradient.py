"""The gradient is the derivative: the tape gives what central differences give, wherever there is no kink."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, Result, compute, functions
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from lossapi.errors import Unsupported
from lossapi.functions import namespace, stop_gradient
from lossapi.tape import Namespace
from tests.laws.every import DEFINITIONS, cut_at, definition_of, near
from tests.laws.every import _parametrised as every
from tests.samples import ROWS, Sample, batched, samples

STEP = 1e-6


def total(value: Any) -> float:
    """A value as the number whose derivative is given: the sum of all its entries."""
    return sum(map(total, value.values())) if isinstance(value, Mapping) else float(np.sum(value))


def settings(definition: Definition) -> Iterator[tuple[Sample, dict[str, Any]]]:
    """Every sample as it is, and the first under every reduction, weighted and not."""
    drawn = samples(definition, rows=5)
    weight = {"weight": np.array([0.5, 0.0, 3.0, 1.0, 2.0])} if drawn[0].batch else {}
    for sample in drawn:
        yield sample, {}
    for reduction in definition.reductions or (None,):
        yield drawn[0], {"reduction": reduction}
        yield drawn[0], {"reduction": reduction, **weight}


def slopes(sample: Sample, name: str, direction: Array, options: Mapping[str, Any]) -> tuple[float, float]:
    """How the value changes along a direction, ahead and behind, what `stop_gradient` holds being held."""
    unchecked = frozenset(sample.tensors)
    held: list[Array] = []
    values: list[float] = []
    for step in (0.0, -STEP, STEP):
        moved = sample.with_tensors(**{name: sample.tensors[name] + step * direction})
        replayed = iter(held)

        def stopped(x: Array, first: bool = not values, replayed: Iterator[Array] = replayed) -> Array:
            if first:
                held.append(x)
            return x if first else next(replayed)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                functions, "_special", lambda xp, s=stopped: getattr(xp, "special", Namespace(stop_gradient=s))
            )
            values.append(total(moved.run(unchecked=unchecked, threads=1, **options).value))
    here, behind, ahead = values
    return (ahead - here) / STEP, (here - behind) / STEP


def with_gradient(sample: Sample, options: Mapping[str, Any]) -> Result | None:
    """The result with its gradient; None where the value itself is refused."""
    try:
        sample.run(**options)
    except LossError:
        return None
    return sample.run(returns=("value", "gradient"), **options)


def gradients(result: Result | None) -> Mapping[str, Array]:
    """The gradients by name; none where there is no result."""
    return (result.gradient if result else None) or {}


def the_gradient_is_the_derivative(definition: Definition) -> None:
    """Every sample, reduction, weight and input, along a random direction, where no kink is near."""
    held = 0
    for sample, options in settings(definition):
        result = with_gradient(sample, options)
        for name, gradient in gradients(result).items():
            direction = np.random.default_rng(3).normal(size=gradient.shape)
            ahead, behind = slopes(sample, name, direction, options)
            found, scale = float(np.sum(gradient * direction)), 1.0 + float(np.abs(gradient).sum())
            if abs(ahead - behind) <= 1e-3 * scale:
                held += 1
                place = f"{sample}, {options}, by {name}"
                assert abs(found - 0.5 * (ahead + behind)) <= 1e-5 * scale, f"{place}: {found}, not {ahead}"
    assert held, "kinks everywhere"


def the_gradient_is_one_however_cut(definition: Definition) -> None:
    """Cut anywhere it is the whole's, on any number of threads to the bit; in each tensor's own shape and dtype."""
    weight = np.random.default_rng(2).choice([0.0, 0.5, 3.0], ROWS)
    for sample in (each for extreme in (False, True) for each in batched(definition, extreme=extreme)):
        options = {"reduction": "weighted_mean" if definition.reductions else None, "weight": weight}
        whole = with_gradient(sample, options)
        with cut_at([1, 2, 3, 6, 7, 8]):
            one, seven = (with_gradient(sample, {**options, "threads": threads}) for threads in (1, 7))
        for name, gradient in gradients(whole).items():
            given = sample.tensors[name]
            assert (gradient.shape, gradient.dtype) == (given.shape, given.dtype), f"{sample}, {name}"
            assert near(gradients(one)[name], gradient, 1e-9), f"{sample}, {name} cut"
            assert gradients(one)[name].tobytes() == gradients(seven)[name].tobytes(), f"{sample}, {name} on threads"


def single_precision_is_near(definition: Definition) -> None:
    """In float32 the gradient is float32, and near the one in float64 of the same numbers."""
    for sample in samples(definition, rows=5, dtype="float32"):
        doubled = {n: t.astype(np.float64) for n, t in sample.tensors.items() if t.dtype.kind == "f"}
        one, two = with_gradient(sample, {}), with_gradient(sample.with_tensors(**doubled), {})
        for name, gradient in gradients(one).items():
            other = gradients(two)[name]
            assert gradient.dtype == np.float32, f"{sample}, {name}"
            assert np.allclose(
                gradient, other, rtol=1e-4, atol=1e-4 * max(np.abs(other).max(), 0.01), equal_nan=True
            ), f"{sample}, {name}: {gradient}, not {other}"


every_differentiable = every(d for d in DEFINITIONS if d.differentiable)


@every_differentiable
def test_the_tape_gives_what_central_differences_give(definition: Definition) -> None:
    the_gradient_is_the_derivative(definition)


@every_differentiable
def test_the_gradient_is_one_however_it_is_cut(definition: Definition) -> None:
    the_gradient_is_one_however_cut(definition)


@every_differentiable
def test_the_gradient_in_single_precision_is_near_the_double(definition: Definition) -> None:
    single_precision_is_near(definition)


@every(d for d in DEFINITIONS if not d.differentiable)
def test_a_definition_without_a_derivative_says_so(definition: Definition) -> None:
    sample = samples(definition)[0]
    with pytest.raises(Unsupported, match="derivative"):
        sample.run(returns=("value", "gradient"))


def test_a_gradient_that_stops_half_way_is_caught() -> None:
    @loss(family="liar")
    def halved(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        special = getattr(namespace(prediction), "special", None)
        return prediction * (prediction if special is None else special.stop_gradient(prediction))

    with pytest.raises(AssertionError, match="by prediction"):
        the_gradient_is_the_derivative(definition_of(halved))


def test_a_gradient_that_depends_on_the_cut_is_caught() -> None:
    @loss(family="liar")
    def centred(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return prediction * (prediction - namespace(prediction).mean(prediction))

    with pytest.raises(AssertionError, match="cut"):
        the_gradient_is_one_however_cut(definition_of(centred))


def test_a_constant_loss_has_no_derivative() -> None:
    @loss(family="liar")
    def constant(prediction: Real[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
        return stop_gradient(prediction)

    with pytest.raises(Unsupported, match="constant"):
        compute(definition_of(constant), {"prediction": [1.0]}, returns=("gradient",))
