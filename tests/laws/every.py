"""Every definition of the registry, and what a computation came to, in a form that can be compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, chunks, engine, readings, registry
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.plan import Plan

DEFINITIONS = tuple(registry.catalogue().values())
PRIMITIVES = tuple(each for each in DEFINITIONS if isinstance(each, Primitive))


def _parametrised(definitions: Iterable[Definition]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("definition", [pytest.param(d, id=f"{d.kind}-{d.name}") for d in definitions])


every_definition = _parametrised(DEFINITIONS)
every_loss = _parametrised(d for d in DEFINITIONS if d.kind == "loss")
every_primitive = _parametrised(PRIMITIVES)
every_primitive_loss = _parametrised(d for d in PRIMITIVES if d.kind == "loss")


def definition_of(function: Any) -> Primitive:
    """The record that @loss or @metric made of a function."""
    made = function.definition
    assert isinstance(made, Primitive)
    return made


@dataclass(frozen=True)
class Outcome:
    """Named arrays, or the code of the error."""

    values: Mapping[str, Array]
    error: str | None = None

    def same_bits(self, other: "Outcome") -> bool:
        """Equal to the last bit, NaN included."""
        return self.error == other.error and all(
            one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
            for one, two in self._pairs(other)
        )

    def near(self, other: "Outcome", rtol: float = 1e-9) -> bool:
        """Equal within a relative tolerance of the largest entry, NaN and infinities included."""
        return self.error == other.error and all(near(one, two, rtol) for one, two in self._pairs(other))

    def _pairs(self, other: "Outcome") -> Iterator[tuple[Array, Array]]:
        return zip(self.values.values(), other.values.values(), strict=True)

    def __str__(self) -> str:
        return self.error or ", ".join(f"{name} {np.array2string(v, threshold=20)}" for name, v in self.values.items())


def near(one: Array, two: Array, rtol: float) -> bool:
    """Equal within a relative tolerance of the largest entry, NaN and infinities included."""
    one, two = np.asarray(one, np.float64), np.asarray(two, np.float64)
    finite = np.abs(two[np.isfinite(two)])
    scale = float(finite.max()) if finite.size else 0.0
    return one.shape == two.shape and np.allclose(one, two, rtol=rtol, atol=rtol * scale, equal_nan=True)


def outcome(compute: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """What a computation gives, or its error."""
    try:
        result = compute(*arguments, **options)
    except LossError as error:
        return Outcome({}, error.code)
    value = (result.value, result.count) if isinstance(result, engine.Result) else result
    return Outcome({name: np.asarray(each) for name, each in leaves(value)})


def leaves(value: Any, name: str = "value") -> Iterator[tuple[str, Any]]:
    """The arrays inside nested tuples, lists of arrays and named values."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{name}.{key}")
    elif isinstance(value, tuple) or (isinstance(value, list) and any(isinstance(each, np.ndarray) for each in value)):
        for i, each in enumerate(value):
            yield from leaves(each, f"{name}.{i}")
    elif value is not None:
        yield name, value


def readings_of(plan: Plan, edges: Sequence[int]) -> Iterator[tuple[str | None, Outcome]]:
    """What every reduction reads where the batch is cut at `edges`."""
    definition = plan.definition
    with cut_at(edges), np.errstate(all="ignore"):
        for reduction in definition.reductions or (None,):
            if reduction in ("mean", "none", None):  # the other reductions read the same totals as the mean
                state = engine.fold(plan, keep=reduction == "none", threads=1)
            yield reduction, outcome(readings.read, plan, state, reduction or definition.default_reduction, None)


@contextmanager
def cut_at(edges: Sequence[int]) -> Iterator[None]:
    """Have the engine cut the batch at `edges`."""

    def pieces(plan: Plan, *, by_loop: bool = False) -> list[slice]:
        ends = [0, *edges, plan.batch or 0]
        return [slice(start, end) for start, end in pairwise(ends)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "cuts", pieces)
        yield


def mapped(plan: Plan, convert: Callable[[Array], Any] = lambda array: array) -> Any:
    """What the map gives for the whole batch, its tensors converted; under weights of one where it weighs itself."""
    tensors, _ = chunks.take(plan, slice(None), frozenset())
    if plan.map.weight is not None:
        tensors["weight"] = np.ones(plan.sizes(plan.map.weight.axes), plan.dtype)
    converted = [None if tensor is None else convert(tensor) for tensor in tensors.values()]
    with np.errstate(all="ignore"):
        return plan.map.function(*converted, **{n: v for n, v in plan.parameters.items() if n in plan.map.parameters})
