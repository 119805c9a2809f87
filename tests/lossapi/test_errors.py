"""Errors say what was expected, what was got and where, and can be seen from elsewhere."""

import inspect

import pytest

from lossapi import errors
from lossapi.errors import LONGEST, MOST_FAULTS, Fault, LossError, ShapeError, UnknownKey, nearest

TREE = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, LossError)]


def test_the_message_names_expectation_finding_and_place() -> None:
    error = ShapeError("label < 5 (axis classes)", "7", ("target", 3))
    assert str(error) == "Expected label < 5 (axis classes), got 7 - at $.target[3]"
    assert error.faults[0].pointer == "/target/3"


def test_a_fault_without_a_place_says_none() -> None:
    assert str(Fault("one", "two")) == "Expected one, got two"
    assert Fault("one", "two").pointer == ""


def test_pointers_escape_as_rfc_6901_says() -> None:
    assert Fault("a", "b", ("x/y", "~z", 0)).pointer == "/x~1y/~0z/0"


def test_several_faults_are_one_error() -> None:
    error = UnknownKey.of([Fault("'a'", "unknown key 'aa'", ("aa",)), Fault("'b'", "unknown key 'bb'", ("bb",))])
    assert isinstance(error, UnknownKey)
    assert str(error) == "Expected 'a', got unknown key 'aa' - at $.aa; Expected 'b', got unknown key 'bb' - at $.bb"


def test_what_a_request_holds_is_repeated_up_to_a_length() -> None:
    long = "x" * (2 * LONGEST)
    error = UnknownKey(nearest(long, ["x"]), f"unknown key {long!r}", ("given", long, 7))
    assert len(str(error)) < 3 * LONGEST
    assert error.faults[0].where == ("given", long[: LONGEST - 1] + "…", 7)


def test_faults_beyond_some_are_counted() -> None:
    error = UnknownKey.of([Fault("a", str(number)) for number in range(MOST_FAULTS + 3)], 4)
    assert len(error.faults) == MOST_FAULTS
    assert str(error).endswith(f"got {MOST_FAULTS - 1}; and 7 more")


def test_an_error_is_seen_from_one_level_up() -> None:
    assert ShapeError("a", "b", ("target", 0)).within("losses", 1).faults[0].pointer == "/losses/1/target/0"


def test_an_error_is_told_in_another_librarys_names() -> None:
    error = ShapeError("a", "b", ("target", 0)).renamed({"target": "y_true"})
    assert error.faults[0].where == ("y_true", 0)
    assert ShapeError("a", "b", ("weight",)).renamed({"target": "y_true"}).faults[0].where == ("weight",)
    assert ShapeError("a", "b").renamed({"target": "y_true"}).faults[0].where == ()


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = errors.__doc__ or ""
    for each in TREE:
        assert each.__name__ in drawn
        assert each.__doc__
        assert each.title


def test_codes_tell_errors_apart() -> None:
    codes = [each.code for each in TREE]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("name", "known", "phrase"),
    [
        ("hubr", ["huber", "dice"], "'huber'"),
        ("xyz", ["huber", "dice"], "one of 'huber', 'dice'"),
        ("zz", [f"n{i}" for i in range(20)], "one of " + ", ".join(f"'n{i}'" for i in range(12)) + ", …"),
    ],
)
def test_the_nearest_names_are_offered_or_all_listed(name: str, known: list[str], phrase: str) -> None:
    assert nearest(name, known) == phrase
