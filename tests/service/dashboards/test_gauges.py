"""Streams on GET /metrics."""

import subprocess
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from service.app import create_app
from service.settings import Settings
from service.stores import MEMORY
from tests.programs import require
from tests.service.dashboards.conftest import Board, times
from tests.service.live import serving
from tests.service.streams.asking import created, sent


def samples(client: httpx.Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What a scrape finds, by name and labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(client: httpx.Client, name: str, **labels: Any) -> float | None:
    """One sample; None where it is not there."""
    return samples(client).get((name, frozenset(labels.items())))


def test_every_series_is_a_gauge_with_its_streams_labels(board: Board) -> None:
    labels = {"id": board.one, "stream": "val", "model": "a", "host": "x"}
    assert value(board.client, "lossapi_stream_value", **labels, series="mae") == 2.0
    assert value(board.client, "lossapi_stream_rows", **labels) == 3
    assert value(board.client, "lossapi_stream_batches", **labels) == 3
    assert value(board.client, "lossapi_stream_updated_timestamp_seconds", **labels) == times(3)[0] / 1000
    labels = {"id": board.two, "stream": "val", "model": "b", "host": "x"}
    assert value(board.client, "lossapi_stream_value", **labels, series="mae") == 4.0
    assert value(board.client, "lossapi_stream_value", **labels, series="r2") is None


def test_the_numbers_of_a_table_are_told_apart(board: Board) -> None:
    labels = {"id": board.nameless, "stream": "", "series": "confusion_matrix"}
    cells = {
        f"{i}.{j}": value(board.client, "lossapi_stream_value", **labels, index=f"{i}.{j}")
        for i in (0, 1)
        for j in (0, 1)
    }
    assert cells == {"0.0": 0, "0.1": 0, "1.0": 1, "1.1": 1}


def test_the_services_own_metrics_are_there_too(board: Board) -> None:
    assert any(name == "lossapi_build_info" for name, _ in samples(board.client))
    assert value(board.client, "lossapi_stream_store_up") == 1


def test_no_more_series_are_published_than_may_be() -> None:
    with serving(create_app(Settings(store=MEMORY, published_series=3))) as client:
        for _ in range(3):
            sent(
                client,
                created(client, metrics=["mean_absolute_error", "mean_squared_error"]),
                {"prediction": [1.0], "target": [0.0]},
            )
        found = samples(client)
        assert sum(name == "lossapi_stream_value" for name, _ in found) == 2
        assert value(client, "lossapi_stream_series_left_out") == 4


def test_a_curve_of_too_many_numbers_is_left_out() -> None:
    with serving(create_app(Settings(store=MEMORY))) as client:
        batch = {"prediction": [i / 200 for i in range(200)], "target": [i % 2 for i in range(200)]}
        sent(client, created(client, metrics=["roc_curve", "roc_auc"]), batch)
        assert sum(name == "lossapi_stream_value" for name, _ in samples(client)) == 1
        assert value(client, "lossapi_stream_series_left_out") == 1


def test_nothing_of_streams_is_published_where_none_may_be() -> None:
    with serving(create_app(Settings(store=MEMORY, published_series=0))) as client:
        created(client, losses=["huber"])
        assert not any(name.startswith("lossapi_stream") for name, _ in samples(client))


def test_a_store_out_of_reach_is_told_and_breaks_nothing_else() -> None:
    with serving(create_app(Settings(store="redis://127.0.0.1:1/0"))) as client:
        assert value(client, "lossapi_stream_store_up") == 0
        assert any(name == "lossapi_build_info" for name, _ in samples(client))
        for reply in (client.get("/v1/streams"), client.post("/v1/streams", json={"losses": ["huber"]})):
            assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")


def test_promtool_finds_no_fault(board: Board) -> None:
    require("promtool", "prometheus")
    text = board.client.get("/metrics").content
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b""), checked.stderr.decode()
