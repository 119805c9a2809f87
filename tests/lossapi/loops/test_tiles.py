"""Loops over rows whose entries lie apart: images, with classes before pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute, registry, warming
from lossapi.domains import Array
from lossapi.engine import Call
from lossapi.errors import DomainError
from lossapi.loops import build
from tests.laws.every import cut_at

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

LOGITS = {"from_logits": True}
SHAPES = [(2, 3, 17, 31), (3, 5, 1), (2, 4, 256), (1, 2, 257)]
"""More pixels than one tile has, fewer, as many, and one more."""

CASES: list[tuple[str, Mapping[str, Any]]] = [
    ("cross_entropy", LOGITS),
    ("cross_entropy", {**LOGITS, "label_smoothing": 0.1}),
    ("cross_entropy", {}),
    ("focal", LOGITS),
    ("poly_cross_entropy", LOGITS),
    ("multiclass_dice", LOGITS),
    ("jaccard", {**LOGITS, "per_sample": True}),
]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


def images(shape: tuple[int, ...], dtype: str = "float32") -> dict[str, Array]:
    """Probabilities of classes at every pixel, and which class is true there."""
    rng = np.random.default_rng(11)
    powers = np.exp(rng.normal(size=shape))
    rows, classes, *axes = shape
    prediction = (powers / powers.sum(axis=1, keepdims=True)).astype(dtype)
    return {"prediction": prediction, "target": rng.integers(0, classes, (rows, *axes))}


def agree(name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any], **options: Any) -> None:
    """Loops give what NumPy gives."""
    asked: dict[str, Any] = {"returns": ("value", "gradient"), **options}
    ours, theirs = (compute(name, arrays, parameters, backend=each, **asked) for each in ("fused", "numpy"))
    rtol = 1e-5 if arrays["prediction"].dtype == np.float32 else 1e-11
    np.testing.assert_allclose(ours.value, theirs.value, rtol=rtol)
    assert ours.gradient is not None
    for each, gradient in (theirs.gradient or {}).items():
        np.testing.assert_allclose(
            ours.gradient[each], gradient, rtol=100 * rtol, atol=rtol * np.nanmax(np.abs(gradient))
        )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_images(name: str, parameters: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    agree(name, images(shape), parameters)


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_in_double_precision(name: str, parameters: Mapping[str, Any]) -> None:
    agree(name, images(SHAPES[0], "float64"), parameters)


def test_they_are_gone_through_by_tiles() -> None:
    [loop] = warming.loops(Call(registry.get("loss", "cross_entropy"), images(SHAPES[0]), LOGITS), gradient=False)
    assert "TILE" in loop.text


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "weighted_mean"])
def test_weights_and_labels_that_are_ignored(reduction: str) -> None:
    arrays = images(SHAPES[0])
    arrays["target"][1, 3:9] = -1
    arrays["prediction"][1, :, 4] = np.inf
    weight = np.random.default_rng(12).integers(0, 3, arrays["target"].shape).astype(np.float32)
    given = {**LOGITS, "ignore_index": -1}
    agree("cross_entropy", arrays, given, reduction=reduction, weight=weight)


def test_dense_targets() -> None:
    arrays = images(SHAPES[0])
    target = np.moveaxis(np.eye(3, dtype=np.float32)[arrays["target"]], -1, 1)
    agree("cross_entropy", {**arrays, "target": target}, LOGITS)


@pytest.mark.parametrize("extreme", [np.nan, np.inf, -np.inf, 200.0, -200.0])
@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_dice"])
def test_extremes(extreme: float, name: str) -> None:
    arrays = images(SHAPES[0])
    arrays["prediction"][0, 1, 2, 3] = extreme
    values = [compute(name, arrays, LOGITS, backend=each).value for each in ("fused", "numpy")]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_dice"])
def test_the_same_bits_for_any_number_of_threads(name: str) -> None:
    arrays = images((9, 3, 17, 31))
    with cut_at([2, 3, 8]):
        one, seven = (
            compute(name, arrays, LOGITS, backend="fused", returns=("value", "gradient"), threads=threads)
            for threads in (1, 7)
        )
    assert one.value == seven.value
    assert one.gradient is not None
    assert seven.gradient is not None
    np.testing.assert_array_equal(one.gradient["prediction"], seven.gradient["prediction"])


def test_a_label_of_no_class_is_found() -> None:
    arrays = images(SHAPES[0])
    arrays["target"][1, 16, 30] = 3
    with pytest.raises(DomainError, match=r"label < 3 .*target\[1\]\[16\]\[30\]"):
        compute("cross_entropy", arrays, LOGITS, backend="fused")
