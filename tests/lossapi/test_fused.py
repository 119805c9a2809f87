"""Loops where they are kept and made: in the background, on disk, by several processes, without a compiler."""

import gc
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossapi import binding, compute, registry, warming
from lossapi.backends import choice, fused
from lossapi.definition import Primitive
from lossapi.domains import Array
from lossapi.errors import DomainError, LossError, Unsupported
from lossapi.loops import build

PAIR = {"prediction": np.array([0.0, 3.0]), "target": np.array([0.0, 0.0])}
needs_compiler = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")
pytestmark = needs_compiler


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own, and nothing in memory."""
    monkeypatch.setenv("LOSSAPI_CACHE", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache"
    forget()


def forget() -> None:
    """As in a new process."""
    for known in (fused._kernels, fused._free, fused._libraries, binding.PLANS._known):
        known.clear()


def libraries(folder: Path) -> list[Path]:
    """What is kept."""
    return sorted(folder.rglob("*.so"))


def measured(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have the table say that loops are the fastest at something."""
    line = {"when": {}, "dtype": "float64", "elements": 2}
    monkeypatch.setattr(choice, "measured", lambda: {choice.FUSED: {name: [line] for name in names}})
    monkeypatch.setattr(choice, "least", lambda: 0)


def test_the_reply_says_that_a_loop_ran() -> None:
    ran = compute("huber", PAIR, backend="fused")
    assert (ran.value, ran.backend, ran.provider) == (1.25, "fused", "CPUExecutionProvider")
    assert choice.running()["fused"] == "CPUExecutionProvider"


@pytest.mark.parametrize("name", ["huber", "dice", "r2"])
def test_loops_are_looked_for_once_and_hold_no_arrays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[Any] = []
    kernel = fused.kernel

    def noted(task: Any, *options: Any, **more: Any) -> Any:
        sought.append(task)
        return kernel(task, *options, **more)

    monkeypatch.setattr(fused, "kernel", noted)
    rng = np.random.default_rng(4)
    alike = [{"prediction": rng.uniform(size=(9, 2)), "target": rng.integers(0, 2, (9, 2)) * 1.0} for _ in range(3)]
    values = [compute(name, each, backend="fused").value for each in alike]
    assert values == pytest.approx([compute(name, each, backend="numpy").value for each in alike], rel=1e-13)
    assert len(sought) == 1
    left = [weakref.ref(array) for each in alike for array in each.values()]
    alike.clear()
    gc.collect()
    assert [each() for each in left] == [None] * 6


def test_auto_computes_by_numpy_until_the_loop_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, "huber")
    first = compute("huber", PAIR)
    assert (first.value, first.backend) == (1.25, "numpy")
    deadline = time.monotonic() + 60
    while compute("huber", PAIR).backend != "fused":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert compute("huber", PAIR).value == 1.25


def test_auto_leaves_what_has_no_loop_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, "multilabel_margin")
    arrays = {"prediction": np.array([[0.1, 0.2, 0.4]]), "target": np.array([[2, 0, -1]])}
    assert compute("multilabel_margin", arrays).backend == "numpy"
    fused._compiling().submit(lambda: None).result()
    assert compute("multilabel_margin", arrays).backend == "numpy"
    with pytest.raises(Unsupported, match="one loop"):
        compute("multilabel_margin", arrays, backend="fused")


def test_another_number_needs_no_other_loop(cache: Path) -> None:
    values = [compute("huber", PAIR, {"delta": delta}, backend="fused").value for delta in (0.5, 2.0, 4.0)]
    assert values == [compute("huber", PAIR, {"delta": delta}).value for delta in (0.5, 2.0, 4.0)]
    assert len(libraries(cache)) == 1


def test_a_kept_loop_needs_no_compiler(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute("huber", PAIR, backend="fused")
    forget()
    monkeypatch.setattr(build, "compiler", lambda: None)
    assert compute("huber", PAIR, backend="fused").value == 1.25
    with pytest.raises(Unsupported, match=r"pip install \"lossapi\[fused\]\""):
        compute("smooth_l1", PAIR, backend="fused")


def test_a_damaged_library_is_made_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute("huber", PAIR, backend="fused")
    forget()
    [whole] = libraries(cache)
    kept = cache.with_name("other") / whole.relative_to(cache)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"no library")
    monkeypatch.setenv("LOSSAPI_CACHE", str(cache.with_name("other")))
    assert compute("huber", PAIR, backend="fused").value == 1.25
    assert kept.read_bytes() != b"no library"


