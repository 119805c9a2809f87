"""Loops through time, and rows with axes of their own: what is carried, cut, joined, picked and added up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute, registry, warming
from lossapi.definition import Definition, loss
from lossapi.domains import Array, Index, Real, Rows
from lossapi.engine import Call
from lossapi.functions import logsumexp, namespace
from lossapi.loops import build
from lossapi.scans import scan
from tests.laws.every import cut_at, definition_of

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

SIZES = [(1, 1, 1), (2, 3, 2), (3, 7, 8), (2, 9, 9), (1, 4, 15), (2, 3, 17), (1, 2, 600)]
"""Rows, steps in time, and entries: fewer than a vector has, as many, one more, and more than a block has."""

Series = Real[Array, "batch time dim"]
Scores = Real[Array, "batch dim"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small loops: compiling them is what takes time."""
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))


@loss(family="liar")
def smoothed(prediction: Series, target: Scores, *, decay: float = 0.7) -> Rows[Array, "batch"]:
    """A weighted mean of the past, carried as one array."""
    xp = namespace(prediction)
    series = xp.moveaxis(prediction, 1, 0)
    last = scan(series, lambda mean, x: decay * mean + (1.0 - decay) * xp.tanh(x), xp.zeros_like(target))
    return xp.sum((last - target) * (last - target), axis=1)


