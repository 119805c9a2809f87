"""Requests to streams that fit the document, or nearly so: none meets a server error or an undeclared answer."""

from typing import Any

import httpx
import pytest
import schemathesis

from tests.service.drawing import CHECKS, EXAMPLES, SCHEMA, every_request, labels
from tests.service.streams.asking import created, rows, sent

STREAMS = SCHEMA.include(path_regex="^/v1/(streams|dashboards)")


@pytest.mark.parametrize("label", labels(STREAMS))
def test_no_request_to_a_stream_meets_a_server_error(label: str, client: httpx.Client) -> None:
    def ask(case: schemathesis.Case[Any]) -> None:
        if case.path_parameters:
            identity = created(client)
            sent(client, identity, rows(slice(0, 10)))
            case.path_parameters["id"] = identity
        case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)

    every_request(label, ask, 5 * EXAMPLES)
