"""Values over time: how they are thinned, and what a chart is given."""

from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.streams.history import History
from tests.service.streams.asking import created, read, sent
from tests.service.streams.conftest import MORNING, Clock


def remembered(count: int, most: int) -> History:
    """A history of so many points, a second apart."""
    history = History(most)
    for index in range(count):
        history = history.add(index * 1000, (float(index),))
    return history


def test_the_older_points_are_the_wider_apart() -> None:
    times = [time // 1000 for time, _ in remembered(40, 8).points]
    assert len(times) <= 8
    assert times[-4:] == [36, 37, 38, 39]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == sorted(gaps, reverse=True)
    assert (times[0], gaps[0] > 4) == (0, True)


@given(st.integers(0, 200), st.integers(4, 40))
def test_a_history_has_a_bound_and_its_newest_points(count: int, most: int) -> None:
    points = remembered(count, most).points
    assert len(points) <= most
    newest = points[-(most // 4) :]
    assert [time for time, _ in newest] == [1000 * i for i in range(count)][-len(newest) :] or not points


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 20))
def test_a_chart_is_given_no_more_points_than_it_asks_for(times: list[int], points: int) -> None:
    history = History(1000)
    for time in sorted(times):
        history = history.add(time, (float(time),))
    found = history.between(None, None, points)
    assert 1 <= len(found) <= points
    assert found[-1] == history.points[-1]
    assert set(found) <= set(history.points)
    assert [time for time, _ in found] == sorted(time for time, _ in found)


def test_a_history_travels() -> None:
    history = History(8).add(1, (1.5, None)).add(2, (None, 2.0))
    assert History(8).unpacked(history.pack()) == history


@pytest.fixture
def charted(server: httpx.Client, clock: Clock) -> str:
    """A stream with a batch a minute: the errors are 0, 1, 2, 3."""
    identity = created(server, metrics=["mean_absolute_error", "r2", "confusion_matrix"][:2])
    for error in range(4):
        clock.pass_by(60)
        sent(server, identity, {"prediction": [float(error)], "target": [0.0]})
    return identity


def test_a_chart_has_times_and_values_and_null_for_what_is_not_defined(server: httpx.Client, charted: str) -> None:
    history = read(server, charted, "/history")
    times = [MORNING + 60_000 * minute for minute in (1, 2, 3, 4)]
    absolute, r2 = history["series"]
    assert history["id"] == charted
    assert absolute == {
        "name": "mean_absolute_error",
        "as": "mean_absolute_error",
        "points": [[time, value] for time, value in zip(times, [0.0, 0.5, 1.0, 1.5], strict=True)],
    }
    assert r2["points"][0] == [times[0], None]


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        (f"?from={MORNING + 120_000}", [2, 3, 4]),
        (f"?from={MORNING + 120_000}&to={MORNING + 180_000}", [2, 3]),
        ("?to=2023-11-14T22:15:20Z", [1, 2]),
        ("?to=2023-11-14T22:15:20", [1, 2]),
        ("?points=1", [4]),
        ("?points=2", [2, 4]),
        ("?from=99999999999999", []),
    ],
)
def test_a_span_and_a_number_of_points_may_be_asked_for(
    server: httpx.Client, charted: str, query: str, minutes: list[int]
) -> None:
    points = read(server, charted, f"/history{query}")["series"][0]["points"]
    assert [(time - MORNING) // 60_000 for time, _ in points] == minutes


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("?points=0", "/points"), ("?points=x", "/points"), ("?from=yesterday", "/from"), ("?until=5", "/until")],
)
def test_what_is_no_span_is_refused(client: httpx.Client, query: str, pointer: str) -> None:
    reply = client.get(f"/v1/streams/{created(client)}/history{query}")
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)
