"""A flat request, as it stands in a body or an example, taken apart into a `Call`."""

from collections.abc import Mapping
from typing import Any

from lossapi.definition import Definition
from lossapi.engine import Call
from lossapi.groups import apart

OPTIONS = {"weight": "weight", "reduction": "reduction", "return": "returns", "backend": "backend"}


def as_call(definition: Definition, request: Mapping[str, Any]) -> Call:
    """Tensors, options and parameters by their names; keys that are absent or null are left to their defaults."""
    inputs = definition.input_names
    tensors: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key, value in request.items():
        if value is not None:
            if key in inputs:
                tensors[key] = value
            elif key in OPTIONS:
                options[OPTIONS[key]] = value
            else:
                parameters[key] = value
    return Call(definition, apart(definition, tensors), parameters, **options)
