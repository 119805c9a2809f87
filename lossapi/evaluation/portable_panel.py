"""Panels that travel: the losses and metrics as they were asked for, and each state once, however many items read it.

{"version": 1, "kind": "panel", "metrics": [{"name": "f_beta", "beta": 2.0, "as": "f2"}],
 "terms": {"f2": [{"state": 0}]}, "states": [{"form": "Counts", "content": {…}}]}
"""

from collections.abc import Mapping
from typing import Any

from lossapi import portable
from lossapi.combination import Combination
from lossapi.errors import LossError, ParameterError, UnknownKey, Unsupported, nearest
from lossapi.evaluation.items import KINDS, Item, read_items
from lossapi.evaluation.panel import Panel, Part, Term
from lossapi.portable import VERSION, Portable

KIND = "panel"
KEYS = ("version", "kind", *KINDS, "terms", "states")
BODY = ("form", "content")


def pack(panel: Panel) -> dict[str, Any]:
    """A panel as plain data; one with an item that failed raises its error."""
    panel.require_whole()
    places: dict[int, int] = {}
    states: list[Any] = []
    terms = {
        item.label: [_term(item, term, places, states) for term in part]
        for item, part in zip(panel.items, panel.parts, strict=True)
        if not isinstance(part, LossError)
    }
    asked = {plural: [_asked(i) for i in panel.items if i.definition.kind == kind] for plural, kind in KINDS.items()}
    return {"version": VERSION, "kind": KIND, **{k: v for k, v in asked.items() if v}, "terms": terms, "states": states}


def _asked(item: Item) -> dict[str, Any]:
    """An item as it is asked for, defaults written out; those of a sum are those of its terms."""
    given = item.given if isinstance(item.definition, Combination) else item.parameters
    plain = {name: value for name, value in given.items() if value is not None}
    reduction = {"reduction": item.reduction} if item.definition.kind == "loss" else {}
    return {**item.shown, **reduction, **portable.plain({**plain, **item.own})}


def _term(item: Item, term: Term, places: dict[int, int], states: list[Any]) -> dict[str, Any]:
    source = term.source
    if not term.merges:
        raise Unsupported("a loss or metric whose rows do not see each other", source.definition.name, item.place)
    if id(source.state) not in places:
        places[id(source.state)] = len(states)
        states.append(source.body())
    inherited = () if isinstance(item.definition, Combination) else ("kind", "name", "parameters", "reduction")
    head = {name: each for name, each in source.head().items() if name not in ("version", *inherited)}
    weighed = {"coefficient": term.coefficient} if isinstance(item.definition, Combination) else {}
    return {"state": places[id(source.state)], **weighed, **head}


def unpack(value: Any) -> Panel:
    """The panel that plain data stands for; every fault is placed within it."""
    _require_panel(value)
    items = read_items(value)
    terms, states = _of_type(value, "terms", Mapping), _of_type(value, "states", list)
    labels = {item.label for item in items}
    if set(terms) != labels:
        raise ParameterError(f"terms of {', '.join(sorted(labels))}", ", ".join(map(str, terms)) or "none", ("terms",))
    known: dict[int, Portable] = {}
    return Panel(items, tuple(_part(item, terms[item.label], states, known) for item in items))


def _require_panel(value: Any) -> None:
    if not isinstance(value, Mapping):
        raise ParameterError("a state, as an object", type(value).__name__)
    unknown = next((key for key in value if key not in KEYS), None)
    if unknown is not None:
        raise UnknownKey(nearest(unknown, KEYS), f"unknown key {unknown!r}", (unknown,))
    for name, wanted in (("version", VERSION), ("kind", KIND)):
        if value.get(name) != wanted:
            raise ParameterError(f"{name} {wanted}", repr(value.get(name))[:60], (name,))


def _of_type(value: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(value.get(name), kind):
        raise ParameterError(f"{name} of a panel", type(value.get(name)).__name__, (name,))
    return value[name]


def _part(item: Item, terms: Any, states: list[Any], known: dict[int, Portable]) -> Part:
    whole = isinstance(item.definition, Combination)
    if not isinstance(terms, list) or not (whole or len(terms) <= 1):
        raise ParameterError("a list of terms", type(terms).__name__, ("terms", item.label))
    found = []
    for index, each in enumerate(terms):
        try:
            found.append(_read_term(item, each, states, known))
        except LossError as error:
            raise error.within("terms", item.label, index) from None
    return tuple(found)


def _read_term(item: Item, value: Any, states: list[Any], known: dict[int, Portable]) -> Term:
    """One term, whose state is read once for all terms that share it."""
    if not isinstance(value, Mapping):
        raise ParameterError("a term, as an object", type(value).__name__)
    place, coefficient = value.get("state"), value.get("coefficient", 1.0)
    if type(place) is not int or not 0 <= place < len(states) or not isinstance(states[place], Mapping):
        raise ParameterError(f"state < {len(states)}, an object in states", repr(place)[:60], ("state",))
    if isinstance(coefficient, bool) or not isinstance(coefficient, int | float):
        raise ParameterError("coefficient, a number", repr(coefficient)[:60], ("coefficient",))
    head = {name: each for name, each in value.items() if name not in ("state", "coefficient")}
    if not isinstance(item.definition, Combination):
        kind = item.definition.kind
        own = {"reduction": item.reduction} if kind == "loss" else {}
        head |= {"kind": kind, "name": item.definition.name, "parameters": dict(item.parameters), **own}
    given = {"version": VERSION, **head, **{name: states[place].get(name) for name in BODY}}
    source = portable.unpack(given, known.get(place))
    known.setdefault(place, source)
    return Term(source, float(coefficient))


def is_panel(value: Any) -> bool:
    """Whether plain data says of itself that it is a panel."""
    return isinstance(value, Mapping) and value.get("kind") == KIND
