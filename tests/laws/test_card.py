"""A card cannot lie: its example request gives its example's value, and all of it can be sent as JSON."""

import json
from typing import Any

import pytest

from lossapi import describe
from lossapi.definition import Definition, loss
from lossapi.document import SECTIONS
from lossapi.domains import Array, Real, Rows
from tests.laws.every import definition_of, every_definition, leaves, near

REQUIRED = ("Formula", "Shapes", "Source", "Example")


def the_example_is_true(definition: Definition) -> None:
    """To nine digits."""
    _, claimed = definition.document.example
    response = describe.example(definition)["response"]
    found = response.get("value", response.get("values"))
    for (name, one), (_, two) in zip(leaves(found), leaves(claimed), strict=True):
        assert near(as_numbers(one), as_numbers(two), 1e-9), f"{definition.name}: {name} is {one}, not {two}"


def as_numbers(value: Any) -> object:
    """Non-finite numbers travel by name."""
    return [as_numbers(each) for each in value] if isinstance(value, list) else float(value)


def the_card_is_complete(definition: Definition) -> None:
    """A sentence, the sections that every definition has, and nothing that JSON cannot hold."""
    document = definition.document
    for section in REQUIRED:
        assert document.sections.get(section), f"{definition.name} has no {section}:"
    assert document.summary.endswith("."), f"{definition.name}: {document.summary!r} is no sentence"
    assert set(document.sections) <= set(SECTIONS)
    card = describe.card(definition)
    assert json.loads(json.dumps(card, allow_nan=False)) == card, definition.name


@every_definition
def test_the_example_is_true(definition: Definition) -> None:
    the_example_is_true(definition)


@every_definition
def test_the_card_is_complete(definition: Definition) -> None:
    the_card_is_complete(definition)


def test_a_wrong_example_is_caught() -> None:
    @loss(family="liar")
    def doubled(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        """Twice the prediction.

        Example:
            {"prediction": [1.0, 2.0]} → 3.5
        """
        return 2.0 * prediction

    with pytest.raises(AssertionError, match=r"is 3\.0, not 3\.5"):
        the_example_is_true(definition_of(doubled))


def test_a_missing_section_is_caught() -> None:
    @loss(family="liar")
    def unsourced(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        """The prediction.

        Formula:
            p
        Shapes:
            prediction: (batch)
        """
        return prediction

    with pytest.raises(AssertionError, match="has no Source"):
        the_card_is_complete(definition_of(unsourced))
