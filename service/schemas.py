"""Definition → pydantic request model and OpenAPI fragment.

A tensor is a pydantic type of its own: its validator hands the raw value to the codec, so no element of a tensor
is ever validated by itself.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from annotated_types import MinLen
from pydantic import BaseModel, Field, PlainValidator, TypeAdapter, ValidationError

from lossapi import describe
from lossapi.codecs.tensors import DTYPES, tensor
from lossapi.definition import Definition
from lossapi.domains import Family
from lossapi.engine import Call
from lossapi.errors import LossError
from lossapi.memo import Memo
from lossapi.parameters import Reduction, as_error, model
from lossapi.request import as_call

Options = Mapping[str, Any]
Tensor = Annotated[Any, PlainValidator(tensor)]

COMMON: Mapping[str, tuple[Any, str]] = {
    "weight": (Tensor | None, "sample weights, broadcastable to one value per row"),
    "return": (
        Annotated[list[Literal["value", "gradient", "state"]], MinLen(1)] | None,
        "what to answer; the value alone by default",
    ),
    "backend": (Literal["auto", "numpy", "onnx", "fused"] | None, "what computes it"),
    "encoding": (
        Literal["list", "base64"] | None,
        "how tensors in the reply are written; as the request's were",
    ),
    "nonfinite": (Literal["string", "null", "error"] | None, "how NaN and infinities are written"),
}
REPLY_KEYS = ("encoding", "nonfinite")

NONFINITE = {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}
NUMBER = {"anyOf": [{"type": "number"}, {"type": "boolean"}, NONFINITE]}
TENSOR_SCHEMA: Mapping[str, Any] = {
    "description": "A nested list of numbers, one number, or dtype, shape and data (base64 or a flat list).",
    "anyOf": [
        {"type": "number"},
        NONFINITE,
        {"type": "boolean"},
        {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}},
        {
            "type": "object",
            "required": ["dtype", "shape", "data"],
            "additionalProperties": False,
            "properties": {
                "dtype": {"type": "string", "enum": list(DTYPES)},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "data": {"anyOf": [{"type": "string"}, {"type": "array", "items": NUMBER}]},
            },
        },
    ],
}


@cache
def request_model(definition: Definition) -> type[BaseModel]:
    """The request of one definition: its tensors, its parameters, and the keys that all share.

    Fields are numbered and aliased, since a name on the wire may be a word of Python's or of pydantic's own.
    """
    fields: dict[str, Any] = {
        each.name: (Tensor | None, None) if each.optional else (Tensor, ...) for each in definition.inputs
    }
    fields |= definition.fields
    fields |= {name: (kind, None) for name, (kind, _) in COMMON.items()}
    if definition.kind == "loss":
        fields["reduction"] = (Reduction | None, None)
    return _aliased(f"{definition.name}_{definition.kind}_request", fields)


def _aliased(name: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    numbered = enumerate(fields.items())
    return model(name, {f"field_{i}": (kind, Field(default, alias=key)) for i, (key, (kind, default)) in numbered})


@cache
def _reader(definition: Definition) -> tuple[Callable[[Any], BaseModel], tuple[str, ...]]:
    made = request_model(definition)
    return made.model_validate, tuple(str(field.alias) for field in made.model_fields.values())


def read_request(definition: Definition, value: Any) -> dict[str, Any]:
    """The validated request, or an error that points at what is wrong."""
    validate, names = _reader(definition)
    try:
        read = validate(value)
    except ValidationError as error:
        raise as_error(error, names) from None
    return dict(zip(names, vars(read).values(), strict=True))


SETTLED: Memo[tuple[Mapping[str, Any], Options, Options]] = Memo(1024)
"""Parameters and options, validated; and how the reply is written."""


def read_call(definition: Definition, given: Mapping[str, Any]) -> tuple[Call, Options]:
    """The call that a request asks for, and how its reply is to be written.

    What stands beside the tensors is mostly as it was before, and need not be validated again.
    """
    tensors, plain = _sorted(definition, given)
    known = None if definition.grouped else SETTLED.get(plain)
    if known is not None:
        try:
            arrays = {name: tensor(each) for name, each in tensors.items()}
        except LossError:
            pass  # the model finds every fault, and where it is
        else:
            parameters, options, reply = known
            return Call(definition, arrays, parameters, weight=arrays.pop("weight", None), **options), reply
    request = read_request(definition, given)
    reply = {name: request.pop(name) for name in REPLY_KEYS}
    call = as_call(definition, request)
    options = {name: getattr(call, name) for name in ("reduction", "returns", "backend")}
    SETTLED.put(plain, (call.parameters, options, reply))
    return call, reply


def _sorted(definition: Definition, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The tensors of a request, and all that it says beside their values: equal numbers of unlike types are unlike."""
    tensors: dict[str, Any] = {}
    plain: list[Any] = [definition]
    for name, value in given.items():
        if name in definition.input_names or name == "weight":
            if value is not None:
                tensors[name] = value
        else:
            plain.append((name, type(value), value))
    return tensors, (*tensors, *plain)


OPTIONS = tuple(name for name in COMMON if name != "weight")
_Options = _aliased("options", {name: (COMMON[name][0], None) for name in OPTIONS})


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that every request shares but the weight, validated by themselves."""
    try:
        read = _Options.model_validate(dict(given))
    except ValidationError as error:
        raise as_error(error, OPTIONS) from None
    return dict(zip(OPTIONS, vars(read).values(), strict=True))


def request_schema(definition: Definition) -> dict[str, Any]:
    """The request body as JSON Schema."""
    parameters = describe.parameters_schema(definition)
    properties: dict[str, Any] = {}
    for each in definition.inputs:
        forms = " or ".join(str(spec) for spec in each.forms.specs)
        text = f"{each.forms.specs[0].domain.meaning}, {forms}"
        properties[each.name] = (
            _group_schema(each.family) if each.family else _tensor_schema(text, optional=each.optional)
        )
    properties |= parameters["properties"]
    properties["weight"] = _tensor_schema(COMMON["weight"][1], optional=True)
    if definition.kind == "loss":
        properties["reduction"] = {
            "enum": [*definition.reductions, None],
            "default": definition.default_reduction,
        }
    for name in ("return", "backend", *REPLY_KEYS):
        properties[name] = common_schema(name)
    required = [each.name for each in definition.inputs if not each.optional] + parameters.get("required", [])
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _tensor_schema(description: str, *, optional: bool) -> dict[str, Any]:
    tensor = {"$ref": "#/components/schemas/Tensor"}
    return {**({"anyOf": [tensor, {"type": "null"}]} if optional else tensor), "description": description}


def _group_schema(family: Family) -> dict[str, Any]:
    """Several tensors under one name, told apart by a tag: an object for each kind."""
    kinds = [
        {
            "type": "object",
            "required": [family.tag, *members],
            "additionalProperties": False,
            "properties": {
                family.tag: {"const": kind},
                **{
                    name: _tensor_schema(forms.specs[0].domain.meaning, optional=False)
                    for name, forms in members.items()
                },
            },
        }
        for kind, members in family.kinds
    ]
    return {"anyOf": kinds, "description": family.meaning}


@cache
def common_schema(name: str) -> dict[str, Any]:
    """One of the keys that every request shares."""
    kind, text = COMMON[name]
    return {**TypeAdapter(kind).json_schema(), "description": text}
