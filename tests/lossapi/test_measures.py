"""Moments that a loop adds up: as exact as NumPy's far from zero too, and left to it where digits would go."""

from typing import Any

import numpy as np
import pytest

from lossapi import chunks, compute, fusion, registry
from lossapi.binding import planned
from lossapi.definition import Primitive
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.loops import build
from lossapi.plan import Plan
from lossapi.states import State
from tests.laws.every import cut_at

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

NAMES = ["r2", "explained_variance", "relative_squared_error", "pearson_corrcoef", "concordance_corrcoef"]
SHAPES = [(1200,), (1200, 1), (600, 2), (100, 40)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


def near_each_other(*shape: int, dtype: str = "float64", offset: float = 0.0) -> dict[str, Array]:
    """Targets, and predictions that miss them a little."""
    rng = np.random.default_rng(5)
    target = rng.normal(size=shape) + offset
    return {"prediction": (target + 0.3 * rng.normal(size=shape)).astype(dtype), "target": target.astype(dtype)}


def loop_of(name: str, arrays: dict[str, Array], weight: Array | None = None) -> Any:
    """What folds a metric by loops."""
    definition = registry.get("metric", name)
    assert isinstance(definition, Primitive)
    plan = planned(definition, arrays, {}, weight)
    found = fusion.backend(plan, definition.default_reduction, frozenset(), None, wait=True)
    assert found is not None
    return found.rows


def both(name: str, arrays: dict[str, Array], **options: Any) -> list[Array]:
    """The value by a loop and by NumPy."""
    definition = registry.get("metric", name)
    return [np.asarray(compute(definition, arrays, backend=each, **options).value) for each in ("fused", "numpy")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_loop_gives_what_numpy_gives(name: str, weighted: bool, shape: tuple[int, ...], dtype: str) -> None:
    arrays = near_each_other(*shape, dtype=dtype)
    weight = np.random.default_rng(6).choice([0.0, 0.5, 2.0], shape[0]) if weighted else None
    assert loop_of(name, arrays, weight) is not None
    with cut_at([3, 70]):
        ours, theirs = both(name, arrays, weight=weight)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_an_offset_costs_no_digits(name: str) -> None:
    far = near_each_other(5000, offset=1e8)
    near = {each: array - 1e8 for each, array in far.items()}
    with cut_at([1000, 4000]):
        np.testing.assert_allclose(both(name, far)[0], both(name, near)[0], rtol=1e-9)


def test_a_first_row_far_off_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = near_each_other(5000)
    for array in arrays.values():
        array[0] = 1e9
    mapped: list[slice] = []
    map_chunk = chunks.map_chunk

    def noted(plan: Plan, cut: slice, *options: Any) -> State:
        mapped.append(cut)
        return map_chunk(plan, cut, *options)

    monkeypatch.setattr(chunks, "map_chunk", noted)
    whole, without = (loop_of("r2", arrays).state(slice(start, 5000)) for start in (0, 1))
    assert mapped == [slice(0, 5000)]
    assert (whole.count, without.count) == (5000, 4999)


def test_a_first_row_far_off_costs_no_digits() -> None:
    arrays = near_each_other(5000)
    for array in arrays.values():
        array[0] = 1e9
    ours, theirs = both("r2", arrays)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_no_number_ends_where_numpy_has_it_end(name: str, odd: float) -> None:
    arrays = near_each_other(50)
    arrays["target"][[0, 30]] = odd
    np.testing.assert_array_equal(*both(name, arrays))


def test_a_constant_target_has_no_spread_at_all() -> None:
    arrays = {"prediction": np.full(70_001, 0.1), "target": np.full(70_001, 0.1)}
    state = loop_of("r2", arrays).state(slice(0, 70_001))
    assert (state.mean.tolist(), state.squares.tolist()) == ([0.1, 0.0], [0.0, 0.0])
    assert compute("r2", arrays, backend="fused").value == 1.0


def test_the_least_and_the_most_are_numpys() -> None:
    with pytest.raises(Unsupported, match="residual_range"):
        loop_of("normalized_root_mean_squared_error", near_each_other(9))
