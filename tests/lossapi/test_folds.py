"""Loops that fold whole chunks: sums added up within them, the way back, and tensors held to what they may be."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute, fusion, registry
from lossapi.binding import planned
from lossapi.definition import Kind, Primitive
from lossapi.domains import Array
from lossapi.engine import Result
from lossapi.errors import DomainError
from lossapi.loops import build
from tests.laws.every import cut_at

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

LOGITS = {"from_logits": True}
IMAGES = (5, 3, 2, 4)
"""Rows, classes and two axes more."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


def sets(*shape: int, dtype: str = "float32") -> dict[str, Array]:
    """A soft set and a hard one."""
    rng = np.random.default_rng(5)
    return {"prediction": rng.uniform(0.1, 0.9, shape).astype(dtype), "target": rng.integers(0, 2, shape).astype(dtype)}


def labelled(*shape: int, dtype: str = "float32") -> dict[str, Array]:
    """Scores of classes, and which class is true."""
    rng = np.random.default_rng(6)
    rows, classes, *axes = shape
    return {
        "prediction": rng.uniform(0.1, 0.9, shape).astype(dtype),
        "target": rng.integers(0, classes, (rows, *axes)),
    }


def weights(*shape: int) -> Array:
    """Weights some of which are 0."""
    return np.random.default_rng(7).integers(0, 3, shape).astype(np.float32)


def folds(
    name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any], kind: Kind, weight: Any = None
) -> bool:
    """Whether loops fold a computation and its gradient."""
    definition = registry.get(kind, name)
    assert isinstance(definition, Primitive)
    plan = planned(definition, arrays, parameters, weight)
    found = fusion.backend(plan, definition.default_reduction, frozenset(), ["prediction"], wait=True)
    return found is not None and found.rows is not None


def close(ours: Result, theirs: Result, rtol: float) -> None:
    """Hold one result to another."""
    assert ours.count == theirs.count
    np.testing.assert_allclose(np.asarray(ours.value), np.asarray(theirs.value), rtol=rtol)
    assert ours.gradient is not None
    assert theirs.gradient is not None
    assert ours.gradient.keys() == theirs.gradient.keys()
    for each, gradient in theirs.gradient.items():
        np.testing.assert_allclose(ours.gradient[each], gradient, rtol=100 * rtol, atol=rtol)


def agree(
    name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any], kind: Kind = "loss", **options: Any
) -> None:
    """Loops fold it, and give what NumPy gives."""
    assert folds(name, arrays, parameters, kind, options.get("weight"))
    rtol = 1e-5 if arrays["prediction"].dtype == np.float32 else 1e-12
    asked: dict[str, Any] = {"returns": ("value", "gradient"), **options}
    definition = registry.get(kind, name)
    ours, theirs = (compute(definition, arrays, parameters, backend=each, **asked) for each in ("fused", "numpy"))
    close(ours, theirs, rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["dice", "jaccard", "mcc", "tversky", "focal_tversky"])
def test_sums_of_a_set(name: str, dtype: str) -> None:
    agree(name, sets(7, 6, dtype=dtype), {})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["multiclass_dice", "generalized_dice", "mcc"])
@pytest.mark.parametrize("parameters", [{}, LOGITS])
@pytest.mark.parametrize("shape", [IMAGES, IMAGES[:2]])
def test_sums_of_classes(name: str, parameters: Mapping[str, Any], shape: tuple[int, ...], dtype: str) -> None:
    agree(name, labelled(*shape, dtype=dtype), parameters)


def test_classes_that_are_given_one_by_one() -> None:
    arrays = labelled(*IMAGES)
    target = np.moveaxis(np.eye(IMAGES[1], dtype=np.float32)[arrays["target"]], -1, 1)
    agree("multiclass_dice", {**arrays, "target": target}, LOGITS)


def test_class_weights_belong_to_the_reading() -> None:
    weight = np.array([0.5, 2.0, 1.0], np.float32)
    agree("multiclass_dice", {**labelled(*IMAGES), "class_weight": weight}, LOGITS)


def test_classes_in_another_place() -> None:
    arrays = labelled(*IMAGES)
    arrays["prediction"] = np.moveaxis(arrays["prediction"], 1, -1)
    agree("multiclass_dice", arrays, {"class_axis": -1})


def test_ignored_labels_weigh_nothing() -> None:
    arrays = labelled(*IMAGES)
    arrays["prediction"][2] = np.nan
    arrays["target"][2] = -1
    agree("multiclass_dice", arrays, {**LOGITS, "ignore_index": -1})


@pytest.mark.parametrize("weight", [weights(5), weights(5, 2, 4)])
def test_weights_of_points_enter_the_sums(weight: Array) -> None:
    agree("multiclass_dice", labelled(*IMAGES), LOGITS, weight=weight)


