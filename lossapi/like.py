"""Another library's function by its own name: its arguments in, its own answer out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from lossapi import engine, registry
from lossapi.definition import Definition
from lossapi.domains import TAG
from lossapi.engine import Call, Result
from lossapi.errors import DtypeError, LossError, ParameterError, UnknownName, Unsupported, nearest
from lossapi.gradients import walk
from lossapi.groups import apart, in_parts
from lossapi.libraries.presets import REQUIRED, Preset
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
    parted = {name for name in arguments if name in preset.sparse or in_parts(definition, preset.named(name))}
    given = {
        name: _tensor(name, value, name in parted) if preset.is_tensor(name, inputs) else value
        for name, value in arguments.items()
    }
    ours = preset.translate(given)
    return Call(
        definition,
        tensors=apart(definition, {name: value for name, value in ours.items() if name in inputs}),
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


def _tensor(name: str, value: Any, parted: bool) -> Any:
    """An array of numbers; nothing stays nothing, and what comes in parts stays so where the preset takes it."""
    if value is None or type(value) is Traced or (parted and isinstance(value, Mapping)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biufV":
        got = "an object" if isinstance(value, Mapping) else repr(value)
        raise DtypeError(f"{name} as numbers", got, (name,))
    return array


def compute(
    library: str,
    function: str,
    arguments: Mapping[str, Any],
    *,
    returns: Sequence[str] = ("value",),
    backend: str = "auto",
) -> Result:
    """What the library's function gives; faults and gradients are named by the library's own arguments."""
    definition, preset = find(library, function)
    if "state" in returns:
        place = f"the state of {definition.kind} {definition.name}, asked for under that name"
        raise Unsupported(place, f"that of {function}", ("return",))
    theirs = {preset.named(name): name for name in preset.arguments}
    try:
        if "gradient" in returns:
            return differentiated(library, function, arguments, returns)
        return engine.run(replace(call(library, function, arguments), returns=returns, backend=backend))
    except LossError as error:
        raise error.renamed(theirs) from None


def differentiated(library: str, function: str, arguments: Mapping[str, Any], returns: Sequence[str]) -> Result:
    """The value, and its derivative by the library's own arguments: back through what lays them out for us too."""
    leaves, given = traced_arguments(*find(library, function), arguments)
    traced = call(library, function, given)
    tensors = {name: lower(value) for name, value in traced.tensors.items()}
    parameters = {name: lower(value) for name, value in traced.parameters.items()}
    tracked = {name: value for name, value in traced.tensors.items() if type(value) is Traced and value.tracked}
    result = engine.run(
        replace(
            traced,
            tensors=tensors,
            parameters=parameters,
            weight=lower(traced.weight),
            returns=returns,
            wrt=tuple(tracked),
        )
    )
    found = result.gradient or {}
    return replace(
        result, gradient=walk([(value, found[name]) for name, value in tracked.items() if name in found], leaves)
    )


def traced_arguments(
    definition: Definition, preset: Preset, arguments: Mapping[str, Any]
) -> tuple[dict[str, Traced], dict[str, Any]]:
    """The floating tensors but the rows' weights as leaves of a tape, and the arguments with these in their place."""
    inputs, given = frozenset(definition.input_names), dict(arguments)
    leaves: dict[str, Traced] = {}
    for name, value in arguments.items():
        if isinstance(value, Mapping) and in_parts(definition, preset.named(name)):
            own = {key: leaf for key, part in value.items() if (leaf := _leaf(part)) is not None}
            leaves |= {f"{name}.{value.get(TAG)}.{key}": leaf for key, leaf in own.items()}
            given[name] = {**value, **own}
        elif preset.is_tensor(name, inputs) and preset.named(name) != "weight" and (leaf := _leaf(value)) is not None:
            leaves[name] = given[name] = leaf
    return leaves, given


def _leaf(value: Any) -> Traced | None:
    """A leaf, where the value is an array of floating-point numbers."""
    if value is None or isinstance(value, str | Mapping):
        return None
    array = np.asarray(value)
    return Traced(array, tracked=True) if array.dtype.kind in "fV" else None
