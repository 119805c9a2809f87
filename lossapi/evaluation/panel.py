"""Many losses and metrics of the same tensors, in one pass: a state that several of them declare is computed once.

    panel = fold(read_items({"metrics": ["precision", "recall"]}), tensors)      merge([panel, other])      read(panel)

One that fails carries its own error, and the others still answer. Panels merge as states do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lossapi import engine, portable, readings
from lossapi.domains import Array
from lossapi.errors import Conflict, EmptyError, LossError, UnknownKey, Unsupported, nearest
from lossapi.evaluation.items import Item
from lossapi.evaluation.sharing import Layout, Reader, kept, lay
from lossapi.plan import Plan
from lossapi.portable import Portable
from lossapi.states import State


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


def fold(
    items: Sequence[Item], tensors: Mapping[str, Array], weight: Array | None = None, backend: str = "auto"
) -> Panel:
    """The states of all items over the same tensors, of which each takes those that its definition names."""
    return folded(lay(items, tensors, weight, backend))


@np.errstate(all="ignore")
def folded(layout: Layout) -> Panel:
    """Every state computed once, and what each item reads."""
    states = {key: kept(state_of, plan, layout.backend) for key, plan in layout.plans.items()}
    return read_by(layout, states)


def state_of(plan: Plan, backend: str = "numpy") -> State:
    """The state of one plan."""
    return engine.fold(plan, keep=False, backend=engine.backend_of(plan, backend))


def read_by(layout: Layout, states: Mapping[Any, State | LossError]) -> Panel:
    """The panel of some states of a layout."""
    return Panel(layout.items, tuple(_part(readers, states) for readers in layout.readers))


def _part(readers: tuple[Reader, ...] | LossError, states: Mapping[Any, State | LossError]) -> Part:
    if isinstance(readers, LossError):
        return readers
    terms = []
    for key, plan, reduction, coefficient in readers:
        state = states[key]
        if isinstance(state, LossError):
            return state
        terms.append(Term(portable.readable(plan, reduction, state), coefficient, plan.batch is not None))
    return tuple(terms)


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
