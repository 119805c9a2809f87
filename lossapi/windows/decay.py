"""States of rows that count for less: what is a sum is scaled, and so what is read from it is a weighted mean."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from lossapi import portable
from lossapi.definition import Primitive
from lossapi.errors import LossError, Unsupported
from lossapi.evaluation.items import Item
from lossapi.evaluation.panel import Panel, Part, Term
from lossapi.states import Comoments, Counts, Moments, State, Sums, Totals

EXPECTED = "a state of sums, which can be scaled"


def _totals(state: Any, factor: float) -> Totals:
    return Totals(*(getattr(state, each.name) * factor for each in fields(state)))


def _sums(state: Sums, factor: float) -> Sums:
    return replace(state, sums={name: each * factor for name, each in state.sums.items()})


def _moments(state: Moments, factor: float) -> Moments:
    if state.low.size:
        raise Unsupported(EXPECTED, "the least and the most")
    return replace(state, weight=state.weight * factor, squares=state.squares * factor)


def _comoments(state: Comoments, factor: float) -> Comoments:
    return replace(state, weight=state.weight * factor, squares=state.squares * factor, cross=state.cross * factor)


def _counts(state: Counts, factor: float) -> Counts:
    extra = {name: each * factor for name, each in state.extra.items()}
    return replace(state, table=state.table * factor, extra=extra)


SCALED: Mapping[type, Callable[[Any, float], Any]] = {
    Totals: _totals,
    Sums: _sums,
    Moments: _moments,
    Comoments: _comoments,
    Counts: _counts,
}
"""How each kind of state is scaled; others hold more than sums."""


def require_scalable(item: Item) -> None:
    """Refuse an item whose state holds more than sums."""
    if isinstance(item.definition, Primitive):
        for kind in portable.state_kinds(item.definition, item.parameters):
            if kind not in SCALED:
                raise Unsupported(EXPECTED, f"{item.definition.name} ({kind.__name__})", item.place)


def scaled(panel: Panel, factor: float) -> Panel:
    """Every state of a panel, each of its rows counting so much less; what is shared stays so."""
    known: dict[int, State] = {}
    return Panel(panel.items, tuple(_part(part, factor, known) for part in panel.parts))


def _part(part: Part, factor: float, known: dict[int, State]) -> Part:
    return part if isinstance(part, LossError) else tuple(_term(term, factor, known) for term in part)


def _term(term: Term, factor: float, known: dict[int, State]) -> Term:
    state = term.source.state
    if id(state) not in known:
        if type(state) not in SCALED:
            raise Unsupported(EXPECTED, f"{term.source.definition.name} ({type(state).__name__})")
        known[id(state)] = SCALED[type(state)](state, factor)
    return term._replace(source=replace(term.source, state=known[id(state)]))
