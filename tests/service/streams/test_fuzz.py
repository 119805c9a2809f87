"""Requests to streams that fit the document, or nearly so: none meets a server error or an undeclared answer."""

from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.service.streams.asking import created, rows, sent
from tests.service.test_openapi import CHECKS, EXAMPLES

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(Settings(store=MEMORY))).include(
    path_regex="^/v1/(streams|dashboards)"
)


@schema.parametrize()
@settings(
    max_examples=5 * EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_to_a_stream_meets_a_server_error(case: schemathesis.Case[Any], client: httpx.Client) -> None:
    if case.path_parameters:
        identity = created(client)
        sent(client, identity, rows(slice(0, 10)))
        case.path_parameters["id"] = identity
    case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)
