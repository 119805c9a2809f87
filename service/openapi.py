"""The OpenAPI 3.1 document: one operation per definition, made from the registry."""

from collections.abc import Mapping
from typing import Any

from lossapi import __version__, describe, registry
from lossapi.codecs import CODECS
from lossapi.codecs.json import MEDIA_TYPE as JSON
from lossapi.definition import Definition
from service.errors import MEDIA_TYPE
from service.schemas import TENSOR_SCHEMA, request_schema

Schema = dict[str, Any]

ERRORS: Mapping[str, str] = {
    "400": "Unreadable: broken JSON, an empty body, another character set",
    "401": "No API key, or none that is known; where the server asks for one",
    "403": "An API key without the scope that is asked for",
    "404": "No such name; the nearest ones are suggested",
    "405": "Another method",
    "406": "No reply in what is accepted",
    "409": "Things that do not go together, such as states of unlike definitions",
    "413": "Over a limit, which is named with its setting",
    "415": "A media type or content encoding that is not read",
    "422": "Readable but wrong: a shape, a value out of its domain, a parameter; with a pointer to the place",
    "429": "Over the quota of the API key; Retry-After says when there is more",
    "503": "Full, overloaded, about to stop, or without the store of streams; Retry-After says when to try again",
    "504": "No reply within the time that the request, or the server, allows",
}

PROBLEM: Schema = {
    "type": "object",
    "description": "Every failure has this body (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail", "errors", "error", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "expected", "got"],
                "properties": {name: {"type": "string"} for name in ("pointer", "expected", "got")},
            },
        },
        "error": {"type": "string"},
        "request_id": {"type": "string"},
    },
}

NUMBERS: Schema = {"$ref": "#/components/schemas/Tensor"}
RESULT: Schema = {
    "type": "object",
    "description": "`value`, or `values` under reduction none; `count` is how many rows or elements entered.",
    "required": ["name", "count", "finite", "backend", "provider"],
    "properties": {
        "name": {"type": "string"},
        "value": {"anyOf": [NUMBERS, {"type": "object"}, {"type": "null"}]},
        "values": {"anyOf": [NUMBERS, {"type": "null"}]},
        "reduction": {"type": "string"},
        "count": {"type": "integer", "minimum": 0},
        "finite": {"type": "boolean"},
        "gradient": {"type": "object", "additionalProperties": {"anyOf": [NUMBERS, {"type": "object"}]}},
        "state": {"type": "object"},
        "terms": {"type": "array", "items": {"type": "object"}},
        "backend": {"type": "string"},
        "provider": {"type": "string"},
    },
}
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}
OTHERS = {type(codec).__name__: codec for codec in CODECS.values() if codec.media_type != JSON}
FORMATS: Schema = {
    name: {"type": "string", "format": "binary", "description": codec.__doc__} for name, codec in OTHERS.items()
}
IN_OTHERS: Schema = {
    codec.media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}} for name, codec in OTHERS.items()
}
"""A request or a reply in another format than JSON."""
COMPUTING = ("400", "401", "403", "405", "406", "413", "415", "422", "429", "503", "504")

QUERY_OF_LISTING = [
    {"name": "family", "in": "query", "schema": {"type": "string"}, "description": "only this family"},
    {
        "name": "q",
        "in": "query",
        "schema": {"type": "string"},
        "description": "words that name or summary hold",
    },
]
STATES: Schema = {
    "type": "object",
    "required": ["states"],
    "additionalProperties": False,
    "properties": {"states": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
}
MODEL_PATH = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]
QUERY_OF_MODEL = [
    {"name": "dtype", "in": "query", "schema": {"enum": ["float32", "float64"], "default": "float32"}},
    {"name": "opset", "in": "query", "schema": {"type": "integer"}},
    {"name": "gradient", "in": "query", "schema": {"type": "boolean", "default": False}},
    {"name": "reduction", "in": "query", "schema": {"type": "string"}},
]
LIKE_PATH = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("library", "function")
]


def document() -> Schema:
    """The whole document, but for the Open Inference Protocol."""
    paths: Schema = {}
    for definition in registry.catalogue().values():
        paths[f"/v1/{registry.PLURAL[definition.kind]}/{definition.name}"] = path_of(definition)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lossapi",
            "version": __version__,
            "summary": "Machine-learning losses and metrics over HTTP",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {**paths, **common_paths()},
        "components": {"schemas": {"Tensor": dict(TENSOR_SCHEMA), "Result": RESULT, "Problem": PROBLEM, **FORMATS}},
    }


