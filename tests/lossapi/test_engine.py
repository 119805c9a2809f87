"""The fold: cut by size, mapped on threads, merged in order, read."""

import contextvars
import threading
import warnings
from typing import Any

import numpy as np
import pytest

from lossapi import chunks, compute, engine
from lossapi.binding import bind
from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.engine import Call, run
from lossapi.errors import DomainError, EmptyError, LossError, NonFiniteError, ParameterError, UnknownKey
from tests.lossapi.definitions import ERROR, PAIRED, PICKED, RATIO, TOTAL

ROWS = np.array([[1.0, 2.0], [3.0, 6.0]])
PAIR = {"prediction": ROWS, "target": np.zeros((2, 2))}


def value(definition: Any, tensors: dict[str, Any], parameters: dict[str, Any] | None = None, **options: Any) -> Any:
    """The value of a call."""
    return compute(definition, tensors, parameters, **options).value


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("mean", 20.0 / 4),
        ("sum", 20.0),
        ("weighted_mean", 20.0 / 4.0),
        ("nonzero_mean", 20.0 / 2),
        ("batch_mean", 20.0 / 2),
        ("none", [[0.0, 0.0], [6.0, 12.0]]),
    ],
)
def test_a_weighted_sum_is_divided_as_the_reduction_says(reduction: str, expected: Any) -> None:
    tensors = {"prediction": ROWS, "target": np.zeros((2, 2))}
    found = value(ERROR, tensors, weight=np.array([0.0, 2.0]), reduction=reduction)
    assert np.array_equal(found, np.array(expected) * (18.0 / 20.0 if reduction != "none" else 1.0))


def test_the_default_reduction_is_the_mean() -> None:
    result = compute(ERROR, PAIR)
    assert (result.value, result.reduction, result.count, result.finite) == (3.0, "mean", 4, True)


def test_rows_come_back_in_the_shape_of_the_input() -> None:
    cube = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(value(ERROR, {"prediction": cube, "target": 0 * cube}, reduction="none"), cube)


def test_one_number_is_one_number() -> None:
    found = value(ERROR, {"prediction": 3.0, "target": 1.0}, reduction="none")
    assert found.shape == ()
    assert value(ERROR, {"prediction": 3.0, "target": 1.0}) == 2.0


def test_lists_are_taken_for_arrays() -> None:
    assert value(ERROR, {"prediction": [3, 4], "target": [1, 1]}) == 2.5


@pytest.mark.parametrize("reduction", ["avg", "", "Mean"])
def test_an_unknown_reduction_is_refused(reduction: str) -> None:
    with pytest.raises(ParameterError, match=r"Expected reduction to be one of mean, sum, .*none, got .* - at \$\.red"):
        compute(ERROR, PAIR, reduction=reduction)


def test_a_metric_takes_no_reduction() -> None:
    with pytest.raises(ParameterError, match=r"no reduction \(a metric has its own\)"):
        compute("accuracy", {"prediction": [1, 0], "target": [1, 1]}, reduction="mean")


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UnknownKey, match=r"unknown key 'delta' - at \$\.delta"):
        compute(ERROR, PAIR, {"delta": 1.0})


@pytest.mark.parametrize(("option", "asked"), [("returns", ("values",)), ("backend", "cuda")])
def test_what_no_definition_can_give_is_refused(option: str, asked: Any) -> None:
    with pytest.raises(ParameterError):
        compute(ERROR, PAIR, **{option: asked})


def test_the_mean_of_nothing_is_an_error_and_the_sum_is_zero() -> None:
    nothing = {"prediction": np.zeros((0, 2)), "target": np.zeros((0, 2))}
    for definition in (ERROR, RATIO):
        with pytest.raises(EmptyError, match="Expected at least one row that enters"):
            compute(definition, nothing)
        assert value(definition, nothing, reduction="sum") == 0.0
    assert value(ERROR, nothing, reduction="none").shape == (0, 2)
    assert np.isnan(value(ERROR, nothing, empty=np.nan))


