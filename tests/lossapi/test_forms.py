"""Which form a tensor comes in is told by its dtype and axes alone."""

from typing import Any

import numpy as np
import pytest

from lossapi.binding import bind
from lossapi.errors import LossError
from lossapi.plan import Bound
from tests.lossapi.definitions import ERROR, PICKED, TOTAL

SCORES = np.full((2, 4), 0.25)


def bound(definition: Any, tensors: dict[str, Any], **parameters: Any) -> dict[str, Bound]:
    """The tensors as the kernel will see them."""
    plan = bind(definition, {name: np.asarray(each) for name, each in tensors.items()}, parameters)
    return {each.name: each for each in plan.tensors}


def refusal(definition: Any, tensors: dict[str, Any], **parameters: Any) -> str:
    """What is said against some tensors."""
    with pytest.raises(LossError) as raised:
        bound(definition, tensors, **parameters)
    return str(raised.value)


def test_integers_are_labels_and_floats_with_a_class_axis_probabilities() -> None:
    assert bound(PICKED, {"prediction": SCORES, "target": [0, 1]})["target"].spec.domain.name == "label"
    dense = bound(PICKED, {"prediction": SCORES, "target": SCORES})["target"]
    assert dense.spec.axes == ("batch", "classes", "*axes")


def test_a_one_hot_target_of_integers_is_told_by_its_rank() -> None:
    one_hot = np.eye(4, dtype=np.int64)[:2]
    assert bound(PICKED, {"prediction": SCORES, "target": one_hot})["target"].spec.domain.name == "probability"


def test_labels_may_not_be_floats() -> None:
    message = "Expected target: label as integers, got dtype float64 - at $.target"
    assert refusal(PICKED, {"prediction": SCORES, "target": [0.0, 1.0]}) == message


def test_a_rank_that_no_form_has_is_refused_with_all_forms() -> None:
    expected = "Expected target with axes (batch, *axes) or (batch, classes, *axes), got shape (1, 2, 4) - at $.target"
    assert refusal(PICKED, {"prediction": SCORES, "target": SCORES[None]}) == expected


def test_the_classes_are_moved_to_where_the_kernel_expects_them() -> None:
    scores = np.random.default_rng(0).uniform(size=(2, 3, 5))
    moved = bound(PICKED, {"prediction": scores, "target": np.zeros((2, 3), int)}, class_axis=-1)
    assert moved["prediction"].array.shape == (2, 5, 3)
    assert np.array_equal(moved["prediction"].array, np.moveaxis(scores, -1, 1))
    assert moved["prediction"].given.shape == (2, 3, 5)


@pytest.mark.parametrize("axis", [2, -3])
def test_a_class_axis_that_is_not_there_is_refused(axis: int) -> None:
    message = f"Expected class_axis within the 2 axes of prediction, got {axis} - at $.class_axis"
    assert refusal(PICKED, {"prediction": SCORES, "target": [0, 1]}, class_axis=axis) == message


def test_an_axis_is_moved_last_and_a_lone_vector_is_a_row() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    assert bound(TOTAL, {"prediction": array}, axis=1)["prediction"].array.shape == (2, 4, 3)
    assert bound(TOTAL, {"prediction": array[0, 0]}, axis=0)["prediction"].array.shape == (1, 4)


def test_a_lone_number_is_a_batch_of_one() -> None:
    assert bound(ERROR, {"prediction": 2.0, "target": 1.0})["prediction"].array.shape == (1,)


def test_a_tensor_with_a_default_may_be_left_out() -> None:
    assert bound(ERROR, {"prediction": SCORES, "target": SCORES})["scale"].array == 1.0


def test_trailing_axes_are_those_of_the_tensors_met_before() -> None:
    scale = bound(ERROR, {"prediction": SCORES, "target": SCORES, "scale": np.ones(4)})["scale"]
    assert scale.spec.axes == ("*axes",)
