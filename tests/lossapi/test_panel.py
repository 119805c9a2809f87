"""Many items in one pass: shared states, errors of their own, merging, and states that outlive a value."""

from typing import Any

import numpy as np
import pytest

from lossapi.domains import Array
from lossapi.errors import Conflict, DomainError, EmptyError, LossError, ParameterError, UnknownKey, Unsupported
from lossapi.evaluation import panel, portable_panel
from lossapi.evaluation.items import read_items
from lossapi.evaluation.panel import Panel

RNG = np.random.default_rng(0)
SCORES = RNG.random(50)
TARGET = (RNG.random(50) < SCORES).astype(np.int64)
PAIR = {"prediction": SCORES, "target": TARGET}


def folded(asked: Any, tensors: dict[str, Array] | None = None, rows: slice = slice(None), **more: Any) -> Panel:
    """Some items over some rows."""
    return panel.fold(read_items(asked), {n: t[rows] for n, t in (tensors or PAIR).items()}, **more)


def values(whole: Panel) -> dict[str, Any]:
    """The values by label; of what failed, its code."""
    return {o.item.label: o.error.code if o.error else o.value for o in panel.read(whole)}


def states(whole: Panel) -> list[int]:
    """How the terms share states."""
    return [id(term.source.state) for part in whole.parts if not isinstance(part, LossError) for term in part]


def test_what_declares_the_same_state_shares_it() -> None:
    whole = folded({"metrics": ["accuracy", "precision", "recall", {"name": "f_beta", "beta": 2}]})
    assert len(set(states(whole))) == 1


def test_other_parameters_of_the_map_are_another_state_even_where_values_agree() -> None:
    one, same, other = (folded({"metrics": ["recall", {"name": "accuracy", "threshold": t}]}) for t in (0.5, 0.5, 0.49))
    assert [len(set(states(each))) for each in (one, same, other)] == [1, 1, 2]
    tied = folded(
        {"metrics": ["recall", {"name": "accuracy", "threshold": 0.49}]}, {"prediction": SCORES * 0, "target": TARGET}
    )
    assert len(set(states(tied))) == 2


def test_a_sum_of_losses_shares_the_states_of_its_terms() -> None:
    whole = folded({"losses": ["dice_cross_entropy", "binary_cross_entropy", "dice"]})
    assert len(set(states(whole))) == 2
    found = values(whole)
    assert found["dice_cross_entropy"] == pytest.approx(found["binary_cross_entropy"] + found["dice"], rel=1e-15)


def test_one_that_fails_carries_its_own_error() -> None:
    tensors = {"prediction": SCORES * 2, "target": TARGET}
    whole = folded({"losses": ["huber", "binary_cross_entropy", "triplet_margin"], "metrics": ["r2"]}, tensors)
    found = panel.read(whole)
    assert [type(o.error) for o in found] == [type(None), DomainError, ParameterError, type(None)]
    assert "anchor" in str(found[2].error)
    with pytest.raises(DomainError, match=r"at \$.losses\[1\]"):
        whole.require_whole()


def test_a_weight_that_a_metric_does_not_take_is_its_error() -> None:
    tensors = {**PAIR, "x": SCORES, "y": SCORES}
    both = panel.read(folded({"metrics": ["auc", "mean_squared_error"]}, tensors, weight=np.ones(50)))
    assert isinstance(both[0].error, ParameterError)
    assert both[1].error is None


def test_merged_parts_are_the_whole_and_share_as_before() -> None:
    asked = {"losses": ["dice_cross_entropy", "huber"], "metrics": ["accuracy", "f1", "roc_auc", "r2", "max_error"]}
    whole = folded(asked)
    parts = [folded(asked, rows=rows) for rows in (slice(0, 1), slice(1, 30), slice(30, 50))]
    merged = panel.merge(parts)
    assert values(merged) == pytest.approx(values(whole), rel=1e-12)
    assert len(set(states(merged))) == len(set(states(whole)))
    assert [o.count for o in panel.read(merged)] == [o.count for o in panel.read(whole)]


def test_nothing_yet_is_neutral_and_has_no_value() -> None:
    asked = {"metrics": ["accuracy", "roc_auc"]}
    nothing = panel.zero(read_items(asked))
    assert all(isinstance(o.error, EmptyError) for o in panel.read(nothing))
    merged = panel.merge([nothing, folded(asked), nothing])
    assert values(merged) == values(folded(asked))


