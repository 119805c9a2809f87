"""Definition → card: everything a caller may want to know about one loss or metric, as plain data."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from lossapi import engine, export, warming
from lossapi.codecs import json
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition, Primitive
from lossapi.libraries.presets import REQUIRED, Preset
from lossapi.parameters import defaults
from lossapi.request import as_call
from lossapi.signature import Input

BOTH = ("value", "gradient")
DTYPES = {"real": "float", "label": "integer"}


def summary(definition: Definition) -> dict[str, Any]:
    """The card's head, as the catalogue lists it."""
    return {
        "name": definition.name,
        "kind": definition.kind,
        "family": definition.family,
        "summary": definition.document.summary,
    }


@cache
def card(definition: Definition) -> dict[str, Any]:
    """The whole card."""
    document = definition.document
    sections = {name.lower(): text for name, text in document.sections.items() if name not in ("Source", "Example")}
    return {
        **summary(definition),
        "description": document.description,
        **sections,
        "inputs": [describe_input(each) for each in definition.inputs],
        "parameters": parameters_schema(definition),
        "reductions": list(definition.reductions),
        "default_reduction": definition.default_reduction if definition.kind == "loss" else None,
        "differentiable": definition.differentiable,
        **({"onnx": onnx_model(definition), "fused": fused_loop(definition)} if definition.kind == "loss" else {}),
        **merging(definition),
        "like": [describe_preset(preset) for preset in definition.like],
        "sources": document.sources,
        "example": example(definition),
    }


def onnx_model(definition: Definition) -> dict[str, Any]:
    """Whether there is an ONNX model of the value, and of the gradient; and why not."""
    return _offered({each: export.traceable(definition, gradient=each == "gradient") for each in BOTH})


def fused_loop(definition: Definition) -> dict[str, Any]:
    """Whether a loop computes the value of the example, and its gradient; and why not."""
    return _offered({each: warming.refusal(definition, gradient=each == "gradient") for each in BOTH})


def _offered(reasons: Mapping[str, str | None]) -> dict[str, Any]:
    """What there is, and why not the rest."""
    because = next((reason for reason in reasons.values() if reason), None)
    return {**{each: reason is None for each, reason in reasons.items()}, **({"because": because} if because else {})}


def merging(definition: Definition) -> dict[str, Any]:
    """How its states merge; and how many numbers one may keep where it keeps the rows: it is exact up to there."""
    if not isinstance(definition, Primitive) or not definition.merges(defaults(definition.parameters)):
        return {"merge": "none"}
    limits = [each.output.MOST for each in definition.maps if each.gives == "state" and hasattr(each.output, "MOST")]
    return {"merge": "exact", **({"keeps_at_most": min(limits)} if limits else {})}


def describe_input(each: Input) -> dict[str, Any]:
    """One tensor: its first form, and all of them where there are several."""
    forms = [
        {
            "axes": list(spec.axes),
            "domain": spec.domain.name,
            "dtype": DTYPES.get(spec.domain.kind, spec.domain.kind),
        }
        for spec in each.forms.specs
    ]
    more = {"forms": forms} if len(forms) > 1 else {}
    default = {} if each.default is None else {"default": each.default}
    return {"name": each.name, **forms[0], "optional": each.optional, **default, **more}


def parameters_schema(definition: Definition) -> dict[str, Any]:
    """The parameters as a JSON Schema object."""
    schema = definition.parameters.model_json_schema()
    properties = {name: _untitled(each) for name, each in schema.get("properties", {}).items()}
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **required}


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def describe_preset(preset: Preset) -> dict[str, Any]:
    """One line of the table of equivalents."""
    return {
        "library": preset.library.name,
        "function": preset.function,
        "differs": preset.differs or preset.refused,
    }


def describe_like(definition: Definition, preset: Preset) -> dict[str, Any]:
    """One entry of the list of all functions of other libraries: what it stands for."""
    arguments = {
        name: {"is": preset.named(name)} | ({} if default is REQUIRED else {"default": default})
        for name, default in preset.arguments.items()
    }
    return {
        **describe_preset(preset),
        "path": f"/v1/like/{preset.library.name}/{preset.function}",
        "kind": definition.kind,
        "definition": definition.name,
        "parameters": dict(preset.fixed),
        "arguments": arguments,
        "refused": preset.refused or None,
    }


def example(definition: Definition) -> dict[str, Any]:
    """The example request of the docstring, and its true response."""
    request, _ = definition.document.example
    return {"request": request, "response": computed(definition, request)}


def computed(definition: Definition, request: Mapping[str, Any]) -> Any:
    """The reply to a request, as JSON has it."""
    return json.decode(json.encode(engine.run(call_of(definition, request)).reply()))


def call_of(definition: Definition, request: Mapping[str, Any]) -> engine.Call:
    """What a request of plain data asks for."""
    tensors = {each.name for each in definition.inputs} | {"weight"}
    return as_call(definition, {key: tensor(value) if key in tensors else value for key, value in request.items()})