@loss(family="liar")
def mixed(prediction: Series, target: Scores) -> Rows[Array, "batch"]:
    """Two states of different sizes, each made of shifted and joined parts of both."""
    xp = namespace(prediction)

    def step(carry: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        long, short = carry
        moved = xp.concat([xp.exp(-xp.abs(short)), long[:, :1] + long[:, -1:]], axis=1)
        return 0.5 * moved + xp.concat([x[:, :1], x], axis=1), xp.maximum(short, 0.3 * long[:, 1:]) - 0.1 * x

    start = (xp.concat([target, xp.ones_like(target[:, :1])], axis=1), target)
    long, short = scan(xp.moveaxis(xp.tanh(prediction), 1, 0), step, start)
    return xp.max(long, axis=1) + logsumexp(short, axis=1)


@loss(family="liar")
def counted(prediction: Series, target: Scores) -> Rows[Array, "batch"]:
    """A number that each row carries, its frames made of sums over several axes and of running ones."""
    xp = namespace(prediction)
    whole = xp.sum(prediction, axis=(1, 2)) + xp.mean(prediction * prediction, axis=(1, 2))
    frames = xp.moveaxis(xp.cumulative_sum(xp.sin(prediction), axis=1) * xp.expand_dims(target, axis=1), 1, 0)
    carried = scan(frames, lambda sum, x: xp.tanh(sum) + xp.sum(x, axis=1), xp.zeros_like(whole))
    return carried + 0.01 * whole


@loss(family="liar")
def looked_up(prediction: Series, target: Index[Array, "batch length"]) -> Rows[Array, "batch"]:
    """Entries picked at places of their own, some of them often."""
    xp = namespace(prediction)
    found = xp.take_along_axis(prediction, xp.expand_dims(target, axis=1), axis=2)
    last = scan(xp.moveaxis(found, 1, 0), lambda carry, x: xp.sin(carry) + x, xp.zeros_like(found[:, 0, :]))
    first = xp.squeeze(xp.take_along_axis(last, xp.zeros_like(target[:, :1]), axis=1), axis=1)
    return first + xp.sum(last, axis=1) * xp.min(prediction[:, 0, :], axis=1)


@loss(family="liar")
def nested(prediction: Series, target: Scores) -> Rows[Array, "batch"]:
    """A loop whose steps are loops themselves, and a count carried beside."""
    xp = namespace(prediction)

    def step(carry: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        total, count = carry
        entries = xp.moveaxis(x, 1, 0)
        one = scan(entries, lambda held, entry: xp.sin(held) + entry, total)
        two = scan(entries * entries, lambda held, entry: 0.9 * held + entry, total)
        return one + 0.5 * two, count + xp.sum(xp.astype(x > 0.0, xp.int64), axis=1)

    start = xp.zeros_like(target[:, 0])
    total, count = scan(xp.moveaxis(prediction, 1, 0), step, (start, xp.astype(start, xp.int64)))
    return total + xp.astype(count, total.dtype)


@loss(family="liar")
def stopped(prediction: Series, target: Scores) -> Rows[Array, "batch"]:
    """The largest until some limit was met, which is carried as truth values; read from the end."""
    xp = namespace(prediction)

    def step(carry: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        best, met = carry
        return xp.where(met, best, xp.maximum(best, x)), met | (x > 1.5)

    best, _ = scan(xp.moveaxis(prediction, 1, 0), step, (target, target > 1e9))
    return xp.sum(best, axis=1) + xp.max(xp.flip(best, axis=1) * target, axis=1)


def arrays(size: tuple[int, int, int], dtype: str) -> dict[str, Array]:
    """A series, and what it is held against."""
    rng = np.random.default_rng(sum(size))
    rows, _, entries = size
    return {"prediction": rng.normal(size=size).astype(dtype), "target": rng.normal(size=(rows, entries)).astype(dtype)}


def agree(
    definition: Definition, given: Mapping[str, Array], parameters: Mapping[str, Any] | None = None, **options: Any
) -> None:
    """Loops give what NumPy gives."""
    asked: dict[str, Any] = {"returns": ("value", "gradient"), **options}
    ours, theirs = (compute(definition, given, parameters, backend=each, **asked) for each in ("fused", "numpy"))
    assert ours.backend == "fused"
    rtol = 2e-5 if given["prediction"].dtype == np.float32 else 1e-11
    np.testing.assert_allclose(ours.value, theirs.value, rtol=rtol, atol=rtol)
    assert ours.gradient is not None
    for each, gradient in (theirs.gradient or {}).items():
        np.testing.assert_allclose(
            ours.gradient[each], gradient, rtol=100 * rtol, atol=rtol * np.nanmax(np.abs(gradient))
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("made", [smoothed, mixed, counted, nested, stopped], ids=lambda made: made.__name__)
def test_loops_through_time(made: Any, dtype: str) -> None:
    for size in SIZES:
        agree(definition_of(made), arrays(size, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_entries_picked_at_places(dtype: str) -> None:
    rng = np.random.default_rng(5)
    for rows, time, entries in SIZES:
        given = arrays((rows, time, entries), dtype)
        agree(definition_of(looked_up), {**given, "target": rng.integers(0, entries, (rows, 9))})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "weighted_mean"])
def test_weights_and_cuts(reduction: str) -> None:
    given = arrays((6, 4, 5), "float64")
    with cut_at([1, 4]):
        agree(definition_of(mixed), given, reduction=reduction, weight=np.array([0.5, 0.0, 3.0, 1.0, 2.0, 0.1]))


def test_numbers_are_given_to_the_loop() -> None:
    given = arrays((3, 4, 5), "float64")
    for decay in (0.1, 0.9):
        ours, theirs = (
            compute(definition_of(smoothed), given, {"decay": decay}, backend=each).value for each in ("fused", "numpy")
        )
        assert ours == pytest.approx(theirs, rel=1e-12)
    [loop] = warming.loops(Call(definition_of(smoothed), given), gradient=False)
    assert "decay" in loop.numbers


def test_the_same_bits_for_any_number_of_threads() -> None:
    given = arrays((6, 4, 5), "float32")
    with cut_at([1, 4]):
        one, seven = (
            compute(definition_of(mixed), given, backend="fused", returns=("value", "gradient"), threads=threads)
            for threads in (1, 7)
        )
    assert one.gradient is not None
    assert seven.gradient is not None
    assert one.value == seven.value
    assert all(np.array_equal(each, seven.gradient[name]) for name, each in one.gradient.items())


def sequences(rows: int, time: int, classes: int, length: int, dtype: str) -> dict[str, Array]:
    """Scores and labels of any length, none included."""
    rng = np.random.default_rng(rows + time)
    return {
        "prediction": (3.0 * rng.normal(size=(rows, time, classes))).astype(dtype),
        "target": rng.integers(1, classes, (rows, length)),
        "input_length": rng.integers(0, time + 1, rows),
        "target_length": rng.integers(0, length + 1, rows),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zero_infinity": True, "per_label": True},
        {"normalize": False, "softmax_gradient": True},
        {"merge_repeated": False, "blank": 1},
        {"log_zero": -300.0},
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_sequences_at_their_limits(options: dict[str, Any], dtype: str) -> None:
    [ctc] = (each for each in registry.definitions("loss") if each.name == "ctc")
    for size in [(3, 5, 4, 0), (1, 1, 2, 1), (4, 7, 3, 1), (5, 20, 9, 7), (2, 3, 5, 8), (3, 40, 6, 16)]:
        given = sequences(*size, dtype)
        agree(ctc, given, parameters=options, reduction="none")
        if options.get("normalize", True):
            for far in (100.0, 1e30):
                agree(ctc, {**given, "prediction": given["prediction"] * np.asarray(far, dtype)}, parameters=options)
    for odd in (np.nan, np.inf, -np.inf):
        spoilt = given["prediction"].copy()
        spoilt[0, 0, 0] = odd
        agree(ctc, {**given, "prediction": spoilt}, parameters=options, reduction="none")
