"""Loops over a leading axis: in order, backwards, and with a derivative by all that goes in."""

from typing import Any

import numpy as np
import pytest

from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.gradients import vjp
from lossapi.graphs.dims import Dim
from lossapi.graphs.graph import Graph, under_construction
from lossapi.graphs.symbol import Symbol
from lossapi.scans import flattened, rebuilt, scan, sweep


def test_a_scan_folds_in_order() -> None:
    digits = np.array([1.0, 2.0, 3.0])
    assert scan(digits, lambda carry, digit: 10.0 * carry + digit, np.zeros(())) == 123.0


def test_a_carry_may_be_nested() -> None:
    def step(carry: Any, x: Array) -> Any:
        (total, largest), count = carry
        return (total + x, np.maximum(largest, x)), count + 1.0

    (total, largest), count = scan(np.array([2.0, 5.0, 3.0]), step, ((np.zeros(()), np.zeros(())), np.zeros(())))
    assert (total, largest, count) == (10.0, 5.0, 3.0)
    assert rebuilt(*flattened((1.0, ((2.0,), 3.0)))[::-1]) == (1.0, ((2.0,), 3.0))


@pytest.mark.parametrize(("reverse", "sums"), [(False, [1.0, 3.0, 6.0]), (True, [6.0, 5.0, 3.0])])
def test_what_a_sweep_gives_stands_where_its_entries_stood(reverse: bool, sums: list[float]) -> None:
    def step(carry: Any, entries: Any) -> Any:
        return (carry[0] + entries[0],), (carry[0] + entries[0], entries[1])

    (last,), (running, others) = sweep(
        np.array([1.0, 2.0, 3.0]), (np.array([7.0, 8.0, 9.0]),), step, (np.zeros(()),), reverse=reverse
    )
    assert (last, running.tolist(), others.tolist()) == (6.0, sums, [7.0, 8.0, 9.0])


def recurrence(x: Array, a: Array, b: Array) -> Array:
    """Two states that mix, of which the second is wanted with a part of the first."""
    xp = namespace(x)

    def step(carry: tuple[Array, Array], entry: Array) -> tuple[Array, Array]:
        one, two = carry
        return xp.sin(one * entry), two * entry + xp.concat([one[:1], one[:-1]], axis=0)

    one, two = scan(x, step, (a, b))
    return two + one[0]


def test_the_derivative_of_a_scan_is_that_of_the_loop_written_out() -> None:
    rng = np.random.default_rng(3)
    given = {"x": rng.normal(size=(6, 4)), "a": rng.normal(size=4), "b": rng.normal(size=4)}
    flow = rng.normal(size=4)
    found = vjp(recurrence, given, {}, tuple(given))[1](flow)
    for name, array in given.items():
        direction, step = rng.normal(size=array.shape), 1e-6
        ahead, behind = (recurrence(**{**given, name: array + s * direction}) for s in (step, -step))
        slope = np.sum(flow * (ahead - behind)) / (2 * step)
        np.testing.assert_allclose(np.sum(found[name] * direction), slope, rtol=1e-8)


def test_only_what_is_asked_for_has_a_derivative() -> None:
    given = {"x": np.ones((3, 4)), "a": np.ones(4), "b": np.ones(4)}
    assert set(vjp(recurrence, given, {}, ("a",))[1](np.ones(4))) == {"a"}


def test_over_nothing_the_start_has_all_of_the_derivative() -> None:
    given = {"x": np.ones((0, 4)), "a": np.ones(4), "b": np.ones(4)}
    value, back = vjp(recurrence, given, {}, ("b",))
    np.testing.assert_array_equal(value, [2.0] * 4)
    np.testing.assert_array_equal(back(np.arange(4.0))["b"], np.arange(4.0))


def test_an_infinite_slope_times_nothing_is_nothing() -> None:
    def roots(x: Array) -> Array:
        xp = namespace(x)
        total = scan(x, lambda carry, entry: carry + xp.where(entry > 0.0, xp.log(entry), 0.0), xp.zeros_like(x[0]))
        return total * 1.0

    [gradient] = vjp(roots, {"x": np.array([[1.0, 0.0], [2.0, 4.0]])}, {}, ("x",))[1](np.ones(2)).values()
    np.testing.assert_array_equal(gradient, [[1.0, 0.0], [0.5, 0.25]])


def hidden(x: Array, factor: Array) -> Array:
    """A step that sees more than it is given."""
    return scan(x, lambda carry, entry: carry * entry + factor, namespace(x).zeros_like(x[0]))


def test_what_a_step_sees_beside_has_a_derivative_too() -> None:
    given = {"x": np.array([[5.0], [3.0], [2.0]]), "factor": np.array([7.0])}
    found = vjp(hidden, given, {}, tuple(given))[1](np.ones(1))
    assert {name: each.tolist() for name, each in found.items()} == {
        "x": [[0.0], [14.0], [28.0]],  # f (x₂ x₃ + x₃ + 1) by x₂ is f x₃, by x₃ f (x₂ + 1)
        "factor": [9.0],
    }


def test_but_not_in_a_graph() -> None:
    graph = Graph()
    with under_construction(graph):
        given = {
            name: Symbol(graph.input(name, np.float64, shape), np.float64, shape)
            for name, shape in {"x": (Dim.named("time"), 1), "factor": (1,)}.items()
        }
        assert set(vjp(hidden, given, {}, ("x",))[1](np.ones(1))) == {"x"}
        with pytest.raises(TypeError, match="more than what they are given"):
            vjp(hidden, given, {}, ("x", "factor"))
