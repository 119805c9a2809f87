"""The operations of /v2 in the OpenAPI document, made from the paths that serve them."""

import re
from typing import Any

from service import openapi, openapi_evaluate, openapi_streams
from service.openapi import OBJECT, Schema, operation
from service.openinference import Paths

ERRORS = ("400", "404", "405", "413", "415", "504")
EXAMPLE = {
    "inputs": [
        {"name": "prediction", "shape": [2], "datatype": "FP32", "data": [0.0, 3.0]},
        {"name": "target", "shape": [2], "datatype": "FP32", "data": [0.0, 0.0]},
    ],
    "parameters": {"reduction": "mean"},
}
BODY: Schema = {
    "required": True,
    "content": {
        "application/json": {"schema": OBJECT, "example": EXAMPLE},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}


def document(protocol: Paths) -> dict[str, Any]:
    """The whole document, with evaluations, streams and the operations of these paths."""
    whole = openapi.document()
    schemas = {**whole["components"]["schemas"], "Stream": openapi_streams.STREAM}
    ours = {**openapi_evaluate.paths(), **openapi_streams.paths()}
    return {**whole, "paths": {**whole["paths"], **ours, **paths_of(protocol)}, "components": {"schemas": schemas}}


def paths_of(protocol: Paths) -> Schema:
    """Every path; the summary of an operation is its endpoint's."""
    paths: Schema = {}
    for path, endpoints in protocol.items():
        paths[path] = {
            method.lower(): operation(
                "_".join([method.lower(), *re.findall(r"\w+", path)]),
                (endpoint.__doc__ or "").rstrip("."),
                "Open Inference Protocol",
                {},
                ERRORS,
            )
            for method, endpoint in endpoints.items()
        }
        if path.endswith("/infer"):
            paths[path]["post"]["requestBody"] = BODY
        if names := re.findall(r"{(\w+)}", path):
            paths[path]["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
                for name in names
            ]
    return paths