def test_weights_of_zero_leave_nothing_to_average() -> None:
    with pytest.raises(EmptyError):
        compute(ERROR, PAIR, weight=np.zeros(2), reduction="weighted_mean")
    assert value(ERROR, PAIR, weight=np.zeros(2)) == 0.0


def test_sums_are_read_once_over_everything_or_row_by_row() -> None:
    pair = {"prediction": ROWS, "target": np.ones((2, 2))}
    assert value(RATIO, pair) == 12.0 / 4.0
    assert value(RATIO, pair, {"per_sample": True}, reduction="none").tolist() == [1.5, 4.5]
    assert value(RATIO, pair, {"per_sample": True}, weight=np.array([1.0, 3.0]), reduction="weighted_mean") == 3.75


def test_a_row_mode_along_an_axis_reduces_the_rest() -> None:
    assert value(TOTAL, {"prediction": ROWS}) == 12.0
    assert value(TOTAL, {"prediction": ROWS}, {"axis": 0}, reduction="none").tolist() == [4.0, 8.0]
    assert value(TOTAL, {"prediction": ROWS}, {"axis": 1}, weight=np.array([1.0, 0.0]), reduction="sum") == 3.0


def test_infinities_and_nan_are_results_without_warnings() -> None:
    rows = np.array([np.inf, -np.inf, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compute(ERROR, {"prediction": rows, "target": np.zeros(3)})
    assert np.isnan(result.value)
    assert not result.finite
    with pytest.raises(NonFiniteError):
        compute(ERROR, {"prediction": rows, "target": np.zeros(3)}, allow_nan=False)


def test_the_batch_is_cut_by_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 12)
    plan = bind(PICKED, {"prediction": np.full((7, 2, 3), 0.5), "target": np.zeros((7, 3), int)}, {})
    assert chunks.cuts(plan) == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 7)]


def test_a_row_larger_than_a_chunk_is_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)
    plan = bind(PICKED, {"prediction": np.full((2, 2, 3), 0.5), "target": np.zeros((2, 3), int)}, {})
    assert chunks.cuts(plan) == [slice(0, 1), slice(1, 2)]


def test_rows_that_see_each_other_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    assert chunks.cuts(bind(PAIRED, {"prediction": np.ones((5, 2))}, {})) == [slice(None)]
    assert value(PAIRED, {"prediction": np.ones((5, 2))}) == 10.0


def test_a_fault_on_a_worker_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)
    labels = np.array([0, 0, 0, 9, 0])
    with pytest.raises(DomainError, match=r"got 9 - at \$\.target\[3\]"):
        compute(PICKED, {"prediction": np.full((5, 2), 0.5), "target": labels}, threads=2)


def test_chunks_are_mapped_on_as_many_threads_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    together, seen = threading.Barrier(3, timeout=10), set()

    @loss(family="test")
    def meeting(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        together.wait()
        seen.add(threading.get_ident())
        return prediction

    assert value(meeting.__dict__["definition"], {"prediction": np.ones(6)}, threads=3) == 1.0
    assert len(seen) == 3


def test_a_call_can_be_run_as_it_is() -> None:
    result = run(Call(ERROR, PAIR, reduction="sum"))
    assert result.reply() == {
        "name": "_error",
        "value": 12.0,
        "reduction": "sum",
        "count": 4,
        "finite": True,
        "backend": "numpy",
        "provider": "CPUExecutionProvider",
    }


def test_every_error_is_a_loss_error_and_a_value_error() -> None:
    for error in (LossError, ValueError):
        with pytest.raises(error):
            compute(ERROR, {"prediction": [1.0]})


def test_no_warning_comes_of_a_call_in_a_context_that_was_hushed_or_was_not() -> None:
    infinite = {"prediction": np.array([np.inf]), "target": np.array([np.inf])}

    def ask(*, hushed: bool) -> Any:
        if hushed:
            engine.hush()
        return compute("mean_squared_error", infinite).value

    for hushed in (False, True):
        assert np.isnan(contextvars.copy_context().run(ask, hushed=hushed))
    assert np.geterr()["invalid"] == "warn"
