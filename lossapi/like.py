"""Another library's function by its own name: its arguments in, its own answer out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from lossapi import engine, registry
from lossapi.definition import Definition
from lossapi.engine import Call, Result
from lossapi.errors import LossError, ParameterError, UnknownName, nearest
from lossapi.gradients import walk
from lossapi.presets import REQUIRED, Preset
from lossapi.tape import Traced, lower

OPTIONS = ("reduction", "weight", "empty", "mean_axes", "unchecked", "shape", "align", "allow_nan")


@cache
def presets() -> Mapping[str, Mapping[str, tuple[Definition, Preset]]]:
    """Every preset by library and function, with the definition it stands beside."""
    found: dict[str, dict[str, tuple[Definition, Preset]]] = {}
    for definition in registry.catalogue().values():
        for preset in definition.like:
            functions = found.setdefault(preset.library.name, {})
            if preset.function in functions:
                raise ValueError(f"{preset.library.name} {preset.function} is defined twice")
            functions[preset.function] = (definition, preset)
    return {library: dict(sorted(functions.items())) for library, functions in sorted(found.items())}


def find(library: str, function: str) -> tuple[Definition, Preset]:
    """The definition and preset for one function of one library."""
    functions = presets().get(library)
    if functions is None:
        raise UnknownName(f"a library such as {nearest(library, presets())}", repr(library))
    if function not in functions:
        raise UnknownName(f"a function of {library} such as {nearest(function, functions)}", repr(function))
    return functions[function]


@np.errstate(all="ignore")
def call(library: str, function: str, arguments: Mapping[str, Any]) -> Call:
    """The library's call as one of ours."""
    definition, preset = find(library, function)
    inputs = frozenset(each.name for each in definition.inputs)
    _require(definition, preset, arguments)
    given = {
        name: np.asarray(value) if preset.is_tensor(name, inputs) and not plain(value) else value
        for name, value in arguments.items()
    }
    ours = preset.translate(given)
    return Call(
        definition,
        tensors={name: value for name, value in ours.items() if name in inputs},
        parameters={name: value for name, value in ours.items() if name not in inputs and name not in OPTIONS},
        **{name: ours[name] for name in OPTIONS if name in ours},
    )


def _require(definition: Definition, preset: Preset, arguments: Mapping[str, Any]) -> None:
    """A tensor that both libraries need may not be null."""
    needed = {each.name for each in definition.inputs if not each.optional}
    for name, default in preset.arguments.items():
        held = default is REQUIRED and (preset.named(name) in needed or name in preset.tensors)
        if held and arguments.get(name, REQUIRED) is None:
            raise ParameterError(f"tensor {name}", "null", (name,))


def plain(value: Any) -> bool:
    """Whether a tensor's argument is nothing, traced, or a sparse tensor by its parts: taken as it is."""
    return value is None or isinstance(value, Mapping | Traced)


def compute(
    library: str, function: str, arguments: Mapping[str, Any], *, returns: Sequence[str] = ("value",)
) -> Result:
    """What the library's function gives; faults and gradients are named by the library's own arguments."""
    _, preset = find(library, function)
    theirs = {preset.named(name): name for name in preset.arguments}
    try:
        if "gradient" in returns:
            return differentiated(library, function, arguments, returns)
        return engine.run(call(library, function, arguments))
    except LossError as error:
        raise error.renamed(theirs) from None


def differentiated(library: str, function: str, arguments: Mapping[str, Any], returns: Sequence[str]) -> Result:
    """The value, and its derivative by the library's own arguments: back through what lays them out for us too."""
    definition, preset = find(library, function)
    inputs = frozenset(each.name for each in definition.inputs)
    leaves = {
        name: Traced(np.asarray(value), tracked=True)
        for name, value in arguments.items()
        if preset.is_tensor(name, inputs) and not plain(value) and np.asarray(value).dtype.kind in "fV"
    }
    traced = call(library, function, {**arguments, **leaves})
    tensors = {name: lower(value) for name, value in traced.tensors.items()}
    parameters = {name: lower(value) for name, value in traced.parameters.items()}
    tracked = {name: value for name, value in traced.tensors.items() if type(value) is Traced and value.tracked}
    weight = lower(traced.weight)
    asked = replace(traced, tensors=tensors, parameters=parameters, weight=weight, returns=returns, wrt=tuple(tracked))
    result = engine.run(asked)
    found = result.gradient or {}
    seeds = [(value, found[name]) for name, value in tracked.items() if name in found]
    return replace(result, gradient=walk(seeds, leaves))