@pytest.mark.parametrize("weight", [weights(6), weights(6, 1), weights(6, 5), np.float64(3.0)])
def test_weights_of_rows_enter_the_sums(weight: Array) -> None:
    agree("l2_norm", sets(6, 5), {}, weight=weight)


@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean"])
@pytest.mark.parametrize("weight", [None, weights(5)])
def test_rows_that_are_read_one_by_one(weight: Array | None, reduction: str) -> None:
    given = {**LOGITS, "per_sample": True}
    agree("multiclass_dice", labelled(*IMAGES), given, weight=weight, reduction=reduction)


@pytest.mark.parametrize("name", ["dice", "focal_tversky", "mcc"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sets_that_are_read_one_by_one(name: str, dtype: str) -> None:
    agree(name, sets(7, 6, dtype=dtype), {"per_sample": True})


def test_class_weights_are_read_with_every_row() -> None:
    weight = np.array([0.5, 2.0, 1.0], np.float32)
    agree("jaccard", {**labelled(*IMAGES), "class_weight": weight}, {**LOGITS, "per_sample": True})


def test_norms_along_an_axis() -> None:
    agree("l2_norm", sets(6, 5, 4), {"axis": 1})


def test_rows_as_they_are_have_the_dtype_that_they_have_by_numpy() -> None:
    for arrays in (sets(6), sets(6, 4)):
        values = [
            compute("dice", arrays, {"per_sample": True}, reduction="none", backend=each).value
            for each in ("fused", "numpy")
        ]
        assert values[0].dtype == values[1].dtype
        np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(9,), (9, 2), (9, 2, 3)])
@pytest.mark.parametrize("weight", [None, weights(9)])
def test_metrics_with_several_outputs(shape: tuple[int, ...], weight: Array | None) -> None:
    agree("mean_squared_error", sets(*shape), {"multioutput": "uniform_average"}, kind="metric", weight=weight)


@pytest.mark.parametrize("name", ["dice", "l1_norm", "multiclass_dice"])
def test_the_same_bits_for_any_number_of_threads(name: str) -> None:
    arrays = labelled(60, 3) if name == "multiclass_dice" else sets(60)
    with cut_at([11, 12, 40]):
        one, seven = (
            compute(name, arrays, backend="fused", returns=("value", "gradient"), threads=threads) for threads in (1, 7)
        )
    assert one.value == seven.value
    assert one.gradient is not None
    assert seven.gradient is not None
    for each, gradient in one.gradient.items():
        np.testing.assert_array_equal(gradient, seven.gradient[each])


def test_a_sum_that_is_not_a_number() -> None:
    arrays = sets(8, 2)
    arrays["prediction"][3, 1] = np.nan
    ours, theirs = (
        compute("l1_norm", arrays, backend=each, returns=("value", "gradient")) for each in ("fused", "numpy")
    )
    assert np.isnan(ours.value)
    assert ours.gradient is not None
    assert theirs.gradient is not None
    np.testing.assert_array_equal(ours.gradient["prediction"], theirs.gradient["prediction"])


def faults(name: str, arrays: Mapping[str, Array]) -> list[str]:
    """What is said of a fault, by loops and by NumPy."""
    said = []
    for backend in ("fused", "numpy"):
        with pytest.raises(DomainError) as caught:
            compute(name, arrays, backend=backend)
        said.append(str(caught.value))
    return said


@pytest.mark.parametrize("fault", [0.0, 0.5, -2.0, np.inf])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_number_that_is_none_of_the_few_is_named_as_ever(fault: float, dtype: str) -> None:
    arrays: dict[str, Array] = {"prediction": np.zeros((4, 3), np.float32), "target": np.ones((4, 3))}
    arrays["target"][2, 1] = fault
    with np.errstate(invalid="ignore"):
        arrays["target"] = arrays["target"].astype(dtype)
    ours, theirs = faults("hinge", arrays)
    assert ours == theirs
    assert "target[2][1]" in ours


def test_one_of_the_few_may_be_nan() -> None:
    arrays = {"prediction": np.zeros(5), "target": np.array([1.0, -1.0, np.nan, 1.0, -1.0])}
    values = [compute("hinge", arrays, backend=each, reduction="none").value for each in ("fused", "numpy")]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("fault", [-1, 3, -(2**40)])
@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_dice"])
def test_a_label_of_no_class_is_named_as_ever(name: str, fault: int) -> None:
    arrays = labelled(*IMAGES)
    arrays["target"][4, 1, 2] = fault
    ours, theirs = faults(name, arrays)
    assert ours == theirs
    assert "target[4][1][2]" in ours
