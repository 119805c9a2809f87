"""The operations of streams and dashboards in the OpenAPI document."""

from typing import Any

from lossapi.codecs.json import MEDIA_TYPE as JSON
from service.dashboards.grafana import PREFIX
from service.openapi import COMPUTING, OBJECT, Schema, body, operation
from service.openapi_evaluate import tensors, two_metrics
from service.streams.requests import LABEL, LONGEST, LONGEST_KEY, LONGEST_LIFE, MOST_LABELS, MOST_POINTS

CSV = "text/csv"
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}
ITEM: Schema = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": TEXT,
                "as": {"type": "string", "minLength": 1, "description": "the label of the series"},
            },
            "description": "A name with parameters; `as` labels the result.",
        },
    ]
}
WINDOW: Schema = {
    "description": "The last rows, exactly; the last seconds, to a sixtieth; or all rows, weighing half after so many.",
    "anyOf": [
        {
            "type": "object",
            "required": [name],
            "additionalProperties": False,
            "properties": {name: {"type": kind, **bounds}},
        }
        for name, kind, bounds in (
            ("rows", "integer", {"minimum": 1}),
            ("seconds", "number", {"exclusiveMinimum": 0}),
            ("half_life_rows", "number", {"exclusiveMinimum": 0}),
        )
    ]
    + [{"type": "null"}],
}
ASKED: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "losses": {"type": "array", "items": ITEM},
        "metrics": {"type": "array", "items": ITEM},
        "name": {"type": ["string", "null"], "minLength": 1, "maxLength": LONGEST},
        "labels": {
            "type": ["object", "null"],
            "maxProperties": MOST_LABELS,
            "propertyNames": {"pattern": f"^{LABEL.pattern.removesuffix(chr(92) + 'Z')}$"},
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        },
        "ttl": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "maximum": LONGEST_LIFE,
            "description": "seconds without a change after which the stream goes",
        },
        "window": WINDOW,
        "encoding": {"enum": ["list", "base64", None]},
        "nonfinite": {"enum": ["string", "null", "error", None]},
    },
}
RESULT: Schema = {
    "type": "object",
    "required": ["name", "as", "value", "count"],
    "properties": {
        "name": TEXT,
        "as": TEXT,
        "value": {"description": "null where it is not defined (yet): `error` says why"},
        "count": {"type": "number", "minimum": 0},
        "finite": {"type": "boolean"},
        "error": {"type": "object", "required": ["code", "title", "detail"]},
    },
}
STREAM: Schema = {
    "type": "object",
    "required": ["id", "name", "labels", "created", "updated", "ttl", "window", "count", "batches", "results"],
    "properties": {
        "id": TEXT,
        "name": {"type": ["string", "null"]},
        "labels": {"type": "object", "additionalProperties": TEXT},
        "created": {**COUNT, "description": "milliseconds since 1970"},
        "updated": {"type": ["integer", "null"]},
        "ttl": {"type": ["number", "null"]},
        "window": {"type": ["object", "null"]},
        "count": {**COUNT, "description": "rows since the stream was made or reset"},
        "batches": COUNT,
        "results": {"type": "array", "items": RESULT},
    },
}
POINTS: Schema = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": ["number", "null"]}], "minItems": 2}
HISTORY: Schema = {
    "type": "object",
    "required": ["id", "series"],
    "properties": {
        "id": TEXT,
        "series": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "as", "points"],
                "properties": {"name": TEXT, "as": TEXT, "points": {"type": "array", "items": POINTS}},
            },
        },
    },
}
REFERENCE: Schema = {"$ref": "#/components/schemas/Stream"}
BATCH: Schema = {
    "type": "object",
    "description": "The tensors that the losses and metrics of the stream take, and `weight`.",
    "additionalProperties": {"anyOf": [{"$ref": "#/components/schemas/Tensor"}, OBJECT, {"type": "null"}]},
}
STATES: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "state": OBJECT,
        "states": {"type": "array", "items": OBJECT, "minItems": 1},
        "encoding": ASKED["properties"]["encoding"],
        "nonfinite": {"enum": ["string", "null", None]},
    },
}
IDENTITY = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    "description": "the same key again, with the same payload, counts once",
}
WRITTEN = [
    {"name": "encoding", "in": "query", "schema": {"enum": ["list", "base64"]}},
    {"name": "nonfinite", "in": "query", "schema": {"enum": ["string", "null", "error"]}},
]
SPAN = [
    {"name": "from", "in": "query", "schema": MOMENT, "description": "milliseconds since 1970, or ISO 8601"},
    {"name": "to", "in": "query", "schema": MOMENT},
    {"name": "points", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST_POINTS}},
]
CHOSEN = [
    {"name": "name", "in": "query", "schema": TEXT, "description": "only streams of this name"},
    {
        "name": "label",
        "in": "query",
        "schema": {"type": "array", "items": {"type": "string", "pattern": "^[^:]*:"}},
        "description": "only streams with this label, as key:value",
    },
]
FOUND = ("404", "405", "503")
LOOKED_UP = ("405", "422", "503")
READ = ("400", "405", "406", "413", "415", "422", "503")
ANSWERS: Schema = {"type": "array"}
GRAFANA = {
    "search": ("Names of series", {"target": "val"}),
    "metrics": ("Names of series, for the query editor", {"metric": ""}),
    "metric-payload-options": ("Options of a series: none", {}),
    "variable": ("Names of streams, or the values of a label", {"payload": {"target": "model"}}),
    "tag-keys": ("The labels of streams", {}),
    "tag-values": ("The values of a label", {"key": "model"}),
    "annotations": ("Annotations: none", {}),
    "query": (
        "Series over time, or tables",
        {"range": {"from": "2026-01-01T00:00:00Z"}, "maxDataPoints": 500, "targets": [{"refId": "A", "target": "*/*"}]},
    ),
}
"""What each call of the data source does, and a body of it."""


