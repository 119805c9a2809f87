"""Gradients by what all rows share: totals of loops, added where each row's label says, or over all rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute, fusion, registry
from lossapi.binding import planned
from lossapi.definition import Primitive
from lossapi.domains import Array
from lossapi.folds import Folded
from lossapi.loops import build
from tests.laws.every import cut_at

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

LOGITS = {"from_logits": True}
ROWS, CLASSES = 300, 4
"""More rows than are finished at a time."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


def labelled(*axes: int, dtype: str) -> dict[str, Array]:
    """Logs of probabilities of classes, labels, and a weight for each class."""
    rng = np.random.default_rng(8)
    return {
        "prediction": np.log(rng.uniform(0.1, 0.9, (ROWS, CLASSES, *axes))).astype(dtype),
        "target": rng.integers(0, CLASSES, (ROWS, *axes)),
        "class_weight": rng.uniform(0.5, 2.0, CLASSES).astype(dtype),
    }


def answers(name: str, *shape: int, dtype: str) -> dict[str, Array]:
    """Logits, answers to several questions a row, and a number for each question or for all."""
    rng = np.random.default_rng(9)
    return {
        "prediction": rng.normal(size=(ROWS, 5)).astype(dtype),
        "target": rng.integers(0, 2, (ROWS, 5)).astype(dtype),
        name: rng.uniform(0.2, 0.8, shape).astype(dtype),
    }


def agree(
    name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any], reduction: str, **options: Any
) -> None:
    """One loop gives the gradients by all tensors that NumPy gives."""
    definition = registry.get("loss", name)
    assert isinstance(definition, Primitive)
    wrt = [each for each, array in arrays.items() if array.dtype.kind == "f"]
    plan = planned(definition, arrays, parameters, options.get("weight"))
    found = fusion.backend(plan, reduction, frozenset(), wrt, wait=True)
    assert found is not None
    assert isinstance(found.rows, Folded)
    asked: dict[str, Any] = {"returns": ("value", "gradient"), "reduction": reduction, **options}
    with cut_at([1, 150]):
        ours, theirs = (compute(definition, arrays, parameters, backend=each, **asked) for each in ("fused", "numpy"))
    rtol = 1e-5 if arrays["prediction"].dtype == np.float32 else 1e-12
    np.testing.assert_allclose(ours.value, theirs.value, rtol=rtol)
    assert ours.gradient is not None
    assert theirs.gradient is not None
    assert ours.gradient.keys() == theirs.gradient.keys() == set(wrt)
    for each in wrt:
        assert ours.gradient[each].dtype == arrays[each].dtype
        np.testing.assert_allclose(ours.gradient[each], theirs.gradient[each], rtol=10 * rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum", "none"])
@pytest.mark.parametrize("axes", [(), (3,), (2, 3)])
@pytest.mark.parametrize(("name", "parameters"), [("cross_entropy", LOGITS), ("nll", {})])
def test_weights_of_classes(
    name: str, parameters: Mapping[str, Any], axes: tuple[int, ...], reduction: str, dtype: str
) -> None:
    agree(name, labelled(*axes, dtype=dtype), parameters, reduction)


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
def test_weights_of_classes_beside_those_of_rows_and_ignored_labels(reduction: str) -> None:
    arrays = labelled(3, dtype="float64")
    arrays["target"][::7] = -1
    weight = np.random.default_rng(10).choice([0.0, 0.5, 2.0], (ROWS, 3))
    agree("cross_entropy", arrays, {**LOGITS, "ignore_index": -1}, reduction, weight=weight)


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
def test_weights_of_classes_under_smoothing(reduction: str) -> None:
    agree("cross_entropy", labelled(dtype="float64"), {**LOGITS, "label_smoothing": 0.1}, reduction)


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
def test_weights_of_classes_that_are_given_one_by_one(reduction: str) -> None:
    arrays = labelled(dtype="float64")
    arrays["target"] = np.random.default_rng(11).dirichlet(np.ones(CLASSES), ROWS)
    agree("cross_entropy", arrays, LOGITS, reduction)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (5,)])
@pytest.mark.parametrize(
    ("name", "tensor"),
    [("binary_cross_entropy", "pos_weight"), ("binary_cross_entropy", "alpha"), ("binary_focal", "alpha")],
)
def test_a_number_for_every_column(name: str, tensor: str, shape: tuple[int, ...], dtype: str) -> None:
    agree(name, answers(tensor, *shape, dtype=dtype), LOGITS, "mean")


@pytest.mark.parametrize("shape", [(), (CLASSES,)])
def test_the_balance_of_a_focal_loss(shape: tuple[int, ...]) -> None:
    arrays = labelled(dtype="float64")
    del arrays["class_weight"]
    agree("focal", {**arrays, "alpha": np.full(shape, 0.3)}, LOGITS, "mean")
