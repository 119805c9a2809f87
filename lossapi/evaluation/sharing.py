"""Which states some losses and metrics read, and which of them they share: checked and laid out, not yet computed.

Two items share a state because they declare the same map under the same parameters, never because values agree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from lossapi import parameters
from lossapi.binding import planned
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.errors import LossError
from lossapi.evaluation.items import Item
from lossapi.evaluation.rows import select
from lossapi.groups import placed
from lossapi.plan import Plan
from lossapi.summands import Summand, summands


class Reader(NamedTuple):
    """How an item reads the state of `key`; the plan is its own, the state perhaps made by another's."""

    key: Any
    plan: Plan
    reduction: str
    coefficient: float = 1.0


@dataclass(frozen=True)
class Layout:
    """Items over some tensors, checked and laid out: for each state there is to compute one plan, or why not."""

    items: tuple[Item, ...]
    readers: tuple[tuple[Reader, ...] | LossError, ...]
    plans: Mapping[Any, Plan | LossError]
    backend: str = "auto"

    def plans_read(self) -> list[list[Plan | LossError]]:
        """For each item the plans of the states that it reads."""
        return [
            [] if isinstance(each, LossError) else [self.plans[reader.key] for reader in each] for each in self.readers
        ]

    def pruned(self) -> "Layout":
        """The same without plans that no item reads."""
        read = {reader.key for each in self.readers if not isinstance(each, LossError) for reader in each}
        return replace(self, plans={key: plan for key, plan in self.plans.items() if key in read})

    def of_rows(self, index: Any) -> "Layout":
        """The same over some rows alone."""
        return replace(self, plans={key: kept(select, plan, index) for key, plan in self.plans.items()})


def kept(function: Callable[..., Any], plan: Plan | LossError, *arguments: Any) -> Any:
    """What a function makes of a plan, or its error."""
    if isinstance(plan, LossError):
        return plan
    try:
        return function(plan, *arguments)
    except LossError as error:
        return placed(error)


@np.errstate(all="ignore")
def lay(
    items: Sequence[Item], tensors: Mapping[str, Array], weight: Array | None = None, backend: str = "auto"
) -> Layout:
    """Check and lay out; an item that does not fit carries its error."""
    laying = _Laying(tensors, weight, {})
    return Layout(tuple(items), tuple(laying.readers(item) for item in items), laying.plans, backend)


class _Laying(NamedTuple):
    """One pass over some tensors: the plans met so far, by what they declare their state to be."""

    tensors: Mapping[str, Array]
    weight: Array | None
    plans: dict[Any, Plan | LossError]

    def readers(self, item: Item) -> tuple[Reader, ...] | LossError:
        """How an item reads its states, or why it cannot."""
        taken = {name: self.tensors[name] for name in item.definition.input_names if name in self.tensors}
        given, own = {**taken, **item.own}, frozenset(item.own)
        try:
            if isinstance(item.definition, Combination):
                return tuple(self._sum(item.definition, given, item.given, item.reduction, own))
            return (self._one(item.definition, given, item.parameters, item.reduction, own),)
        except LossError as error:
            return placed(error)

    def _sum(
        self, whole: Combination, tensors: Mapping[str, Array], said: Mapping[str, Any], reduction: str, own: Any
    ) -> Iterable[Reader]:
        """The terms of a weighted sum, and of the sums in it."""
        checked = parameters.check(whole.parameters, said)
        for part in summands(whole, tensors, checked, said):
            try:
                for reader in self._summand(part, reduction, own | part.own):
                    yield reader._replace(coefficient=part.coefficient * reader.coefficient)
            except LossError as error:
                raise part.placed(error) from None

    def _summand(self, part: Summand, reduction: str, own: Any) -> Iterable[Reader]:
        if isinstance(part.definition, Combination):
            return self._sum(part.definition, part.tensors, part.parameters, reduction, own)
        return (self._one(part.definition, part.tensors, part.parameters, reduction, own),)

    def _one(
        self, definition: Definition, tensors: Mapping[str, Array], given: Mapping[str, Any], reduction: str, own: Any
    ) -> Reader:
        assert isinstance(definition, Primitive)
        plan = planned(definition, tensors, given, self.weight)
        key = (declared(plan), *((name, id(tensors[name])) for name in sorted(own) if name in tensors))
        self.plans.setdefault(key, plan)
        return Reader(key, plan, reduction)


def declared(plan: Plan) -> tuple[Any, ...]:
    """What a computation declares its state to be: plans of the same tensors that agree here have the same state."""
    definition, given = plan.definition, plan.parameters
    by_rows = plan.map.gives == "sums" and definition.for_rows(given)
    reading = (definition.reading, _written(given)) if by_rows else ()
    layout = [(name, given.get(name)) for name in ("ignore_index", "class_axis", "axis")]
    tensors = [(bound.name, bound.spec, bound.array.shape) for bound in plan.tensors]
    taken = [(name, bounds) for name, bounds in plan.bounds.items()]
    same = plan.map.function, _written(plan.map_parameters), *layout, *tensors, *taken, *reading
    return *same, plan.dtype, plan.weighs_within, plan.by_row


def _written(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Parameters as a key: equal numbers of unlike types are unlike."""
    return tuple(f"{name}={value!r}" for name, value in sorted(given.items()))
