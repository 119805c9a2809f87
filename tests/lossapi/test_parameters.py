"""Parameters: constrained once, checked strictly, and refused in our words."""

from typing import Any, Literal

import pytest

from lossapi import parameters
from lossapi.errors import LossError, ParameterError, UnknownKey
from lossapi.parameters import Count, Fraction, LogFloor, NonNegative, Positive


def kernel(
    x: Any,
    *,
    delta: Positive = 1.0,
    gamma: NonNegative = 2.0,
    label_smoothing: Fraction = 0.0,
    log_floor: LogFloor | None = None,
    blank: int = 0,
    num_classes: Count | None = None,
    mode: Literal["one", "two"] = "one",
    squared: bool = False,
) -> Any:
    """A kernel with a parameter of every kind."""


MODEL = parameters.model("kernel", parameters.read_parameters(kernel))


def test_keyword_only_arguments_are_the_parameters() -> None:
    assert list(MODEL.model_fields)[:3] == ["delta", "gamma", "label_smoothing"]
    assert "x" not in MODEL.model_fields


def test_what_is_not_given_has_its_default() -> None:
    given = parameters.check(MODEL, {"delta": 2, "mode": "two"})
    assert given == {**parameters.defaults(MODEL), "delta": 2.0, "mode": "two"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delta": 0.0}, "Expected delta > 0, got 0.0 - at $.delta"),
        ({"gamma": -0.5}, "Expected gamma >= 0, got -0.5 - at $.gamma"),
        ({"label_smoothing": 1.5}, "Expected label_smoothing <= 1, got 1.5 - at $.label_smoothing"),
        ({"log_floor": 0.5}, "Expected log_floor < 0.5, got 0.5 - at $.log_floor"),
        ({"num_classes": 0}, "Expected num_classes >= 1, got 0 - at $.num_classes"),
        ({"mode": "three"}, "Expected mode to be 'one' or 'two', got 'three' - at $.mode"),
        ({"delta": "1.0"}, "Expected delta: a valid number, got '1.0' - at $.delta"),
        ({"blank": 1.5}, "Expected blank: a valid integer, got 1.5 - at $.blank"),
        ({"blank": True}, "Expected blank: a valid integer, got True - at $.blank"),
        ({"squared": 1}, "Expected squared: a valid boolean, got 1 - at $.squared"),
        ({"delta": float("nan")}, "Expected delta: a finite number, got nan - at $.delta"),
        ({"delta": float("inf")}, "Expected delta: a finite number, got inf - at $.delta"),
        ({"delta": None}, "Expected delta: a valid number, got None - at $.delta"),
    ],
)
def test_a_parameter_out_of_bounds_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as raised:
        parameters.check(MODEL, given)
    assert str(raised.value) == message


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownKey) as raised:
        parameters.check(MODEL, {"dleta": 1.0})
    assert str(raised.value) == "Expected 'delta', got unknown key 'dleta' - at $.dleta"


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(LossError) as raised:
        parameters.check(MODEL, {"delta": -1.0, "gamma": -1.0, "unknown": 1})
    assert [fault.pointer for fault in raised.value.faults] == ["/delta", "/gamma", "/unknown"]


def test_a_long_value_is_shown_shortened() -> None:
    with pytest.raises(ParameterError) as raised:
        parameters.check(MODEL, {"mode": "x" * 500})
    assert len(raised.value.faults[0].got) < 70


def test_what_a_library_does_not_check_is_taken_as_it_is() -> None:
    assert parameters.check(MODEL, {"delta": -1.0}, frozenset({"delta"}))["delta"] == -1.0
    with pytest.raises(ParameterError, match="delta: a number"):
        parameters.check(MODEL, {"delta": "one"}, frozenset({"delta"}))


def test_a_parameter_without_a_default_is_required() -> None:
    required = parameters.model("required", {"num_classes": (Count, ...)})
    with pytest.raises(ParameterError, match=r"Expected num_classes, got nothing - at \$\.num_classes"):
        parameters.check(required, {})


def test_a_choice_among_numbers_takes_no_boolean() -> None:
    chosen = parameters.model("chosen", {"p": (Literal[1, 2], 1), "zero": (Literal[0, "nan"], 0)})
    assert parameters.check(chosen, {"p": 2, "zero": "nan"}) == {"p": 2, "zero": "nan"}
    for wrong in ({"p": True}, {"zero": False}):
        with pytest.raises(ParameterError):
            parameters.check(chosen, wrong)
