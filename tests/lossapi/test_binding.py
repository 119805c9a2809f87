"""Tensors meet a definition: sizes that must agree, the dtype to compute in, weights lined up with rows."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lossapi import binding
from lossapi.binding import bind
from lossapi.errors import LossError
from lossapi.plan import Plan
from tests.lossapi.definitions import ERROR, PAIRED, PICKED, RATIO

SCORES = np.full((2, 4, 3), 0.25)
LABELS = np.zeros((2, 3), int)


def planned(definition: Any, weight: Any = None, parameters: dict[str, Any] | None = None, **tensors: Any) -> Plan:
    """A plan for some tensors."""
    arrays = {name: np.asarray(each) for name, each in tensors.items()}
    return bind(definition, arrays, parameters or {}, None if weight is None else np.asarray(weight))


def refusal(definition: Any, weight: Any = None, parameters: dict[str, Any] | None = None, **tensors: Any) -> str:
    """What is said against some tensors."""
    with pytest.raises(LossError) as raised:
        planned(definition, weight, parameters, **tensors)
    return str(raised.value)


@pytest.mark.parametrize(
    ("dtypes", "computed"),
    [
        (["float32", "float32"], "float32"),
        (["float32", "float64"], "float64"),
        (["float16", "float16"], "float32"),
        ([ml_dtypes.bfloat16, "float16"], "float32"),
        (["int64", "bool"], "float64"),
        (["int64", "float32"], "float32"),
        (["float16", "float64"], "float64"),
    ],
)
def test_the_widest_floating_dtype_is_computed_in(dtypes: list[Any], computed: str) -> None:
    prediction, target = (np.zeros(3, dtype) for dtype in dtypes)
    assert planned(ERROR, prediction=prediction, target=target).dtype == computed


def test_a_default_and_a_number_for_all_rows_do_not_widen() -> None:
    single = np.zeros(3, np.float32)
    assert planned(ERROR, prediction=single, target=single).dtype == np.float32
    assert planned(ERROR, prediction=single, target=single, scale=0.25).dtype == np.float32


def test_a_missing_tensor_is_named() -> None:
    assert refusal(ERROR, prediction=[1.0]) == "Expected tensor target, got nothing - at $.target"


def test_an_unknown_tensor_is_answered_with_the_nearest() -> None:
    message = "Expected 'target', got unknown key 'targets' - at $.targets"
    assert refusal(ERROR, prediction=[1.0], target=[1.0], targets=[1.0]) == message


def test_sizes_of_equal_names_must_agree() -> None:
    message = "Expected target of shape (2, 3) (batch, *axes), got shape (2, 4) - at $.target"
    assert refusal(ERROR, prediction=np.zeros((2, 3)), target=np.zeros((2, 4))) == message


def test_an_axis_other_than_the_batch_may_not_be_empty() -> None:
    message = "Expected at least one entry along axis classes, got 0"
    assert refusal(PICKED, prediction=np.zeros((2, 0)), target=[0, 0]) == message


def test_ignore_index_needs_labels() -> None:
    found = refusal(PICKED, None, {"ignore_index": 0}, prediction=SCORES, target=SCORES)
    assert found == "Expected ignore_index only with labels, got a target without labels - at $.ignore_index"


def test_rows_that_see_each_other_have_no_batch() -> None:
    assert planned(PAIRED, prediction=np.zeros((2, 3))).batch is None
    assert planned(PICKED, prediction=SCORES, target=LABELS).batch == 2


def test_where_every_element_stands_alone_the_arrays_lie_flat() -> None:
    plan = planned(ERROR, prediction=np.zeros((2, 3)), target=np.zeros((2, 3)))
    assert (plan.batch, plan.shape) == (6, (2, 3))
    assert planned(PICKED, prediction=SCORES, target=LABELS).shape is None
    assert planned(ERROR, [1.0, 2.0], prediction=np.zeros((2, 3)), target=np.zeros((2, 3))).shape is None


@pytest.mark.parametrize(
    ("weight", "aligned"),
    [(2.0, (1, 1)), ([1.0, 2.0], (2, 1)), (np.ones((2, 3)), (2, 3)), (np.ones((1, 3)), (1, 3)), ([1, 0], (2, 1))],
)
def test_weights_line_up_with_the_rows_from_the_left(weight: Any, aligned: tuple[int, ...]) -> None:
    found = planned(PICKED, weight, prediction=SCORES, target=LABELS).weight
    assert found is not None
    assert found.shape == aligned


@pytest.mark.parametrize("weight", [np.ones(3), np.ones((3, 2)), np.ones((2, 3, 1)), np.ones((2, 4))])
def test_weights_of_another_shape_are_refused(weight: Any) -> None:
    expected = f"Expected weight broadcastable to shape (2, 3), got shape {weight.shape} - at $.weight"
    assert refusal(PICKED, weight, prediction=SCORES, target=LABELS) == expected


def test_weights_are_numbers() -> None:
    assert refusal(ERROR, ["a"], prediction=[1.0], target=[1.0]).startswith("Expected weight as numbers, got dtype <U1")


def test_a_map_that_weighs_itself_takes_weights_within_a_row() -> None:
    pair = {"prediction": np.ones((2, 3)), "target": np.ones((2, 3))}
    assert planned(RATIO, [1.0, 2.0], {"per_sample": True}, **pair).weighs_within is False
    assert planned(RATIO, np.ones((2, 3)), {"per_sample": True}, **pair).weighs_within is True


def known(definition: Any, weight: Any = None, **tensors: Any) -> Plan:
    """A plan that may have been made before."""
    arrays = {name: np.asarray(each) for name, each in tensors.items()}
    return binding.planned(definition, arrays, {}, None if weight is None else np.asarray(weight))


def test_a_plan_made_before_is_filled_with_the_new_arrays() -> None:
    for scale in (1.0, 2.0):
        scores = np.moveaxis(SCORES * scale, 1, 2)
        tensors, weight = {"prediction": scores, "target": LABELS}, np.array([1.0, scale])
        plan = binding.planned(PICKED, tensors, {"class_axis": 2}, weight)
        fresh = bind(PICKED, tensors, {"class_axis": 2}, weight)
        for mine, theirs in zip((*plan.tensors, plan), (*fresh.tensors, fresh), strict=True):
            part = "weight" if mine is plan else "array"
            assert np.array_equal(getattr(mine, part), getattr(theirs, part))
        assert all(np.shares_memory(each.array, tensors[each.name]) for each in plan.tensors)
        assert (plan.bindings, plan.shape, plan.weight_shape) == (fresh.bindings, fresh.shape, fresh.weight_shape)


def test_numbers_and_lists_are_arrays_the_second_time_too() -> None:
    for _ in range(2):
        tensors = {"prediction": [1.0, 2.0], "target": np.zeros(2), "scale": 0.25}
        plan = binding.planned(ERROR, tensors, {})
        assert all(isinstance(each.array, np.ndarray) for each in plan.tensors)


def test_plans_are_kept_without_their_arrays() -> None:
    plan = known(ERROR, prediction=np.zeros((50, 2)), target=np.zeros((50, 2))).hollow({"prediction", "target"})
    assert not any(any(array.strides) for tensor in plan.tensors for array in (tensor.array, tensor.given))


def test_unlike_dtypes_and_weights_are_planned_anew() -> None:
    single, double = np.zeros(3, np.float32), np.zeros(3)
    assert known(ERROR, prediction=single, target=single).dtype == np.float32
    assert known(ERROR, prediction=double, target=double).dtype == np.float64
    assert known(ERROR, prediction=double, target=double).weight is None
    weighted = known(ERROR, [1.0, 2.0, 3.0], prediction=double, target=double).weight
    assert weighted is not None
    assert weighted.tolist() == [1.0, 2.0, 3.0]
