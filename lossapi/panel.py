"""Many losses and metrics of the same tensors, in one pass: a state that several of them declare is computed once.

    panel = fold(read_items({"metrics": ["precision", "recall"]}), tensors)      merge([panel, other])      read(panel)

Two items share a state because they declare the same map under the same parameters, never because values agree. One
that fails carries its own error, and the others still answer. Panels merge as states do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lossapi import engine, parameters, portable, readings
from lossapi.binding import planned
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.errors import Conflict, EmptyError, LossError, UnknownKey, Unsupported, nearest
from lossapi.groups import placed
from lossapi.items import Item
from lossapi.plan import Plan
from lossapi.portable import Portable
from lossapi.states import State
from lossapi.summands import Summand, summands


class Term(NamedTuple):
    """A state that an item reads; sums of losses have several. `merges` is whether rows do not see each other."""

    source: Portable
    coefficient: float = 1.0
    merges: bool = True


Part: TypeAlias = tuple[Term, ...] | LossError
"""What an item reads, or why it cannot; without terms nothing has come yet."""


@dataclass(frozen=True)
class Panel:
    """Items and what each reads: terms that share a state hold the same object."""

    items: tuple[Item, ...]
    parts: tuple[Part, ...]

    def require_whole(self) -> None:
        """Raise the error of the first item that failed, placed at the item."""
        for item, part in zip(self.items, self.parts, strict=True):
            if isinstance(part, LossError):
                raise type(part).of(replace(fault, where=item.place) for fault in part.faults)


@dataclass(frozen=True)
class Outcome:
    """What one item came to: its value and how many rows or elements entered, or an error."""

    item: Item
    value: Any
    count: int
    error: LossError | None = None

    def plain(self, problem: Callable[[LossError], Any]) -> dict[str, Any]:
        """As it is sent; `problem` writes an error."""
        if self.error is not None:
            return {**self.item.shown, "value": None, "count": self.count, "error": problem(self.error)}
        finite = isfinite(self.value) if type(self.value) is float else readings.finite(self.value)
        return {**self.item.shown, "value": self.value, "count": self.count, "finite": finite}


def zero(items: Sequence[Item]) -> Panel:
    """A panel that no batch has come to."""
    return Panel(tuple(items), ((),) * len(items))


def require_taken(items: Sequence[Item], names: Iterable[str], besides: Sequence[str] = ()) -> None:
    """Refuse a tensor that no item takes; `besides` are other keys that may stand there."""
    known = {name for item in items for name in item.definition.input_names} | {"weight"}
    for name in names:
        if name not in known:
            raise UnknownKey(nearest(name, sorted({*known, *besides})), f"unknown key {name!r}", (name,))


@np.errstate(all="ignore")
def fold(
    items: Sequence[Item], tensors: Mapping[str, Array], weight: Array | None = None, backend: str = "auto"
) -> Panel:
    """The states of all items over the same tensors, of which each takes those that its definition names."""
    folding = _Folding(tensors, weight, backend, {})
    return Panel(tuple(items), tuple(folding.part(item) for item in items))


class _Folding(NamedTuple):
    """One pass over some tensors: the states met so far, by what they are states of."""

    tensors: Mapping[str, Array]
    weight: Array | None
    backend: str
    states: dict[Any, State]

    def part(self, item: Item) -> Part:
        """What an item reads, or its error."""
        taken = {name: self.tensors[name] for name in item.definition.input_names if name in self.tensors}
        given = {**taken, **item.own}
        try:
            if isinstance(item.definition, Combination):
                return tuple(self._terms(item.definition, given, item.given, item.reduction, frozenset(item.own)))
            return (self._term(item.definition, given, item.parameters, item.reduction, frozenset(item.own)),)
        except LossError as error:
            return placed(error)

    def _terms(
        self, whole: Combination, tensors: Mapping[str, Array], said: Mapping[str, Any], reduction: str, own: Any
    ) -> Iterable[Term]:
        """The terms of a weighted sum, and of the sums in it."""
        checked = parameters.check(whole.parameters, said)
        for part in summands(whole, tensors, checked, said):
            try:
                for term in self._summand(part, reduction, own | part.own):
                    yield term._replace(coefficient=part.coefficient * term.coefficient)
            except LossError as error:
                raise part.placed(error) from None

    def _summand(self, part: Summand, reduction: str, own: Any) -> Iterable[Term]:
        if isinstance(part.definition, Combination):
            return self._terms(part.definition, part.tensors, part.parameters, reduction, own)
        return (self._term(part.definition, part.tensors, part.parameters, reduction, own),)

    def _term(
        self, definition: Definition, tensors: Mapping[str, Array], given: Mapping[str, Any], reduction: str, own: Any
    ) -> Term:
        assert isinstance(definition, Primitive)
        plan = planned(definition, tensors, given, self.weight)
        key = (declared(plan), *((name, id(tensors[name])) for name in sorted(own) if name in tensors))
        if key not in self.states:
            backend = engine.backend_of(plan, self.backend, reduction)
            self.states[key] = engine.fold(plan, keep=False, backend=backend)
        return Term(portable.readable(plan, reduction, self.states[key]), merges=plan.batch is not None)


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


@np.errstate(all="ignore")
def merge(panels: Sequence[Panel]) -> Panel:
    """Several panels of the same items as one, in order; an item that fails in one of them has failed."""
    first = panels[0]
    for index, other in enumerate(panels):
        if other.items != first.items:
            raise Conflict("states of the same losses and metrics", "others", (index,))
    states: dict[tuple[int, ...], State] = {}
    every = zip(*(panel.parts for panel in panels), strict=True)
    return Panel(first.items, tuple(_joined(parts, states) for parts in every))


def _joined(parts: Sequence[Part], states: dict[tuple[int, ...], State]) -> Part:
    """The parts of one item; what is shared in all panels stays so."""
    failed = next((part for part in parts if isinstance(part, LossError)), None)
    if failed is not None:
        return failed
    come = [part for part in parts if part and not isinstance(part, LossError)]
    if len(come) < 2:
        return come[0] if come else ()
    try:
        if len({tuple(term.coefficient for term in part) for part in come}) > 1:
            raise Conflict("sums of the same terms", "others")
        return tuple(_added(terms, states) for terms in zip(*come, strict=True))
    except LossError as error:
        return error


def _added(terms: Sequence[Term], states: dict[tuple[int, ...], State]) -> Term:
    first, sources = terms[0], [term.source for term in terms]
    if not all(term.merges for term in terms):
        name = first.source.definition.name
        raise Unsupported("all rows at once, or a loss or metric whose rows do not see each other", name)
    key = tuple(id(each.state) for each in sources)
    portable.require_alike(sources)
    if key not in states:
        states[key] = portable.merge(sources).state
    return first._replace(source=replace(first.source, state=states[key]))


def read(panel: Panel) -> list[Outcome]:
    """What every item comes to; where a value is not defined (yet), its state stays as it is."""
    return [_outcome(item, part) for item, part in zip(panel.items, panel.parts, strict=True)]


def _outcome(item: Item, part: Part) -> Outcome:
    if isinstance(part, LossError):
        return Outcome(item, None, 0, part)
    if not part:
        return Outcome(item, None, 0, EmptyError("at least one batch", "none"))
    try:
        values = [term.source.read() for term in part]
        if len(part) == 1:
            return Outcome(item, *values[0])
        value = sum(term.coefficient * found for term, (found, _) in zip(part, values, strict=True))
        return Outcome(item, value, max(count for _, count in values))
    except LossError as error:
        return Outcome(item, None, max(term.source.state.count for term in part), error)
