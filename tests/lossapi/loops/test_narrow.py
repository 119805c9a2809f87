"""Rows of few entries go side by side: any number of them, as one by one, and by the length that they come with."""

from typing import Any

import numpy as np
import pytest

from lossapi import compute, registry, warming
from lossapi.domains import Array
from lossapi.engine import Call
from lossapi.errors import DomainError
from lossapi.loops import build
from lossapi.loops.narrow import FEW, MORE
from tests.laws.every import cut_at

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

LOGITS = {"from_logits": True}
CASES = ["cross_entropy", "focal", "multi_margin", "cosine_similarity"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


def drawn(name: str, rows: int, entries: int) -> dict[str, Array]:
    """Scores, and the label or the vector that each row was to have."""
    rng = np.random.default_rng(rows)
    scores = rng.normal(size=(rows, entries))
    if name in ("cosine_similarity", "mean_squared_error"):
        return {"prediction": scores, "target": rng.normal(size=(rows, entries))}
    return {"prediction": scores, "target": rng.integers(0, entries, rows)}


def text_of(name: str, *, gradient: bool = False) -> str:
    """The loop that computes a loss."""
    definition = registry.get("loss", name)
    parameters = LOGITS if name in ("cross_entropy", "focal") else {}
    [loop] = warming.loops(Call(definition, drawn(name, 2, 3), parameters), gradient=gradient)
    return loop.text


def functions(name: str) -> list[str]:
    """The functions of that loop."""
    return [each for each in ("narrow", "wide", "kernel") if f"int {each}(" in text_of(name)]


def test_loops_over_rows_have_a_function_for_narrow_ones() -> None:
    assert functions("cross_entropy") == ["narrow", "wide", "kernel"]
    assert functions("mean_squared_error") == ["kernel"]


def test_longer_rows_count_as_narrow_where_a_pass_waits_for_what_they_have_once() -> None:
    for name, gradient, few in (("focal", True, MORE), ("focal", False, FEW), ("cross_entropy", True, FEW)):
        assert f" <= {few} ? narrow : wide" in text_of(name, gradient=gradient)


@pytest.mark.parametrize("entries", [1, 2, FEW, FEW + 1, MORE, MORE + 1])
@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 700])
@pytest.mark.parametrize("name", CASES)
def test_any_number_of_rows(name: str, rows: int, entries: int) -> None:
    arrays = drawn(name, rows, entries)
    parameters = LOGITS if name in ("cross_entropy", "focal") else {}
    weight = np.random.default_rng(3).choice([0.0, 0.5, 2.0], rows)
    options: dict[str, Any] = {"returns": ("value", "gradient"), "weight": weight, "reduction": "sum"}
    ours, theirs = (compute(name, arrays, parameters, backend=each, **options) for each in ("fused", "numpy"))
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-12, atol=1e-13)
    assert ours.gradient is not None
    assert theirs.gradient is not None
    for each, gradient in theirs.gradient.items():
        np.testing.assert_allclose(ours.gradient[each], gradient, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("entries", [3, FEW, FEW + 1])
def test_the_same_bits_for_any_number_of_threads(entries: int) -> None:
    arrays = drawn("cross_entropy", 900, entries)
    with cut_at([200, 313, 800]):
        one, seven = (
            compute("cross_entropy", arrays, LOGITS, backend="fused", returns=("value", "gradient"), threads=threads)
            for threads in (1, 7)
        )
    assert one.value == seven.value
    assert one.gradient is not None
    assert seven.gradient is not None
    np.testing.assert_array_equal(one.gradient["prediction"], seven.gradient["prediction"])


@pytest.mark.parametrize("entries", [3, FEW, FEW + 1])
def test_a_label_of_no_class_is_found(entries: int) -> None:
    arrays = drawn("cross_entropy", 300, entries)
    arrays["target"][270] = entries
    with pytest.raises(DomainError, match=rf"label < {entries} .*target\[270\]"):
        compute("cross_entropy", arrays, LOGITS, backend="fused")
