"""The catalogues, the cards, health and the limits."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from lossapi import like, registry


def test_the_catalogue_lists_exactly_the_registry(client: httpx.Client) -> None:
    for kind, plural in registry.PLURAL.items():
        listed = client.get(f"/v1/{plural}").json()[plural]
        assert [card["name"] for card in listed] == registry.names(kind)
        assert all(set(card) == {"name", "kind", "family", "summary"} for card in listed)


def test_the_catalogue_filters_by_family_and_words(client: httpx.Client) -> None:
    families = {card["family"] for card in client.get("/v1/losses?family=regression").json()["losses"]}
    assert families == {"regression"}
    found = client.get("/v1/losses?q=quadratic%20LINEAR").json()["losses"]
    assert "huber" in [card["name"] for card in found]
    assert all("quadratic" in card["summary"].lower() and "linear" in card["summary"].lower() for card in found)


def test_a_card_has_all_that_the_contract_names(client: httpx.Client) -> None:
    card = client.get("/v1/losses/cross_entropy").json()
    keys = [
        "name",
        "kind",
        "family",
        "summary",
        "description",
        "formula",
        "inputs",
        "parameters",
        "reductions",
        "default_reduction",
    ]
    assert {*keys, "differentiable", "merge", "like", "sources", "example"} <= set(card)
    assert card["inputs"][0]["axes"] == ["batch", "classes", "*axes"]
    assert card["parameters"]["properties"]["label_smoothing"] == {
        "default": 0.0,
        "maximum": 1,
        "minimum": 0,
        "type": "number",
    }


def test_every_preset_is_listed_with_what_it_stands_for(client: httpx.Client) -> None:
    listed = client.get("/v1/like").json()["like"]
    assert len(listed) == sum(map(len, like.presets().values()))
    huber = next(entry for entry in listed if entry["path"] == "/v1/like/torch/huber_loss")
    assert (huber["definition"], huber["arguments"]["input"]) == ("huber", {"is": "prediction"})


def test_health_and_limits_are_answered(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json()["status"] == "ready"
    limits = client.get("/v1/limits").json()["limits"]
    body = next(limit for limit in limits if limit["name"] == "body_bytes")
    assert (body["value"], body["setting"]) == (4 * 2**20, "LOSSAPI_BODY_BYTES")


def test_people_are_shown_the_documentation(client: httpx.Client) -> None:
    page = client.get("/", follow_redirects=True)
    assert page.status_code == 200
    assert "swagger" in page.text


def test_a_card_says_whether_there_is_a_model_and_why_not(client: httpx.Client) -> None:
    assert client.get("/v1/losses/huber").json()["onnx"] == {"value": True, "gradient": True}
    adaptive = client.get("/v1/losses/adaptive_log_softmax").json()["onnx"]
    assert (adaptive["value"], adaptive["gradient"]) == (False, False)
    assert "Expected" in adaptive["because"]
    assert "onnx" not in client.get("/v1/metrics/r2").json()


def test_prometheus_reads_what_computes_and_where(client: httpx.Client) -> None:
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    found = {
        (sample.labels["backend"], sample.labels["provider"])
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
        if sample.name == "lossapi_provider_info"
    }
    assert found == set(client.get("/health/ready").json()["backends"].items())
    assert ("numpy", "CPUExecutionProvider") in found
