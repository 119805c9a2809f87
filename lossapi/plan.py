"""A computation checked and laid out, and what follows from its shapes and parameters alone.

What follows is found out once: a plan for other arrays of the same shapes is the same plan, filled anew.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from lossapi.definition import Primitive
from lossapi.domains import BATCH, Array, Bindings, Bounds, Spec
from lossapi.forms import arrange, turned
from lossapi.signature import Map


class Readable(Protocol):
    """What a state is read by: a plan, or what a portable state says of one."""

    @property
    def definition(self) -> Primitive: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def tensors(self) -> "Sequence[Bound]": ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def shape(self) -> tuple[int, ...] | None: ...


class Bound(NamedTuple):
    """One tensor in the kernel's layout, the form it was recognised in, and the tensor as it was given."""

    name: str
    spec: Spec
    array: Array
    given: Array

    @property
    def cut(self) -> bool:
        """Whether it is cut along `batch`."""
        return self.spec.batched


@dataclass(frozen=True)
class Plan:
    """One computation, checked and laid out.

    `shape` is what the rows are given back in, where not the kernel's. A kernel that weighs itself is given the
    weights, unless there is but one for each row that has a value (`weighs_within` false).
    """

    definition: Primitive
    map: Map
    tensors: tuple[Bound, ...]
    absent: tuple[str, ...]
    parameters: Mapping[str, Any]
    bindings: Bindings
    dtype: np.dtype[Any]
    weight: Array | None
    mean_axes: int
    shape: tuple[int, ...] | None
    weighs_within: bool = True

    @cached_property
    def batch(self) -> int | None:
        """How many rows there are to cut; None where rows see each other."""
        size = self.bindings.get(BATCH) if any(t.cut for t in self.tensors) else None
        return size if isinstance(size, int) else None

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape that weights are broadcast to: what the kernel weighs itself, or its rows."""
        axes = self.map.weight.axes if self.map.weight and self.weighs_within else self.sum_axes
        shape = self.sizes(axes)
        return shape[: len(shape) - self.mean_axes] if self.mean_axes and self.map.gives == "rows" else shape

    @cached_property
    def by_row(self) -> bool:
        """Whether there is a value for each row, to be reduced."""
        return BATCH in self.map.axes and (self.map.gives == "rows" or self.definition.for_rows(self.parameters))

    @cached_property
    def sum_axes(self) -> tuple[str, ...]:
        """The axes over which the results are added: all of a row loss, `batch` and `*axes` of sums."""
        axes = self.map.axes
        return axes if self.map.gives == "rows" else tuple(a for a in axes if a in (BATCH, "*axes"))

    def sizes(self, axes: tuple[str, ...]) -> tuple[int, ...]:
        """The sizes of some axes, one after another."""
        sizes = [self.bindings.get(axis, 1) for axis in axes]
        return tuple(n for size in sizes for n in (size if isinstance(size, tuple) else (size,)))

    @cached_property
    def elements(self) -> int:
        """The size of the largest tensor."""
        return max((t.array.size for t in self.tensors), default=0)

    @cached_property
    def largest_cut(self) -> int:
        """The size of the largest tensor that is cut."""
        return max((t.array.size for t in self.tensors if t.cut), default=0)

    @cached_property
    def pairs(self) -> tuple[int, int] | None:
        """How many rows meet how many others; None where none see each other."""
        rows = self.bindings.get("rows")
        others = self.bindings.get("references", rows)
        return (rows, others) if isinstance(rows, int) and isinstance(others, int) else None

    @cached_property
    def width(self) -> int:
        """What a matrix that every row meets, such as the weights of a layer, may make of one row."""
        whole = (t.array for t in self.tensors if not t.cut and t.array.ndim > 1)
        return max((array.size // max(array.shape[-1], 1) for array in whole), default=1)

    @cached_property
    def map_parameters(self) -> Mapping[str, Any]:
        """The parameters that the map takes."""
        return {name: value for name, value in self.parameters.items() if name in self.map.parameters}

    @cached_property
    def in_order(self) -> bool:
        """Whether its tensors are those that the map takes, one for one."""
        return [bound.name for bound in self.tensors] == [each.name for each in self.map.inputs]

    @cached_property
    def bounds(self) -> Mapping[str, Bounds]:
        """The bounds in force, of the tensors whose values have to be looked at."""
        found = {t.name: t.spec.domain.bounds(self.parameters, self.bindings) for t in self.tensors}
        strict = {t.name for t in self.tensors if t.spec.domain.values}
        return {name: bounds for name, bounds in found.items() if bounds != (None, None) or name in strict}

    @cached_property
    def ready(self) -> frozenset[str]:
        """The tensors that the map takes as they are: nothing to ignore, to look at, or to cast."""
        cast = {t.name for t in self.tensors if t.spec.domain.kind == "label" or t.array.dtype != self.dtype}
        return frozenset({t.name for t in self.tensors} - cast - self.bounds.keys() - {self.true_label})

    @cached_property
    def known(self) -> dict[Any, Any]:
        """What others have found out of plans like this one, by their own keys, and nothing of any array."""
        return {}

    @cached_property
    def true_label(self) -> str | None:
        """The labels of which some are ignored, if any are: the last, since labels before them are predicted."""
        if self.parameters.get("ignore_index") is None:
            return None
        labels = {t.name for t in self.tensors if t.spec.domain.name == "label"}
        return next((each.name for each in reversed(self.map.inputs) if each.name in labels), None)

    def hollow(self, given: Container[str]) -> "Plan":
        """The plan without the arrays given, whose shapes and dtypes stay, and with all that follows from them."""
        for fact in FACTS:
            getattr(self, fact)
        bound = tuple(_hollow(b) if b.name in given else b for b in self.tensors)
        return self._with(bound, None if self.weight is None else _shadow(self.weight))

    def filled(self, tensors: Mapping[str, Array], weight: Array | None) -> "Plan":
        """The plan for these tensors, of the same shapes and dtypes as those that it was made for."""
        given = tensors.get
        bound = tuple([b if (array := given(b.name)) is None else self._refilled(b, array) for b in self.tensors])
        return self._with(bound, None if self.weight is None else np.asarray(weight).reshape(self.weight.shape))

    def _refilled(self, bound: Bound, given: Array) -> Bound:
        name, spec, array, before = bound
        if type(given) is not np.ndarray:
            given = np.asarray(given)
        return Bound(name, spec, given if array is before else laid_out(self, bound, given), given)

    def _with(self, tensors: tuple[Bound, ...], weight: Array | None) -> "Plan":
        plan = object.__new__(Plan)
        plan.__dict__.update(self.__dict__, tensors=tensors, weight=weight)
        return plan


FACTS = tuple(name for name, value in vars(Plan).items() if isinstance(value, cached_property))


def _hollow(bound: Bound) -> Bound:
    given = _shadow(bound.given)
    return bound._replace(array=given if bound.array is bound.given else _shadow(bound.array), given=given)


def _shadow(array: Array) -> Array:
    """An array of that shape and dtype that takes no room."""
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def laid_out(plan: Plan, bound: Bound, array: Array) -> Array:
    """An array of the tensor's own shape as the kernel sees the tensor: a view, so that it can be written through."""
    return arranged(plan, bound, array).reshape(bound.array.shape)


def arranged(plan: Plan, bound: Bound, array: Array) -> Array:
    """An array with the tensor's own axes, in the order of the kernel's."""
    each = next(i for i in plan.map.inputs + plan.definition.reading_inputs if i.name == bound.name)
    return arrange(each.name, turned(each, array, plan.parameters), bound.spec, plan.parameters)
