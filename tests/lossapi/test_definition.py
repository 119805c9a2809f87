"""@loss and @metric read a signature into a record."""

from typing import Any

import pytest

from lossapi.definition import Primitive, loss, metric, row_mode
from lossapi.domains import Array, Label, Real, Rows, Score, Spec, Sums, Weight
from lossapi.parameters import Positive
from lossapi.signature import read_map
from lossapi.states import Totals


def pairs(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Score[Array, "batch classes *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """Named sums per row."""
    return {"both": prediction * target, "weight": prediction if weight is None or from_logits else weight}


def row_pairs(prediction: Real[Array, "batch dim"]) -> Sums[dict[str, Array], "batch"]:
    """Another map, for rows."""
    return {"both": prediction}


def state(prediction: Real[Array, "batch"]) -> Totals:
    """A state itself."""
    return Totals(float(prediction.sum()))


def read(function: Any) -> Primitive:
    """The record of a declared function."""
    made = function.definition
    assert isinstance(made, Primitive)
    return made


@loss(family="regression", reduction="sum")
def error(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    scale: Real[Array, ""] | Real[Array, "*axes"] = 0.5,
    *,
    delta: Positive = 1.0,
) -> Rows[Array, "batch *axes"]:
    """The scaled difference.

    Formula:
        s (p - t)
    """
    return scale * delta * (prediction - target)


@loss(family="segmentation", of=pairs)
def ratio(sums: dict[str, Array], class_weight: Real[Array, "classes"] | None = None, *, smooth: float = 0.0) -> Array:
    """A ratio of sums."""
    return sums["both"] if class_weight is None else sums["both"] * class_weight + smooth


def test_tensors_are_positional_and_parameters_keyword_only() -> None:
    definition = read(error)
    assert definition.input_names == ("prediction", "target", "scale")
    assert [each.optional for each in definition.inputs] == [False, False, True]
    assert list(definition.fields) == ["delta"]
    assert definition.inputs[2].default == 0.5
    assert (definition.name, definition.kind, definition.family) == ("error", "loss", "regression")
    assert definition.document.sections == {"Formula": "s (p - t)"}


def test_the_function_stays_what_it_was() -> None:
    assert error(3.0, 1.0) == 1.0


def test_the_annotation_says_what_a_map_gives() -> None:
    assert (read_map(error).gives, read_map(error).axes) == ("rows", ("batch", "*axes"))
    assert (read_map(pairs).gives, read_map(pairs).axes) == ("sums", ("batch", "classes"))
    assert (read_map(state).gives, read_map(state).axes) == ("state", ())


def test_a_positional_weight_says_that_the_map_weighs_itself() -> None:
    mapping = read_map(pairs)
    assert isinstance(mapping.weight, Spec)
    assert mapping.weight.axes == ("batch", "*axes")
    assert [each.name for each in mapping.inputs] == ["prediction", "target"]
    assert read_map(error).weight is None


def test_a_reading_brings_tensors_and_parameters_of_its_own() -> None:
    definition = read(ratio)
    assert definition.input_names == ("prediction", "target", "class_weight")
    assert set(definition.reading_parameters) == {"smooth"}


def test_a_class_axis_and_labels_bring_parameters() -> None:
    assert list(read(ratio).fields) == ["from_logits", "class_axis", "ignore_index", "per_sample", "smooth"]


def test_a_loss_of_sums_is_taken_per_sample_too() -> None:
    definition = read(ratio)
    assert not definition.for_rows({"per_sample": False})
    assert definition.for_rows({"per_sample": True})
    assert read(error).for_rows({})


def test_a_row_mode_may_have_a_map_of_its_own() -> None:
    @metric(family="segmentation", of=pairs, rows=row_mode("axis", ..., row_pairs))
    def along(sums: dict[str, Array]) -> Array:
        return sums["both"]

    definition = read(along)
    assert "axis" in definition.fields
    assert [each.function for each in definition.maps_for({"axis": None})] == [pairs]
    assert [each.function for each in definition.maps_for({"axis": 1})] == [row_pairs]


def test_only_a_loss_has_reductions() -> None:
    @metric(family="regression")
    def mean_error(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        return prediction

    assert read(error).reductions == ("mean", "sum", "weighted_mean", "nonzero_mean", "batch_mean", "none")
    assert read(error).default_reduction == "sum"
    assert read(mean_error).reductions == ()
    assert read(mean_error).default_reduction == "weighted_mean"


def test_a_trailing_underscore_is_no_part_of_the_name() -> None:
    @loss(family="regression")
    def sum_(prediction: Real[Array, "batch"]) -> Rows[Array, "batch"]:
        return prediction

    assert read(sum_).name == "sum"


def test_a_record_cannot_be_changed() -> None:
    record: Any = read(error)
    with pytest.raises(AttributeError):
        record.name = "other"