def path_of(definition: Definition) -> Schema:
    """The card and the computation of one definition."""
    sections = definition.document.sections
    description = [definition.document.summary, definition.document.description]
    description += [
        f"**{name}** {sections[name]}" for name in ("Formula", "Shapes", "Units", "Convention") if name in sections
    ]
    example = describe.example(definition)
    return {
        "get": operation(
            f"card_{definition.kind}_{definition.name}",
            f"The card of {definition.name}",
            definition.family,
            OBJECT,
            ("405",),
        ),
        "post": {
            **operation(
                f"{definition.kind}_{definition.name}",
                definition.document.summary,
                definition.family,
                {"$ref": "#/components/schemas/Result"},
                COMPUTING,
                example["response"],
            ),
            "description": "\n\n".join(filter(None, description)),
            "requestBody": body(request_schema(definition), example["request"]),
        },
    }


def common_paths() -> Schema:
    """The operations that are not one definition's."""
    answer = {"$ref": "#/components/schemas/Result"}
    return {
        **listings(),
        "/v1/like": {
            "get": operation(
                "likes", "Functions of other libraries, and what each stands for", "like", OBJECT, ("405",)
            )
        },
        "/v1/like/{library}/{function}": {
            "parameters": LIKE_PATH,
            "post": {
                **operation(
                    "like",
                    "Compute under another library's names and conventions",
                    "like",
                    answer,
                    ("404", *COMPUTING),
                ),
                "requestBody": body(OBJECT, {"input": [0.0, 3.0], "target": [0.0, 0.0]}),
            },
        },
        "/v1/losses/{name}/model.onnx": {
            "parameters": MODEL_PATH,
            "get": {
                **operation("model", "A loss as an ONNX model", "export", OBJECT, ("404", "405", "422")),
                "parameters": QUERY_OF_MODEL,
            },
        },
        **states(),
        **probes(),
    }


def states() -> Schema:
    """The operations on states."""
    return {
        "/v1/states/merge": {
            "post": {
                **operation(
                    "merge_states",
                    "Several states as one, and its value",
                    "states",
                    OBJECT,
                    ("409", *COMPUTING),
                ),
                "requestBody": body(STATES, {"states": [example_state()]}),
            },
        },
    }


def example_state() -> Any:
    """A state as an example: that of the first metric."""
    definition = registry.definitions("metric")[0]
    request, _ = definition.document.example
    return describe.computed(definition, {**request, "return": ["state"]})["state"]


def listings() -> Schema:
    """The catalogue of each kind."""
    return {
        f"/v1/{kind}": {
            "get": {
                **operation(kind, f"All {kind}", "catalogue", OBJECT, ("405", "422")),
                "parameters": QUERY_OF_LISTING,
            }
        }
        for kind in registry.PLURAL.values()
    }


def probes() -> Schema:
    """The operations that say how the service is."""
    return {
        "/v1/limits": {"get": operation("limits", "Every limit in force", "service", OBJECT, ("405",))},
        "/health/live": {"get": operation("live", "Liveness", "service", OBJECT, ("405",))},
        "/health/ready": {"get": operation("ready", "Readiness", "service", OBJECT, ("405",))},
        "/metrics": {"get": operation("metrics", "Prometheus metrics", "service", TEXT, ("405",), kind="text/plain")},
    }


def operation(
    identity: str,
    summary: str,
    tag: str,
    schema: Schema,
    errors: tuple[str, ...],
    example: Any = None,
    kind: str = JSON,
) -> Schema:
    """One operation without its request; what can be asked for in other formats can be refused in one."""
    content: Schema = {"schema": schema} if example is None else {"schema": schema, "example": example}
    others = IN_OTHERS if "406" in errors else {}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    failures = {status: {"description": ERRORS[status], "content": problem} for status in errors}
    return {
        "operationId": identity,
        "summary": summary,
        "tags": [tag],
        "responses": {
            "200": {"description": "Answered", "content": {kind: content, **others}},
            **failures,
        },
    }


def body(schema: Schema, example: Any) -> Schema:
    """A request body in any format, in JSON with an example that works."""
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}, **IN_OTHERS}}