def paths() -> Schema:
    """Every operation of streams and dashboards."""
    return {**streams(), **one_stream(), **tables(), **grafana()}


def streams() -> Schema:
    """Making streams, and finding them."""
    listing = {
        "type": "object",
        "required": ["streams"],
        "properties": {"streams": {"type": "array", "items": REFERENCE}},
    }
    paging = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
        {"name": "after", "in": "query", "schema": TEXT, "description": "the id of the last stream of the page before"},
    ]
    made = _operation("create_stream", "Make a stream of losses and metrics", REFERENCE, ("404", *COMPUTING, "503"))
    made["responses"]["201"] = made["responses"].pop("200")
    found = _operation("streams", "List streams, oldest first", listing, ("405", "406", "422", "503"))
    return {
        "/v1/streams": {
            "get": {**found, "parameters": [*CHOSEN, *paging, *WRITTEN]},
            "post": {**made, "requestBody": body(ASKED, {**two_metrics(), "name": "validation"})},
        }
    }


def one_stream() -> Schema:
    """What is done with one stream."""
    state = {"type": "object", "required": ["state"], "properties": {"state": OBJECT}}
    shown = _operation("stream", "The values now", REFERENCE, (*FOUND, "406", "422"))
    removed = _operation("delete_stream", "Remove a stream", OBJECT, FOUND)
    removed["responses"] = {
        "204": {"description": "Removed"},
        **{k: v for k, v in removed["responses"].items() if k != "200"},
    }
    history = _operation("stream_history", "Values over time, for charts", HISTORY, (*FOUND, "422"))
    taken = _operation("stream_state", "The state, to be merged elsewhere", state, (*FOUND, "406", "422"))
    batch = _changing("stream_batch", "Fold one batch in, and get the new values", BATCH, tensors())
    merged = _changing("stream_merge", "Fold states in", STATES, {"state": {}})
    reset = _operation("stream_reset", "Start again; the history stays", REFERENCE, (*FOUND, "406", "415", "422"))
    prefix, where = "/v1/streams/{id}", {"parameters": IDENTITY}
    return {
        prefix: {**where, "get": {**shown, "parameters": WRITTEN}, "delete": removed},
        f"{prefix}/batches": {**where, "post": batch},
        f"{prefix}/history": {**where, "get": {**history, "parameters": SPAN}},
        f"{prefix}/state": {**where, "get": {**taken, "parameters": WRITTEN}},
        f"{prefix}/merge": {**where, "post": merged},
        f"{prefix}/reset": {**where, "post": {**reset, "parameters": [KEY, *WRITTEN]}},
    }


def tables() -> Schema:
    """Flat tables, for Infinity, spreadsheets and pandas."""
    form = {"name": "format", "in": "query", "schema": {"enum": ["json", "csv"]}, "description": "or Accept: text/csv"}
    rows = {"type": "array", "items": OBJECT}
    values = _operation("dashboard_values", "Every number of every stream now, as a flat table", rows, LOOKED_UP)
    history = _operation("dashboard_history", "Every number over time, as a flat table", rows, LOOKED_UP)
    for each in (values, history):
        each["responses"]["200"]["content"][CSV] = {"schema": TEXT}
    return {
        "/v1/dashboards/values": {"get": {**values, "parameters": [*CHOSEN, form]}},
        "/v1/dashboards/history": {"get": {**history, "parameters": [*CHOSEN, form, *SPAN]}},
    }


def grafana() -> Schema:
    """What Grafana's JSON data source asks for."""
    paths: Schema = {PREFIX: {"get": _operation("grafana", "The data source works", OBJECT, ("405", "503"))}}
    for name, (summary, example) in GRAFANA.items():
        asked = _operation(f"grafana_{name.replace('-', '_')}", summary, ANSWERS, READ)
        content = {JSON: {"schema": OBJECT, "example": example}}
        paths[f"{PREFIX}/{name}"] = {"post": {**asked, "requestBody": {"required": False, "content": content}}}
    return paths


def _operation(identity: str, summary: str, schema: Schema, errors: tuple[str, ...]) -> Schema:
    tag = "dashboards" if identity.startswith(("dashboard", "grafana")) else "streams"
    return operation(identity, summary, tag, schema, errors)


def _changing(identity: str, summary: str, schema: Schema, example: Any) -> Schema:
    changed = _operation(identity, summary, REFERENCE, ("404", "409", *COMPUTING, "503"))
    return {**changed, "parameters": [KEY], "requestBody": body(schema, example)}
