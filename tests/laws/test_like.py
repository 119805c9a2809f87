"""Presets are data: each binds to the definition it stands beside. That its numbers are the library's, parity holds."""

import pytest

from lossapi import like
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Real, Rows
from lossapi.libraries.presets import Preset, torch
from tests.laws.every import DEFINITIONS, definition_of, every_definition

OPTIONS = frozenset({"weight", *like.OPTIONS})


def presets_bind(definition: Definition) -> None:
    """Every argument is renamed to something of ours, or a `prepare` consumes it; what is fixed is ours."""
    ours = OPTIONS | set(definition.input_names) | set(definition.fields)
    for preset in definition.like:
        assert preset.arguments, f"{place(preset)} has no arguments"
        assert set(preset.rename) <= set(preset.arguments), f"{place(preset)} renames what it does not take"
        assert set(preset.fixed) <= ours, f"{place(preset)} fixes {set(preset.fixed) - ours}"
        named = {preset.named(argument) for argument in preset.arguments}
        unknown = set() if preset.prepare or preset.refused else named - ours
        assert not unknown, f"{place(preset)}: {unknown} means nothing here"
        assert preset.reduction is None or preset.reduction in definition.reductions, place(preset)


def place(preset: Preset) -> str:
    """The library and the function."""
    return f"{preset.library.name} {preset.function}"


@every_definition
def test_presets_bind(definition: Definition) -> None:
    presets_bind(definition)


def test_every_preset_is_found_by_its_name() -> None:
    stated = {place(preset) for definition in DEFINITIONS for preset in definition.like}
    assert stated == {f"{library} {name}" for library, functions in like.presets().items() for name in functions}


def test_an_argument_that_means_nothing_is_caught() -> None:
    @loss(family="liar", like=[torch("liar_loss(input, target, margin=1.0)")])
    def liar(prediction: Real[Array, "batch"], target: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        return prediction - target

    with pytest.raises(AssertionError, match="margin"):
        presets_bind(definition_of(liar))
