"""Flat tables of streams."""

import csv
import io

import pytest

from tests.service.dashboards.conftest import Board, times


def test_values_are_rows(board: Board) -> None:
    rows = board.client.get("/v1/dashboards/values?label=model:a").json()
    shared: dict[str, object] = {"id": board.one, "stream": "val", "label_model": "a", "label_host": "x", "index": None}
    shared |= {"count": 3, "updated": times(3)[0]}
    absolute, r2 = rows
    assert absolute == {**shared, "series": "mae", "value": 2.0}
    assert r2["series"] == "r2"


def test_what_is_not_defined_is_null_and_an_empty_cell(board: Board) -> None:
    query = "/v1/dashboards/values?label=model:b"
    assert board.client.get(query).json()[1]["value"] is None
    reply = board.client.get(f"{query}&format=csv")
    assert reply.headers["Content-Type"].startswith("text/csv")
    assert [row["value"] for row in csv.DictReader(io.StringIO(reply.text))] == ["4.0", ""]


def test_a_history_is_rows_in_time(board: Board) -> None:
    rows = board.client.get(f"/v1/dashboards/history?label=model:a&from={times(2)[0]}").json()
    assert [(row["time"], row["value"]) for row in rows if row["series"] == "mae"] == [
        (times(2)[0], 1.5),
        (times(3)[0], 2.0),
    ]


def test_csv_may_be_accepted_and_holds_every_label(board: Board) -> None:
    reply = board.client.get("/v1/dashboards/values", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert {row["label_model"] for row in rows} == {"a", "b", ""}
    assert [row["index"] for row in rows if row["series"] == "confusion_matrix"] == ["0.0", "0.1", "1.0", "1.1"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("values?format=xml", "/format"),
        ("values?form=csv", "/form"),
        ("values?label=a", "/label"),
        ("history?points=0", "/points"),
        ("history?to=soon", "/to"),
    ],
)
def test_what_cannot_be_asked_for_says_why(board: Board, query: str, pointer: str) -> None:
    reply = board.client.get(f"/v1/dashboards/{query}")
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)
