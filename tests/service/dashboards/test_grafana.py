"""The contract of Grafana's JSON data source, as its plugin asks for it."""

from typing import Any

import pytest

from tests.service.dashboards.conftest import Board, times

GRAFANA = "/v1/dashboards/grafana"
RANGE = {"from": "2023-11-14T22:00:00.000Z", "to": "2023-11-14T23:00:00.000Z", "raw": {"from": "now-1h", "to": "now"}}


def asked(board: Board, call: str, body: Any) -> Any:
    """What is answered to a call."""
    reply = board.client.post(f"{GRAFANA}/{call}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def queried(board: Board, target: str, **more: Any) -> Any:
    """A query as the plugin sends it."""
    line = {"refId": "A", "datasource": {"uid": "x"}, "target": target, "payload": "", **more.pop("line", {})}
    body = {"requestId": "Q1", "panelId": 2, "range": RANGE, "intervalMs": 500, "maxDataPoints": 100, "targets": [line]}
    return asked(board, "query", {**body, "scopedVars": {}, "adhocFilters": [], **more})


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_data_source_is_well(board: Board, slash: str) -> None:
    assert board.client.get(f"{GRAFANA}{slash}").status_code == 200


def test_series_are_found_by_what_was_typed(board: Board) -> None:
    every = ["val/mae", "val/r2", f"{board.nameless}/confusion_matrix"]
    assert asked(board, "search", {"target": ""}) == every
    assert asked(board, "search", {"target": "mae"}) == ["val/mae"]
    assert board.client.post(f"{GRAFANA}/search").json() == every
    assert asked(board, "metrics", {"metric": "r2", "payload": {}}) == [
        {"label": "val/r2", "value": "val/r2", "payloads": []}
    ]
    assert asked(board, "metric-payload-options", {"metric": "val/r2", "name": "x"}) == []


def test_values_over_time_are_pairs_of_value_and_time(board: Board) -> None:
    (found,) = queried(board, f"{board.one}/mae")
    assert found == {
        "target": "val/mae",
        "refId": "A",
        "datapoints": [[value, time] for value, time in zip([1.0, 1.5, 2.0], times(1, 2, 3), strict=True)],
    }


def test_a_pattern_compares_streams_whose_names_are_told_apart(board: Board) -> None:
    found = queried(board, "val/m*")
    assert [each["target"] for each in found] == [f"val/mae ({board.one})", f"val/mae ({board.two})"]


def test_what_is_not_defined_is_null(board: Board) -> None:
    (found,) = queried(board, f"{board.two}/r2")
    assert found["datapoints"] == [[None, times(3)[0]]]


def test_no_more_points_come_than_a_panel_has_room_for(board: Board) -> None:
    (found,) = queried(board, f"{board.one}/mae", maxDataPoints=2)
    assert len(found["datapoints"]) == 2
    (found,) = queried(board, f"{board.one}/mae", range={"from": times(2)[0], "to": times(2)[0]})
    assert found["datapoints"] == [[1.5, times(2)[0]]]


def test_filters_are_on_labels(board: Board) -> None:
    for operator, identity in (("=", board.one), ("!=", board.two)):
        filters = [{"key": "model", "operator": operator, "value": "a"}]
        (found,) = queried(board, "val/mae", adhocFilters=filters)
        assert found["datapoints"] == queried(board, f"{identity}/mae")[0]["datapoints"]
    assert asked(board, "tag-keys", {}) == [{"type": "string", "text": "model"}, {"type": "string", "text": "host"}]
    assert asked(board, "tag-values", {"key": "model"}) == [{"text": "a"}, {"text": "b"}]


def test_a_table_has_a_row_for_each_series(board: Board) -> None:
    (found,) = queried(board, "val/mae", line={"type": "table"})
    assert (found["type"], found["refId"]) == ("table", "A")
    names = [column["text"] for column in found["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in found["rows"]]
    assert [(row["stream"], row["series"], row["value"], row["model"]) for row in rows] == [
        ("val", "mae", 2.0, "a"),
        ("val", "mae", 4.0, "b"),
    ]
    assert rows[0]["updated"] == times(3)[0]


def test_hidden_and_empty_lines_are_passed_over(board: Board) -> None:
    assert queried(board, "val/mae", line={"hide": True}) == []
    assert queried(board, "") == []


def test_variables_are_streams_or_the_values_of_a_label(board: Board) -> None:
    streams = asked(board, "variable", {"payload": {"target": ""}, "range": RANGE})
    assert streams == [{"__text": each, "__value": each} for each in ("val", board.nameless)]
    models = asked(board, "variable", {"payload": {"target": "model"}})
    assert [each["__value"] for each in models] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"range": 5}, "/range"),
        ({"range": {"from": "then"}}, "/range/from"),
        ({"maxDataPoints": 0}, "/maxDataPoints"),
        ({"targets": {}}, "/targets"),
        ({"targets": [5]}, "/targets/0"),
        ({"targets": [{"target": 5}]}, "/targets/0/target"),
        ({"targets": [{"target": "a/b", "type": "heatmap"}]}, "/targets/0/type"),
        ({"adhocFilters": [{"key": "a", "operator": "=~", "value": ".*"}]}, "/adhocFilters/0/operator"),
    ],
)
def test_what_cannot_be_queried_says_why(board: Board, body: Any, pointer: str) -> None:
    reply = board.client.post(f"{GRAFANA}/query", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer), reply.text