def test_an_item_that_failed_in_one_part_has_failed() -> None:
    asked = {"losses": ["huber", "binary_cross_entropy"]}
    wrong = folded(asked, {"prediction": SCORES * 2, "target": TARGET})
    assert values(panel.merge([folded(asked), wrong]))["binary_cross_entropy"] == "domain"


def test_states_of_other_sizes_are_a_conflict_of_that_item_alone() -> None:
    asked = {"metrics": ["r2", "mean_absolute_error"]}
    wide = folded(asked, {"prediction": RNG.random((50, 3)), "target": RNG.random((50, 3))})
    assert set(values(panel.merge([folded(asked), wide])).values()) == {"conflict"}
    with pytest.raises(Conflict, match="the same losses and metrics"):
        panel.merge([folded(asked), folded({"metrics": ["r2"]})])


def test_rows_that_see_each_other_are_computed_but_do_not_merge() -> None:
    tensors = {"embedding": RNG.random((8, 3)), "label": np.arange(8) % 2}
    whole = folded({"losses": ["ntxent"]}, tensors)
    assert np.isfinite(values(whole)["ntxent"])
    assert values(panel.merge([whole, whole])) == {"ntxent": "unsupported"}
    with pytest.raises(Unsupported):
        portable_panel.pack(whole)


def test_a_state_outlives_a_value_that_is_not_defined_yet() -> None:
    asked = {"metrics": ["r2", "mean_squared_error"]}
    first = folded(asked, {"prediction": SCORES, "target": SCORES + 1}, rows=slice(0, 1))
    assert values(first)["r2"] != values(first)["r2"] or isinstance(values(first)["r2"], str)
    back = portable_panel.unpack(portable_panel.pack(first))
    rest = folded(asked, {"prediction": SCORES, "target": SCORES + 1}, rows=slice(1, 50))
    whole = folded(asked, {"prediction": SCORES, "target": SCORES + 1})
    assert values(panel.merge([back, rest])) == pytest.approx(values(whole), rel=1e-9)


def test_a_tensor_that_nothing_takes_is_refused_with_the_nearest() -> None:
    items = read_items({"metrics": ["r2"]})
    panel.require_taken(items, ["prediction", "target", "weight"])
    with pytest.raises(UnknownKey, match=r"'prediction'.*'predicton'"):
        panel.require_taken(items, ["predicton"])


def recall(*terms: Any) -> Any:
    """A packed panel of which one item has these terms."""
    return packed(terms={"accuracy": [{"state": 0}], "recall": list(terms)})


def packed(**changes: Any) -> Any:
    """A panel as plain data, with some keys changed."""
    return {**portable_panel.pack(folded({"metrics": ["accuracy", "recall"]})), **changes}


def test_a_packed_panel_holds_each_state_once() -> None:
    assert len(packed()["states"]) == 1
    assert packed()["terms"] == {"accuracy": [{"state": 0}], "recall": [{"state": 0}]}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (1, ""),
        (packed(more=1), "/more"),
        (packed(version=2), "/version"),
        (packed(kind="metric"), "/kind"),
        (packed(states={}), "/states"),
        (packed(terms=[]), "/terms"),
        (packed(terms={"accuracy": []}), "/terms"),
        (packed(metrics=["accuracy", "recal"]), "/metrics/1"),
        (recall({"state": 7}), "/terms/recall/0/state"),
        (recall({"state": True}), "/terms/recall/0/state"),
        (recall(1), "/terms/recall/0"),
        (recall({"state": 0}, {"state": 0}), "/terms/recall"),
        (
            packed(terms={"accuracy": [{"state": 0}], "recall": [{"state": 0, "coefficient": "x"}]}),
            "/terms/recall/0/coefficient",
        ),
        (recall({"state": 0, "more": 1}), "/terms/recall/0/more"),
        (packed(states=[{"form": "Totals", "content": {}}]), "/terms/accuracy/0/form"),
        (packed(states=[{"form": "Counts", "content": {"table": 1}}]), "/terms/accuracy/0/content"),
    ],
)
def test_what_is_no_panel_is_refused(value: Any, pointer: str) -> None:
    with pytest.raises(LossError) as raised:
        portable_panel.unpack(value)
    assert raised.value.faults[0].pointer == pointer
