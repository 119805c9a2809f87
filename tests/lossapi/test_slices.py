"""Rows by the values of columns, and by several at once."""

from typing import Any

import numpy as np
import pytest

from lossapi.errors import LossError
from lossapi.evaluation.slices import MOST, column, grouped, read_columns, read_crossings

COLUMNS = {"country": ["de", "fr", "de", "it"], "age": [30, 40, 30, 30], "new": [True, False, True, True]}


def groups(*names: str) -> dict[tuple[Any, ...], list[int]]:
    """The rows of each group."""
    found = grouped([read_columns(COLUMNS)[name] for name in names], ())
    return {label: found.order[rows].tolist() for label, rows in found.parts()}


def test_each_value_has_its_rows_in_order() -> None:
    assert groups("country") == {("de",): [0, 2], ("fr",): [1], ("it",): [3]}
    assert groups("new") == {(False,): [1], (True,): [0, 2, 3]}


def test_crossed_columns_have_the_combinations_that_occur() -> None:
    assert groups("country", "age") == {("de", 30): [0, 2], ("fr", 40): [1], ("it", 30): [3]}
    assert list(groups("age", "new")) == [(30, True), (40, False)]


def test_a_column_may_be_a_tensor() -> None:
    assert column({"dtype": "int8", "shape": [3], "data": [1, 0, 1]}).values == (0, 1)
    assert column(np.array([True, False])).values == (False, True)


def test_nothing_has_no_groups() -> None:
    assert list(grouped([column([])], ()).parts()) == []


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ([1], "parameter", "/slices"),
        ({"a": ["x", 1]}, "dtype", "/slices/a/1"),
        ({"a": ["x", None]}, "dtype", "/slices/a/1"),
        ({"a": [1.5]}, "dtype", "/slices/a/0"),
        ({"a": [True, 1]}, "dtype", "/slices/a/1"),
        ({"a": [[1], [2]]}, "dtype", "/slices/a/0"),
        ({"a": np.zeros((2, 2), np.int64)}, "dtype", "/slices/a"),
        ({"a": [1, 2], "b": [1]}, "shape", "/slices/b"),
    ],
)
def test_what_is_no_column_is_refused(given: Any, code: str, pointer: str) -> None:
    with pytest.raises(LossError) as raised:
        read_columns(given)
    assert (raised.value.code, raised.value.faults[0].pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ("country", "parameter", "/crossings"),
        ([["country"]], "parameter", "/crossings/0"),
        ([["country", {}]], "unknown_key", "/crossings/0/1"),
        ([["age", "age"]], "parameter", "/crossings/0"),
        ([["age", "new"], ["age", "contry"]], "unknown_key", "/crossings/1/1"),
    ],
)
def test_what_cannot_be_crossed_is_refused(given: Any, code: str, pointer: str) -> None:
    with pytest.raises(LossError) as raised:
        read_crossings(given, read_columns(COLUMNS))
    assert (raised.value.code, raised.value.faults[0].pointer) == (code, pointer)


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(LossError, match="at most"):
        grouped([column(list(range(MOST + 1)))], ("slices", "id"))
