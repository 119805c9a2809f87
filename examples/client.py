"""A client of the service in Python's standard library: one function."""

import json
import os
import urllib.request
from typing import Any

ADDRESS = os.environ.get("LOSSAPI_ADDRESS", "http://127.0.0.1:8000")


def ask(path: str, request: dict[str, Any]) -> dict[str, Any]:
    """POST a request and give the reply; an HTTP error is raised with the service's own message."""
    body = json.dumps(request).encode()
    call = urllib.request.Request(f"{ADDRESS}{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except urllib.error.HTTPError as error:
        raise SystemExit(json.load(error)["error"]) from None
