"""Together as apart: what several definitions come to in one pass is, to the last bit, what each comes to by itself."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lossapi import engine
from lossapi.codecs import json
from lossapi.definition import Definition, Primitive
from lossapi.engine import Call
from lossapi.errors import LossError
from lossapi.evaluation import panel, portable_panel, sharing
from lossapi.evaluation.items import Item
from lossapi.evaluation.panel import Panel
from lossapi.groups import together
from lossapi.metrics.accuracy import accuracy
from tests.laws.every import DEFINITIONS, Outcome, definition_of, every_definition, outcome
from tests.samples import Sample, samples


def item(definition: Definition, parameters: Any = None, label: str = "") -> Item:
    """A definition under some parameters, as it is asked for: null leaves the default."""
    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    label = label or f"{definition.kind}.{definition.name}"
    checked = vars(definition.parameters.model_validate(given))
    return Item(definition, label, definition.default_reduction, checked, given, {}, ())


def functions(definition: Definition) -> set[Any]:
    """The maps that a definition reads."""
    if isinstance(definition, Primitive):
        return {each.function for each in definition.maps}
    parts: Sequence[Sequence[Definition]] = getattr(definition, "parts", ())
    return {function for part in parts for each in part for function in functions(each)}


def kin(definition: Definition) -> Iterator[Definition]:
    """The other definitions that might share a state with it, of those that need no more parameters."""
    mine = functions(definition)
    for each in DEFINITIONS:
        needs = any(field.is_required() for field in each.parameters.model_fields.values())
        if each is not definition and not needs and mine & functions(each):
            yield each


def apart(each: Item, sample: Sample) -> Outcome:
    """What one of them comes to by itself."""
    given = together(sample.tensors)
    tensors = {name: given[name] for name in each.definition.input_names if name in given}
    return outcome(engine.run, Call(each.definition, tensors, each.given))


def raised(found: panel.Outcome) -> Outcome:
    """What one of them comes to beside others."""

    def value() -> Any:
        if found.error is not None:
            raise found.error
        return found.value, found.count

    return outcome(value)


def together_as_apart(definition: Definition) -> None:
    """Every sample of a definition, read beside all that might share its state."""
    relatives = [item(each) for each in kin(definition)]
    for sample in samples(definition):
        items = [item(definition, sample.parameters, "itself"), *relatives]
        for found in panel.read(panel.fold(items, together(sample.tensors))):
            assert raised(found).same_bits(apart(found.item, sample)), f"{found.item.label} beside {sample}"


@every_definition
def test_together_as_apart(definition: Definition) -> None:
    together_as_apart(definition)


def test_sharing_what_is_declared_apart_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "declared", lambda plan: (plan.map.function,))
    with pytest.raises(AssertionError, match="beside"):
        together_as_apart(definition_of(accuracy))


def shared(whole: Panel) -> list[int]:
    """For each term the place of its state among those that there are."""
    states = [id(term.source.state) for part in whole.parts if not isinstance(part, LossError) for term in part]
    return [list(dict.fromkeys(states)).index(each) for each in states]


def travelling(whole: Panel) -> Panel:
    """The items that have a state to send, in the order in which they are asked for."""
    pairs = [(i, p) for i, p in zip(whole.items, whole.parts, strict=True) if not isinstance(p, LossError)]
    kept = sorted([(i, p) for i, p in pairs if all(t.merges for t in p)], key=lambda pair: pair[0].definition.kind)
    return Panel(tuple(i for i, _ in kept), tuple(p for _, p in kept))


@every_definition
def test_a_panel_that_travelled_shares_and_reads_the_same(definition: Definition) -> None:
    relatives = [item(each) for each in kin(definition)]
    for sample in samples(definition):
        own = item(definition, sample.parameters, "itself")
        whole = travelling(panel.fold([own, *relatives], together(sample.tensors)))
        if whole.items:
            back = portable_panel.unpack(json.decode(json.encode(portable_panel.pack(whole))))
            assert (back.items, shared(back)) == (whole.items, shared(whole))
            for one, two in zip(panel.read(whole), panel.read(back), strict=True):
                assert raised(one).same_bits(raised(two)), f"{one.item.label} beside {sample}"
