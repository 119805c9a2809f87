"""A state that travelled as JSON is the state: parts sent apart and merged read as the whole does."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lossapi import portable, registry
from lossapi.codecs import json
from lossapi.definition import Primitive
from lossapi.engine import Call, run
from lossapi.errors import Conflict, LossError, ParameterError, Unsupported
from lossapi.losses.huber import huber
from tests.laws.every import definition_of, every_primitive, outcome
from tests.samples import batched

Post = Callable[[Any], Any]


def through_json(state: Any) -> Any:
    """A state as another program stores it."""
    return json.decode(json.encode(state))


def merged_states_read_as_the_whole(definition: Primitive, post: Post = through_json) -> None:
    """Every sample in three parts, weighted and not, one of them of a single row."""
    for sample in batched(definition):
        for weight in (None, np.random.default_rng(1).choice([0.0, 0.5, 3.0], sample.batch)):
            whole = run(Call(definition, sample.tensors, sample.parameters, weight, returns=("state",)))
            assert sample.batch is not None
            ends = (0, 1, sample.batch // 2, sample.batch)
            parts = []
            for start, end in pairwise(ends):
                rows, part = slice(start, end), sample.rows(slice(start, end))
                mine = None if weight is None else weight[rows]
                call = Call(definition, part.tensors, sample.parameters, mine, returns=("state",))
                parts.append(portable.unpack(post(run(call).state)))
            merged = portable.unpack(post(portable.merge(parts).packed()))
            found, expected = outcome(merged.read), outcome(portable.unpack(whole.state).read)
            assert found.near(expected), f"{sample}, weight {weight}: {found}, not {expected}"
            plain = outcome(run, Call(definition, sample.tensors, sample.parameters, weight))
            assert expected.near(plain, 1e-14), f"{sample}, weight {weight}: {expected}, not {plain}"


@every_primitive
def test_parts_that_travelled_merge_to_the_whole(definition: Primitive) -> None:
    merged_states_read_as_the_whole(definition)


def test_a_state_that_loses_digits_on_the_way_is_caught() -> None:
    def rounded(state: Any) -> Any:
        content = {name: round(x, 3) if isinstance(x, float) else x for name, x in state["content"].items()}
        return through_json({**state, "content": content})

    with pytest.raises(AssertionError, match="huber"):
        merged_states_read_as_the_whole(definition_of(huber), rounded)


def state_of(name: str, rows: Any, **parameters: Any) -> Any:
    """The state of some pairs of numbers."""
    prediction, target = np.asarray(rows).T
    definition = registry.find(name)
    return run(Call(definition, {"prediction": prediction, "target": target}, parameters, returns=("state",))).state


PAIRS = [[0.5, 0.0], [1.0, 3.0], [2.0, 2.5]]


def test_one_row_has_a_state_where_it_has_no_value() -> None:
    parts = [portable.unpack(through_json(state_of("metrics.r2", [pair]))) for pair in PAIRS]
    with pytest.raises(LossError):
        parts[0].read()
    value, count = portable.merge(parts).read()
    assert (value, count) == (pytest.approx(run_whole("metrics.r2")), 3)


def run_whole(name: str) -> float:
    """The value of all pairs."""
    prediction, target = np.asarray(PAIRS).T
    return float(run(Call(registry.find(name), {"prediction": prediction, "target": target})).value)


@pytest.mark.parametrize(
    ("other", "got"),
    [
        (("smooth_l1", PAIRS, {}), "definition smooth_l1"),
        (("huber", PAIRS, {"delta": 2.0}), "parameters {'delta': 2.0}"),
    ],
)
def test_unlike_states_are_not_merged(other: Any, got: str) -> None:
    name, rows, parameters = other
    with pytest.raises(Conflict, match="states of one loss under the same parameters") as raised:
        portable.merge([portable.unpack(state_of("huber", PAIRS)), portable.unpack(state_of(name, rows, **parameters))])
    assert raised.value.faults[0].got == got


def test_contents_of_other_shapes_are_not_broadcast() -> None:
    wide = [[[1.0, 2.0], [0.0, 0.0]], [[2.0, 2.0], [1.0, 0.0]]]
    one = portable.unpack(state_of("metrics.mean_squared_error", PAIRS))
    two = registry.find("metrics.mean_squared_error")
    prediction, target = np.asarray(wide).transpose(1, 0, 2)
    other = run(Call(two, {"prediction": prediction, "target": target}, returns=("state",))).state
    with pytest.raises(Conflict, match="content of other shapes"):
        portable.merge([one, portable.unpack(other)])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 2}, ("version",)),
        ({"kind": "norm"}, ("kind",)),
        ({"name": "hubert"}, ("name",)),
        ({"name": ["huber"]}, ("name",)),
        ({"name": "dice_focal"}, ("name",)),
        ({"parameters": {"delta": -1.0}}, ("parameters", "delta")),
        ({"parameters": [1]}, ("parameters",)),
        ({"reduction": "median"}, ("reduction",)),
        ({"form": "Counts"}, ("form",)),
        ({"form": {}}, ("form",)),
        ({"content": {}}, ("content",)),
        ({"content": None}, ("content",)),
        ({"more": 1}, ("more",)),
    ],
)
def test_a_state_that_cannot_be_is_refused_where_it_is_wrong(change: Any, where: Any) -> None:
    with pytest.raises(LossError) as raised:
        portable.unpack({**state_of("huber", PAIRS), **change})
    assert raised.value.faults[0].where == where


@pytest.mark.parametrize("value", ["many", None, True, {"a": 1.0}, [1.0], {"dtype": "int8", "shape": [9], "data": ""}])
def test_a_content_of_another_type_is_refused(value: Any) -> None:
    state = state_of("huber", PAIRS)
    with pytest.raises(LossError) as raised:
        portable.unpack({**state, "content": {**state["content"], "count": value}})
    assert raised.value.faults[0].where[:2] == ("content", "count")


def test_a_table_that_no_reading_can_read_is_the_states_fault() -> None:
    labels = {"prediction": np.array([0, 1]), "target": np.array([0, 1])}
    state = run(Call(registry.get("metric", "f1"), labels, returns=("state",))).state
    assert state is not None
    table = {"dtype": "int64", "shape": [2], "data": [1, 2]}
    with pytest.raises(ParameterError, match="a state that f1 gives"):
        portable.unpack({**state, "content": {**state["content"], "table": table}}).read()


def test_rows_that_see_each_other_and_rows_themselves_have_no_state() -> None:
    rows = {"prediction": np.array([[0.2, 0.8], [0.6, 0.4]]), "target": np.array([1, 0])}
    with pytest.raises(Unsupported, match="rows do not see each other"):
        run(Call(registry.get("loss", "lovasz_softmax"), rows, returns=("state",)))
    pair = {"prediction": np.zeros(2), "target": np.zeros(2)}
    with pytest.raises(Unsupported, match="a state of one value"):
        run(Call(registry.get("loss", "huber"), pair, reduction="none", returns=("state",)))