def test_a_folder_that_cannot_be_written_is_harmless(cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    assert compute("huber", PAIR, backend="fused").value == 1.25


def test_processes_share_the_folder(cache: Path) -> None:
    script = (
        "import numpy as np; from lossapi import compute;"
        "arrays = {'prediction': np.array([0.0, 3.0]), 'target': np.zeros(2)};"
        "print(compute('huber', arrays, backend='fused').value)"
    )
    command = [sys.executable, "-c", script]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["1.25"] * 3
    assert len(libraries(cache)) == 1
    assert not list(cache.rglob("*.part"))


def test_loops_are_made_ahead_for_other_processors(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = warming.texts()[:2]
    monkeypatch.setattr(warming, "texts", lambda: some)
    kind = build.targets()[-1]
    assert warming.warm([kind]) == 2
    assert {path.parent.name for path in libraries(cache)} == {kind}


def test_no_more_loops_are_made_than_a_process_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "MOST", 1)
    compute("huber", PAIR, backend="fused")
    with pytest.raises(Unsupported, match="at most 1 loops"):
        compute("smooth_l1", PAIR, backend="fused")
    assert compute("huber", PAIR, {"delta": 3.0}, backend="fused").backend == "fused"


def test_a_number_outside_its_bounds_is_named_as_ever() -> None:
    arrays = {"prediction": np.zeros((4, 3)), "target": np.full((4, 3), 0.5)}
    arrays["target"][2, 1] = 1.5
    with pytest.raises(DomainError) as ours:
        compute("binary_cross_entropy", arrays, {"from_logits": True}, backend="numpy")
    with pytest.raises(DomainError) as theirs:
        compute("binary_cross_entropy", arrays, {"from_logits": True}, backend="fused")
    assert str(theirs.value) == str(ours.value)
    assert "target[2][1]" in str(ours.value)


def weighed(shape: tuple[int, ...], weights: tuple[int, ...]) -> tuple[dict[str, Array], Array]:
    """A pair, and weights some of which are 0."""
    rng = np.random.default_rng(2)
    weight = rng.integers(0, 3, weights).astype(np.float64)
    return {"prediction": rng.normal(size=shape), "target": rng.normal(size=shape)}, weight


@pytest.mark.parametrize("reduction", ["mean", "sum", "weighted_mean", "nonzero_mean", "batch_mean", "none"])
@pytest.mark.parametrize("weights", [(), (6,), (6, 1), (6, 5)])
def test_weights_enter_the_loop(reduction: str, weights: tuple[int, ...]) -> None:
    arrays, weight = weighed((6, 5), weights)
    options: Mapping[str, Any] = {"weight": weight, "reduction": reduction, "returns": ("value", "gradient")}
    ours, theirs = (compute("huber", arrays, backend=backend, **options) for backend in ("numpy", "fused"))
    assert theirs.count == ours.count
    np.testing.assert_allclose(theirs.value, ours.value, rtol=1e-12)
    for name, each in (ours.gradient or {}).items():
        np.testing.assert_allclose((theirs.gradient or {})[name], each, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ignored_rows_cost_nothing_and_have_no_slope(dtype: str) -> None:
    rng = np.random.default_rng(3)
    arrays = {"prediction": rng.normal(size=(9, 4)).astype(dtype), "target": rng.integers(0, 4, 9)}
    arrays["target"][::3] = -1
    arrays["prediction"][3] = np.inf
    given = {"from_logits": True, "ignore_index": -1}
    options: Mapping[str, Any] = {"returns": ("value", "gradient")}
    ours, theirs = (compute("cross_entropy", arrays, given, backend=each, **options) for each in ("numpy", "fused"))
    np.testing.assert_allclose(theirs.value, ours.value, rtol=1e-5 if dtype == "float32" else 1e-12)
    assert theirs.gradient is not None
    assert ours.gradient is not None
    np.testing.assert_allclose(theirs.gradient["prediction"], ours.gradient["prediction"], rtol=1e-5, atol=1e-12)


def test_an_empty_batch_sums_to_nothing() -> None:
    empty = {"prediction": np.zeros(0), "target": np.zeros(0)}
    assert compute("huber", empty, reduction="sum", backend="fused").value == 0.0


def test_without_loops_a_request_for_them_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "compiler", lambda: None)
    assert "fused" not in choice.running()
    with pytest.raises(LossError, match="a C compiler"):
        compute("huber", PAIR, backend="fused")


def test_arrays_whose_axes_disagree_are_not_read() -> None:
    function = primitive("huber").maps[0].function
    with pytest.raises(Unsupported, match="axes agree"):
        fused.run(function, {"prediction": np.zeros(4), "target": np.zeros(3)}, {"delta": 1.0})


def test_an_index_outside_its_axis_is_not_read() -> None:
    parameters = {"from_logits": True, "label_smoothing": 0.0, "normalize": False, "log_floor": None}
    tensors = {"prediction": np.zeros((2, 3)), "target": np.array([0, 3]), "class_weight": None}
    with pytest.raises(IndexError):
        fused.run(primitive("cross_entropy").maps[0].function, tensors, parameters)


def primitive(name: str) -> Primitive:
    """A loss of the registry."""
    found = registry.get("loss", name)
    assert isinstance(found, Primitive)
    return found


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(build, "_own", "")
    monkeypatch.delenv("LOSSAPI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert build.keep(build.HEADER, build.folder() / "any" / "loop.so") is None
