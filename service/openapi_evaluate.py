"""The operation of /v1/evaluate in the OpenAPI document: every name, every option, and an example that is computed."""

from typing import Any

from lossapi import registry
from lossapi.codecs import json
from lossapi.definition import Primitive
from lossapi.evaluation import comparison, intervals, of_tensors
from lossapi.evaluation.items import KINDS
from lossapi.tables.files import FORMS
from service.errors import described
from service.evaluate import PATH
from service.openapi import COMPUTING, NUMBERS, OBJECT, Schema, body, operation
from service.schemas import REPLY_KEYS, common_schema

DESCRIPTION = """Definitions that share a state compute it once. One that fails carries its own `error`, the body of
that error; the others answer.

**Slices** are columns of texts, whole numbers or truth values, one value a row; `crossings` lists columns to be taken
together: `[["country", "device"]]`.

**Confidence**: `bootstrap` gives the percentile interval over rows drawn again from the seed (any value; draws on which
it is not defined are left out, and counted in `undefined_resamples`); `analytic` Student's t for means of rows that
count once each, and Wilson's score interval for proportions of them. Slices get intervals too.

**Compare** takes another `prediction` (or other tensors): value, other, their difference, its interval and p-value, by
paired `bootstrap`, by `permutation` of the two within rows, or `analytic`, the paired t test of means of rows.

**Classes** (true, or names) gives a table with a row for each class of all items with `average: none`.

**Tables**: CSV with a line of names, and Parquet, where what is asked for stands in the query string:
`?metrics=accuracy,r2&slices=country`. A tensor is the column of its name, a column of lists, or columns numbered from 0
(`prediction.0`, …); `columns={"target": "y"}` says otherwise. `slices` and `compare` name columns.

**State** (`return: ["value", "state"]`) can be merged with others of the same items by `/v1/states/merge`."""

RESULT: Schema = {
    "type": "object",
    "description": "One loss or metric: its value, or its error.",
    "required": ["name", "as", "value", "count"],
    "properties": {
        "name": {"type": "string"},
        "as": {"type": "string"},
        "value": {"anyOf": [NUMBERS, OBJECT, {"type": "array"}, {"type": "null"}]},
        "count": {"type": "integer", "minimum": 0},
        "finite": {"type": "boolean"},
        "interval": {"anyOf": [{"type": "array", "minItems": 2, "maxItems": 2}, {"type": "null"}]},
        "undefined_resamples": {"type": "integer", "minimum": 1},
        "interval_error": OBJECT,
        "error": OBJECT,
    },
}
RESULTS: Schema = {"type": "array", "items": RESULT}
GROUP: Schema = {
    "type": "object",
    "required": ["count", "results"],
    "properties": {"count": {"type": "integer", "minimum": 1}, "results": RESULTS},
}
REPLY: Schema = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 0, "description": "the rows"},
        "results": RESULTS,
        "classes": {"type": "object", "additionalProperties": OBJECT},
        "slices": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": GROUP}},
        "crossings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["columns", "slices"],
                "properties": {"columns": {"type": "array", "items": {"type": "string"}}, "slices": {"type": "array"}},
            },
        },
        "comparison": {
            "type": "object",
            "required": ["method", "results"],
            "properties": {"method": {"type": "string"}, "results": {"type": "array", "items": OBJECT}},
        },
        "confidence": OBJECT,
        "state": OBJECT,
    },
}


def two_metrics() -> Schema:
    """The first metric, and under a label another that reads the same state."""
    first, *others = (each for each in registry.definitions("metric") if isinstance(each, Primitive))
    kin = [each.name for each in others if each.map.function is first.map.function]
    return {"metrics": [first.name, *({"name": name, "as": f"my {name}"} for name in kin[:1])]}


def tensors() -> Schema:
    """The tensors of its example."""
    first = next(iter(registry.definitions("metric")))
    given, _ = first.document.example
    return {name: given[name] for name in first.input_names}


def example() -> Schema:
    """A request for both, with slices and intervals."""
    given = tensors()
    rows = len(next(iter(given.values())))
    return {
        **given,
        **two_metrics(),
        "slices": {"country": ["de" if 2 * row < rows else "fr" for row in range(rows)]},
        "confidence": {"level": 0.95, "method": "bootstrap", "resamples": 100, "seed": 0},
    }


def paths() -> Schema:
    """The operation under its path."""
    given = example()
    reply = json.decode(json.encode(of_tensors.evaluate(given, described)))
    operated = operation(
        "evaluate",
        "Many losses and metrics over one set of tensors, in one pass",
        "evaluate",
        REPLY,
        ("404", *COMPUTING),
        reply,
    )
    taken = body(request(), given)
    taken["content"] |= {form: {"schema": {"type": "string", "format": "binary"}} for form in FORMS}
    return {PATH: {"post": {**operated, "description": DESCRIPTION, "requestBody": taken}}}


def request() -> Schema:
    """The request body as JSON Schema; what is not named here is a tensor that a definition takes."""
    columns = {"type": "array", "items": {"type": ["string", "integer", "boolean"]}}
    named = {
        **{plural: {"type": "array", "items": _item(plural)} for plural in KINDS},
        **dict.fromkeys(("prediction", "target", "weight"), NUMBERS),
        "slices": {"type": "object", "additionalProperties": {"anyOf": [columns, NUMBERS]}},
        "crossings": {"type": "array", "items": {"type": "array", "minItems": 2, "items": {"type": "string"}}},
        "confidence": {"anyOf": [_options(intervals.MODEL), {"type": "boolean"}]},
        "compare": {**_options(comparison.MODEL), "additionalProperties": NUMBERS},
        "classes": {"anyOf": [{"type": "array", "minItems": 1, "items": {"type": "string"}}, {"type": "boolean"}]},
        "return": {"type": "array", "minItems": 1, "items": {"enum": list(of_tensors.RETURNS)}},
    }
    shared = {name: common_schema(name) for name in ("backend", *REPLY_KEYS)}
    return {
        "type": "object",
        "properties": {**{name: _or_null(each) for name, each in named.items()}, **shared},
        "additionalProperties": _or_null(NUMBERS),
    }


def _or_null(schema: Schema) -> Schema:
    """What may be left out may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def _item(plural: str) -> Schema:
    names = {"type": "string", "enum": registry.names(KINDS[plural])}
    asked = {
        "type": "object",
        "required": ["name"],
        "description": "The name, parameters of its card, and a label for the result.",
        "properties": {"name": names, "as": {"type": ["string", "null"], "minLength": 1}},
    }
    return {"anyOf": [names, asked]}


def _options(model: Any) -> Schema:
    schema = model.model_json_schema()
    named = {name: {k: v for k, v in each.items() if k != "title"} for name, each in schema["properties"].items()}
    return {"type": "object", "properties": named, "additionalProperties": False}
