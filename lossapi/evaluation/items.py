"""Losses and metrics that are asked for together: each with its parameters, and the label that it answers under.

    {"losses": ["huber", {"name": "focal", "gamma": 2}], "metrics": [{"name": "f_beta", "beta": 2, "as": "f2"}]}

Every fault is placed at what was asked for: `/metrics/0/beta`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi import registry
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition, Kind
from lossapi.domains import Array
from lossapi.errors import ParameterError, Path, TooLarge, UnknownKey, Unsupported, nearest, placed_at
from lossapi.parameters import check
from lossapi.portable import plain
from lossapi.signature import Input

KINDS: Mapping[str, Kind] = {plural: kind for kind, plural in registry.PLURAL.items()}
OWN = ("name", "as", "reduction")
MOST = 1024
"""How many losses and metrics may be asked for together."""


@dataclass(frozen=True, eq=False)
class Item:
    """One loss or metric asked for; `given` are the parameters as they were asked for, `own` tensors for it alone."""

    definition: Definition
    label: str
    reduction: str
    parameters: Mapping[str, Any]
    given: Mapping[str, Any]
    own: Mapping[str, Array]
    place: Path

    def __eq__(self, other: object) -> bool:
        """Whether the same is asked for, under the same label."""
        return isinstance(other, Item) and self._plain == other._plain and _same(self.own, other.own)

    def __hash__(self) -> int:
        return hash(self.label)

    @property
    def _plain(self) -> tuple[Any, ...]:
        return self.definition.kind, self.definition.name, self.label, self.reduction, plain(self.parameters)

    @property
    def shown(self) -> dict[str, Any]:
        """How a result names it."""
        return {"name": self.definition.name, "as": self.label}


def _same(one: Mapping[str, Array], two: Mapping[str, Array]) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(each, two[name]) for name, each in one.items())


def read_items(given: Mapping[str, Any]) -> tuple[Item, ...]:
    """What `losses` and `metrics` ask for, in that order."""
    items: list[Item] = []
    for plural in KINDS:
        for place, asked in _listed(given, plural):
            with placed_at(*place):
                items.append(_item(plural, asked, place))
    if not items:
        raise ParameterError("losses or metrics, at least one", "none")
    _require_labels_apart(items)
    return tuple(items)


def _listed(given: Mapping[str, Any], plural: str) -> Iterator[tuple[Path, Any]]:
    asked = given.get(plural)
    asked = [] if asked is None else asked.split(",") if isinstance(asked, str) else asked
    if not isinstance(asked, list):
        raise ParameterError(f"{plural} as a list of names or objects", type(asked).__name__, (plural,))
    if len(asked) > MOST:
        raise TooLarge(f"at most {MOST} {plural} in one request", str(len(asked)), (plural,))
    return (((plural, index), each) for index, each in enumerate(asked))


def _item(plural: str, asked: Any, place: Path) -> Item:
    if isinstance(asked, str):
        asked = {"name": asked}
    if not isinstance(asked, Mapping):
        raise ParameterError("a name, or an object with a name", type(asked).__name__)
    name = asked.get("name")
    if not isinstance(name, str):
        raise ParameterError("name, a text", "nothing" if name is None else repr(name)[:60], ("name",))
    definition = registry.get(KINDS[plural], name)
    said = {key: value for key, value in asked.items() if key not in OWN and value is not None}
    own = {each.name: _tensor(each, said.pop(each.name)) for each in definition.inputs if each.name in said}
    _require_known(definition, said)
    label, reduction = _label(asked.get("as"), name), _reduction(definition, asked.get("reduction"))
    return Item(definition, label, reduction, check(definition.parameters, said), said, own, place)


def _tensor(each: Input, value: Any) -> Array:
    """A tensor for one item alone."""
    if each.family is not None:
        raise Unsupported(f"{each.name} beside what is asked for", "one within it", (each.name,))
    with placed_at(each.name):
        return np.asarray(tensor(value))


def _require_known(definition: Definition, said: Mapping[str, Any]) -> None:
    known = [*OWN, *definition.fields, *definition.input_names]
    unknown = next((key for key in said if key not in known), None)
    if unknown is not None:
        raise UnknownKey(nearest(unknown, known), f"unknown key {unknown!r}", (unknown,))


def _label(asked: Any, name: str) -> str:
    if asked is None:
        return name
    if not isinstance(asked, str) or not asked:
        raise ParameterError("as, a text", repr(asked)[:60], ("as",))
    return asked


def _reduction(definition: Definition, asked: Any) -> str:
    """The reduction: one that comes to a number."""
    if asked is None:
        return definition.default_reduction
    known = [each for each in definition.reductions if each != "none"]
    if not isinstance(asked, str) or asked not in known:
        expected = f"reduction to be one of {', '.join(known)}" if known else "no reduction (a metric has its own)"
        raise ParameterError(expected, repr(asked)[:60], ("reduction",))
    return str(asked)


def _require_labels_apart(items: Sequence[Item]) -> None:
    met: set[str] = set()
    for item in items:
        if item.label in met:
            raise ParameterError("labels that differ (say as)", f"another {item.label!r}", (*item.place, "as"))
        met.add(item.label)
