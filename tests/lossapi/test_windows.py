"""What streams hold: whatever the cuts into batches, what is read is what the rows of the window come to."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossapi.codecs import json
from lossapi.domains import Array
from lossapi.errors import Conflict, LossError, ParameterError, UnknownKey, Unsupported
from lossapi.evaluation.items import read_items
from lossapi.evaluation.panel import fold, read
from lossapi.windows.content import Content, opened
from lossapi.windows.given_rows import rows_of
from lossapi.windows.pieces import readings, unpack_piece

COUNT = 120
RANDOM = np.random.default_rng(3)
TENSORS = {"prediction": RANDOM.normal(size=COUNT), "target": RANDOM.normal(size=COUNT)}
WEIGHT = RANDOM.uniform(size=COUNT)
REGRESSION = {"losses": ["huber"], "metrics": ["mean_squared_error", "r2"]}

few = settings(max_examples=20)
cuts = st.lists(st.integers(0, COUNT), max_size=12).map(lambda inner: list(pairwise([0, *sorted(inner), COUNT])))


def items(asked: Any = None) -> Any:
    """What is asked for."""
    return read_items(asked or REGRESSION)


def travelled(value: Any) -> Any:
    """What arrives of plain data that was stored."""
    return json.decode(json.encode(value))


def streamed(content: Content, parts: list[tuple[int, int]], times: Any = None) -> Content:
    """Contents after the rows have come in these parts, each through a store; at the time of its last row."""
    empty = content
    for start, end in parts:
        rows = rows_of(items(), TENSORS, WEIGHT)[start:end]
        piece = unpack_piece(items(), travelled(content.piece(rows).pack()))
        content = content.add(piece, 1000 * (end - 1) if times is None else times)
        content = empty.unpacked(travelled(content.pack()))
    return content


def values(content: Content, time: int = 0) -> list[float]:
    """What is read."""
    return [each.value for each in readings(content.panel(time))]


def recomputed(part: slice) -> list[float]:
    """The same of some rows at once."""
    tensors = {name: each[part] for name, each in TENSORS.items()}
    return [each.value for each in read(fold(items(), tensors, WEIGHT[part]))]


@few
@given(cuts)
def test_everything_is_the_whole(parts: list[tuple[int, int]]) -> None:
    assert values(streamed(opened(None, items()), parts)) == pytest.approx(recomputed(slice(None)), rel=1e-12)


@few
@given(cuts, st.integers(2, COUNT + 5))
def test_the_last_rows_are_exact_to_the_row(parts: list[tuple[int, int]], most: int) -> None:
    content = streamed(opened({"rows": most}, items()), parts)
    assert values(content) == pytest.approx(recomputed(slice(-most, None)), rel=1e-12)
    assert readings(content.panel(0))[0].count == min(most, COUNT)


def test_many_small_batches_lie_in_few_blocks() -> None:
    content: Any = streamed(opened({"rows": 96}, items()), [(row, row + 1) for row in range(COUNT)])
    assert len(content.blocks) <= 34
    assert values(content) == pytest.approx(recomputed(slice(-96, None)), rel=1e-12)


def test_the_last_seconds_leave_by_the_sixtieth() -> None:
    content = streamed(opened({"seconds": 60}, items()), [(row, row + 1) for row in range(COUNT)])
    last = 1000 * (COUNT - 1)
    assert values(content, last) == pytest.approx(recomputed(slice(-61, None)), rel=1e-12)
    assert values(content, last + 10_000) == pytest.approx(recomputed(slice(-51, None)), rel=1e-12)
    assert readings(content.panel(last + 61_000))[0].count == 0


def faded(half_life: float) -> float:
    """The mean squared error, every row at the weight that its age gives it."""
    age = np.arange(COUNT - 1, -1, -1)
    weight = WEIGHT * 0.5 ** (age / half_life)
    return float(((TENSORS["prediction"] - TENSORS["target"]) ** 2 * weight).sum() / weight.sum())


@few
@given(cuts, st.sampled_from([0.5, 4.0, 31.0]))
def test_fading_is_exact_up_to_half_lives_of_sixty_three_rows(parts: list[tuple[int, int]], half_life: float) -> None:
    content = streamed(opened({"half_life_rows": half_life}, items()), parts)
    assert values(content)[1] == pytest.approx(faded(half_life), rel=1e-9)


@few
@given(cuts)
def test_longer_half_lives_weigh_neighbours_alike(parts: list[tuple[int, int]]) -> None:
    content = streamed(opened({"half_life_rows": 96.0}, items()), parts)
    assert values(content)[1] == pytest.approx(faded(96.0), rel=0.011)


def test_a_mean_that_fades_is_over_the_rows_that_are_left() -> None:
    asked = read_items({"losses": ["mean_absolute_error"]})
    content = opened({"half_life_rows": 1}, asked)
    for error in (8.0, 2.0):
        rows = rows_of(asked, {"prediction": np.array([error]), "target": np.array([0.0])}, None)
        content = content.add(content.piece(rows), 0)
    (found,) = readings(content.panel(0))
    assert (found.value, found.count) == ((8.0 / 2 + 2.0) / 1.5, 1.5)


def batch(asked: Any, **tensors: Any) -> tuple[Content, Any]:
    """An empty stream, and a batch."""
    arrays: dict[str, Array] = {name: np.asarray(each) for name, each in tensors.items()}
    found = read_items(asked)
    return opened(None, found), rows_of(found, arrays, None)


def test_a_batch_of_other_columns_is_a_conflict() -> None:
    content, one = batch({"metrics": ["r2"]}, prediction=np.ones((3, 2)), target=np.ones((3, 2)))
    _, two = batch({"metrics": ["r2"]}, prediction=np.ones((3, 4)), target=np.ones((3, 4)))
    content = content.add(content.piece(one), 0)
    with pytest.raises(Conflict):
        content.add(content.piece(two), 0)


def test_columns_that_are_kept_must_be_as_many_too() -> None:
    asked = {"metrics": [{"name": "median_absolute_error"}]}
    content, one = batch(asked, prediction=np.ones((3, 2)), target=np.ones((3, 2)))
    _, two = batch(asked, prediction=np.ones((3, 4)), target=np.ones((3, 4)))
    content = content.add(content.piece(one), 0)
    with pytest.raises(LossError):
        readings(content.add(content.piece(two), 0).panel(0))


@pytest.mark.parametrize(
    ("window", "asked", "error", "pointer"),
    [
        ({}, REGRESSION, ParameterError, "/window"),
        (5, REGRESSION, ParameterError, "/window"),
        ({"rows": 1, "seconds": 1}, REGRESSION, ParameterError, "/window"),
        ({"rows": 0}, REGRESSION, ParameterError, "/window/rows"),
        ({"rows": 2.5}, REGRESSION, ParameterError, "/window/rows"),
        ({"seconds": "60"}, REGRESSION, ParameterError, "/window/seconds"),
        ({"half_life_rows": 0}, REGRESSION, ParameterError, "/window/half_life_rows"),
        ({"half_life": 5}, REGRESSION, UnknownKey, "/window/half_life"),
        ({"half_life_rows": 5}, {"metrics": ["accuracy", "roc_auc"]}, Unsupported, "/metrics/1"),
        ({"rows": 5}, {"losses": [{"name": "cross_entropy", "class_axis": 0}]}, Unsupported, "/losses/0/class_axis"),
    ],
)
def test_a_window_that_cannot_be_says_so(window: Any, asked: Any, error: type[LossError], pointer: str) -> None:
    with pytest.raises(error) as raised:
        opened(window, read_items(asked))
    assert raised.value.faults[0].pointer == pointer


def test_a_window_of_rows_takes_no_lone_vector_along_an_axis() -> None:
    asked = read_items({"metrics": ["cosine_similarity"]})
    content = opened({"rows": 2}, asked)
    vector = {name: np.array([1.0, 2.0]) for name in ("prediction", "target")}
    with pytest.raises(Unsupported):
        content.piece(rows_of(asked, vector, None))
    matrix = {"prediction": np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]), "target": np.array([[0.0, 1.0]] * 3)}
    (found,) = readings(content.add(content.piece(rows_of(asked, matrix, None)), 0).panel(0))
    assert found.value == pytest.approx((1 + 0.5**0.5) / 2)


def test_a_state_cannot_come_into_a_window_of_rows() -> None:
    found = items()
    piece = opened(None, found).piece(rows_of(found, TENSORS, None))
    with pytest.raises(Unsupported):
        opened({"rows": 5}, found).add(piece, 0)
