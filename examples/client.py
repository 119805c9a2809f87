"""A client of the service in Python's standard library: one function."""

import json
import os
import urllib.request
from typing import Any

ADDRESS = os.environ.get("LOSSAPI_ADDRESS", "http://127.0.0.1:8000")


def ask(path: str, request: dict[str, Any] | None = None, *, key: str | None = None) -> dict[str, Any]:
    """POST a request (or GET, without one) and give the reply; an HTTP error is raised with the service's own message.

    A `key` makes it safe to send the same batch again.
    """
    body = None if request is None else json.dumps(request).encode()
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    call = urllib.request.Request(f"{ADDRESS}{path}", body, headers)
    try:
        with urllib.request.urlopen(call) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except urllib.error.HTTPError as error:
        raise SystemExit(json.load(error)["error"]) from None
