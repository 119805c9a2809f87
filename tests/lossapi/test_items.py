"""What is asked for together: names, parameters, labels, and where each fault is."""

from typing import Any

import numpy as np
import pytest

from lossapi.errors import LossError
from lossapi.evaluation.items import MOST, read_items

ASKED = {
    "losses": ["huber", {"name": "focal", "gamma": 2}],
    "metrics": ["accuracy", {"name": "f_beta", "beta": 2, "as": "f2"}],
}


def test_names_and_objects_are_items_in_order() -> None:
    items = read_items(ASKED)
    assert [item.shown for item in items] == [
        {"name": "huber", "as": "huber"},
        {"name": "focal", "as": "focal"},
        {"name": "accuracy", "as": "accuracy"},
        {"name": "f_beta", "as": "f2"},
    ]
    assert [item.reduction for item in items] == ["mean", "mean", "weighted_mean", "weighted_mean"]
    assert items[3].parameters["beta"] == 2


def test_what_is_asked_alike_is_equal() -> None:
    assert read_items(ASKED) == read_items(ASKED)
    assert read_items({"losses": ["huber"]}) == read_items({"losses": [{"name": "huber", "delta": 1.0}]})
    assert read_items({"losses": ["huber"]}) != read_items({"losses": [{"name": "huber", "delta": 2.0}]})
    assert read_items({"losses": ["huber"]}) != read_items({"losses": [{"name": "huber", "reduction": "sum"}]})


def test_an_item_may_bring_tensors_of_its_own() -> None:
    one, two = (
        read_items({"losses": [{"name": "cross_entropy", "class_weight": weights}]})[0]
        for weights in ([1.0, 2.0], [1.0, 3.0])
    )
    assert np.array_equal(one.own["class_weight"], [1.0, 2.0])
    assert one != two


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({}, "parameter", ""),
        ({"metrics": []}, "parameter", ""),
        ({"metrics": {"name": "f_beta"}}, "parameter", "/metrics"),
        ({"metrics": ["accuracy", 1]}, "parameter", "/metrics/1"),
        ({"metrics": [{"beta": 1}]}, "parameter", "/metrics/0/name"),
        ({"metrics": ["accuracy", {"name": "f_beta", "beta": -1}]}, "parameter", "/metrics/1/beta"),
        ({"metrics": [{"name": "f_beta", "betta": 1}]}, "unknown_key", "/metrics/0/betta"),
        ({"metrics": [{"name": "accuracy", "reduction": "mean"}]}, "parameter", "/metrics/0/reduction"),
        ({"losses": [{"name": "huber", "reduction": "none"}]}, "parameter", "/losses/0/reduction"),
        ({"losses": ["huber"], "metrics": [{"name": "r2", "as": "huber"}]}, "parameter", "/metrics/0/as"),
        ({"metrics": [{"name": "r2", "as": ""}]}, "parameter", "/metrics/0/as"),
        ({"losses": [{"name": "huber", "reduction": ["mean"]}]}, "parameter", "/losses/0/reduction"),
        ({"losses": ["hubert"]}, "unknown", "/losses/0"),
        ({"losses": [{"name": "cross_entropy", "class_weight": "heavy"}]}, "dtype", "/losses/0/class_weight"),
        ({"losses": ["huber"] * (MOST + 1)}, "limit", "/losses"),
    ],
)
def test_a_fault_is_placed_at_what_was_asked_for(asked: Any, code: str, pointer: str) -> None:
    with pytest.raises(LossError) as raised:
        read_items(asked)
    assert (raised.value.code, raised.value.faults[0].pointer) == (code, pointer)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(LossError, match=r"a metric such as 'accuracy'.*got 'acuracy' - at \$.metrics\[0\]"):
        read_items({"metrics": ["acuracy"]})
