"""One chunk: sliced, checked, masked, mapped and folded."""

from typing import Any

import numpy as np
import pytest

from lossapi import chunks, engine, registry, taking
from lossapi.binding import bind, planned
from lossapi.chunks import map_chunk, take
from lossapi.definition import Primitive
from lossapi.domains import Array
from lossapi.errors import DomainError, LossError
from lossapi.plan import Bound, Plan
from lossapi.states import WEIGHT, Sums, Totals, Values
from tests.lossapi.definitions import ERROR, PICKED, RATIO

EVERYTHING: frozenset[str] = frozenset()
SCORES = np.array([[0.1, 0.9], [0.4, 0.6], [0.7, 0.3]])
LABELS = np.array([1, 0, -100])


def picked(weight: Any = None, **parameters: Any) -> Plan:
    """A plan of three rows, the last ignored."""
    tensors = {"prediction": SCORES, "target": LABELS}
    return bind(PICKED, tensors, {"ignore_index": -100, **parameters}, weight)


def test_an_ignored_row_enters_neither_sum_nor_count() -> None:
    assert map_chunk(picked(), slice(0, 3), False, EVERYTHING) == Totals(0.9 + 0.4, 2.0, 2, 2, 2)


def test_an_ignored_row_is_kept_as_zero() -> None:
    state = map_chunk(picked(), slice(0, 3), True, EVERYTHING)
    assert isinstance(state, Values)
    assert state.array().tolist() == [0.9, 0.4, 0.0]


def test_weights_are_cut_with_the_rows() -> None:
    state = map_chunk(picked(np.array([2.0, 0.0, 5.0])), slice(0, 2), False, EVERYTHING)
    assert state == Totals(1.8, 2.0, 1, 2, 2)


def test_weights_of_classes_are_those_of_the_rows_that_enter() -> None:
    tensors = {"prediction": SCORES, "target": LABELS, "class_weight": np.array([10.0, 1.0])}
    state = map_chunk(bind(PICKED, tensors, {"ignore_index": -100}), slice(0, 3), False, EVERYTHING)
    assert isinstance(state, Totals)
    assert state.weighted == pytest.approx(0.9 + 4.0)
    assert state.weight == 11.0


def test_the_true_labels_are_those_named_last() -> None:
    assert picked().true_label == "target"
    assert bind(PICKED, {"prediction": SCORES, "target": np.zeros(3, int)}, {}).true_label is None


def test_a_label_that_no_index_can_be_is_a_fault() -> None:
    labels = np.array([0, 1, 2**64 - 1], np.uint64)
    with pytest.raises(DomainError, match=r"< 2\*\*63, got 18446744073709551615 - at \$\.target\[2\]"):
        engine.compute("accuracy", {"prediction": labels, "target": labels})
    assert engine.compute("accuracy", {"prediction": labels[:2], "target": labels[:2]}).value == 1.0


@pytest.mark.parametrize(("start", "place"), [(0, 4), (3, 4)])
def test_a_fault_is_placed_in_the_whole_tensor(start: int, place: int) -> None:
    tensors = {"prediction": np.full((6, 2), 0.5), "target": np.array([0, 1, 0, 1, 7, 0])}
    with pytest.raises(DomainError, match=rf"got 7 - at \$\.target\[{place}\]"):
        map_chunk(bind(PICKED, tensors, {}), slice(start, 6), False, EVERYTHING)


def test_a_fault_is_placed_where_the_class_axis_was_given() -> None:
    scores = np.full((2, 3, 4), 0.25)
    scores[1, 2, 3] = 1.5
    plan = bind(PICKED, {"prediction": scores, "target": np.zeros((2, 3), int)}, {"class_axis": -1})
    with pytest.raises(DomainError, match=r"at \$\.prediction\[1\]\[2\]\[3\]"):
        map_chunk(plan, slice(0, 2), False, EVERYTHING)


def test_an_unchecked_tensor_may_hold_anything() -> None:
    plan = bind(PICKED, {"prediction": SCORES + 5.0, "target": np.zeros(3, int)}, {})
    with pytest.raises(DomainError):
        map_chunk(plan, slice(0, 3), False, EVERYTHING)
    assert map_chunk(plan, slice(0, 3), False, frozenset({"prediction"})).count == 3


def test_tensors_are_cast_to_the_dtype_of_the_computation_and_labels_to_indices() -> None:
    tensors = {"prediction": SCORES.astype(np.float16), "target": np.array([1, 0, 1], np.uint8)}
    taken, mask = take(bind(PICKED, tensors, {}), slice(0, 2), EVERYTHING)
    assert mask is None
    assert [None if each is None else (each.dtype, len(each)) for each in taken.values()] == [
        (np.float32, 2),
        (np.intp, 2),
        None,
    ]


def test_sums_are_added_over_rows_with_the_total_of_the_weights() -> None:
    pair = {"prediction": np.array([[1.0, 2.0], [3.0, 4.0]]), "target": np.ones((2, 2))}
    state = map_chunk(bind(RATIO, pair, {}), slice(None), False, EVERYTHING)
    assert isinstance(state, Sums)
    assert (state.sums["prediction"], state.sums["target"], state.sums[WEIGHT], state.count) == (10.0, 4.0, 4.0, 4)


def test_a_sum_is_kept_in_float64() -> None:
    many = np.full(2**24 + 2, 1.0, np.float32)
    plan = bind(ERROR, {"prediction": many, "target": np.zeros_like(many)}, {})
    state = map_chunk(plan, slice(None), False, EVERYTHING)
    assert isinstance(state, Totals)
    assert state.weighted == 2**24 + 2


@pytest.mark.parametrize("shape", [(600_000,), (200_000, 3)])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("roc_auc", {}), ("calibration_error", {}), ("f1", {"task": "multiclass", "num_classes": 2})],
)
def test_what_a_map_refuses_is_placed_in_the_whole_tensor(
    name: str, parameters: dict[str, Any], shape: tuple[int, ...]
) -> None:
    target = np.zeros(shape, np.int64)
    target.flat[[500_001, 550_000]] = 3
    place = ("target", *(int(i) for i in np.unravel_index(500_001, shape)))
    with pytest.raises(LossError, match="got 3") as raised:
        engine.compute(name, {"prediction": np.full(shape, 0.5), "target": target}, parameters)
    assert [fault.where for fault in raised.value.faults] == [place]


def test_a_reading_casts_none_but_its_own_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = registry.get("loss", "multiclass_dice")
    assert isinstance(definition, Primitive)
    scores = np.full((4, 3), 0.5, np.float32)
    tensors = {"prediction": scores, "target": np.zeros(4, np.int32), "class_weight": np.ones(3)}
    plan = planned(definition, tensors, {})
    met: list[str] = []

    def noted(plan: Plan, bound: Bound, array: Array) -> Array:
        met.append(bound.name)
        return array

    monkeypatch.setattr(taking, "cast", noted)
    chunks.reading_call(plan)
    assert met == ["class_weight"]
