"""A flat request, as it stands in a body or an example, taken apart into a `Call`."""

from collections.abc import Mapping
from typing import Any

from lossapi.definition import Definition
from lossapi.engine import Call
from lossapi.groups import apart

OPTIONS = {"weight": "weight", "reduction": "reduction", "return": "returns", "backend": "backend"}


def as_call(definition: Definition, request: Mapping[str, Any]) -> Call:
    """Tensors, options and parameters by their names; keys that are absent or null are left to their defaults."""
    given = {key: value for key, value in request.items() if value is not None}
    inputs = {each.name for each in definition.inputs}
    return Call(
        definition,
        tensors=apart(definition, {key: value for key, value in given.items() if key in inputs}),
        parameters={key: value for key, value in given.items() if key not in inputs and key not in OPTIONS},
        **{name: given[key] for key, name in OPTIONS.items() if key in given},
    )
