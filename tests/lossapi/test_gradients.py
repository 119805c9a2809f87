"""The tape: what flows back, to what, and what does not leak."""

from collections.abc import Callable

import numpy as np
import pytest

from lossapi import functions, like
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.gradients import vjp
from lossapi.states import Weighted
from tests.differences import gradient

A = np.random.default_rng(0).normal(size=(3, 4))
B = np.random.default_rng(1).normal(size=(3, 4))


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: namespace(x).where(x > 0.0, namespace(x).log(x), 0.0), [0.0, 2.0], [0.0, 0.5]),
        (lambda x: namespace(x).where(x > 0.0, 1.0 / x, x), [0.0, 2.0], [1.0, -0.25]),
        (lambda x: functions.xlogy(namespace(x).asarray([0.0, 3.0]), x), [0.0, 2.0], [0.0, 1.5]),
        (lambda x: namespace(x).where(x > 0.0, x**0.5, 0.0), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: functions.logsumexp(x, axis=-1), [-np.inf, 0.0], [0.0, 1.0]),
        (functions.softplus, [-np.inf, np.inf, -200.0, 200.0], [0.0, 1.0, np.exp(-200.0), 1.0]),
        (functions.log_sigmoid, [-np.inf, np.inf, -200.0, 200.0], [1.0, 0.0, 1.0, np.exp(-200.0)]),
        (lambda x: functions.logit_surprise(x, 0.0 * x), [-200.0, 200.0], [np.exp(-200.0), 1.0]),
        (lambda x: functions.logit_surprise(x, 0.0 * x + 1.0), [-200.0, 200.0], [-1.0, 0.0]),
        (functions.sigmoid, [-np.inf, np.inf, -200.0, 200.0], [0.0, 0.0, np.exp(-200.0), np.exp(-200.0)]),
    ],
)
def test_an_infinite_slope_does_not_leak_where_nothing_flows(
    function: Callable[[Array], Array], x: list[float], expected: list[float]
) -> None:
    (found,) = gradient(function, np.array(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_nan_that_the_value_has_reaches_the_gradient() -> None:
    (found,) = gradient(lambda x: x * x, np.array([1.0, np.nan]))
    np.testing.assert_array_equal(found, [2.0, np.nan])


def test_weighted_rows_and_named_sums_take_cotangents_of_their_own_form() -> None:
    x, w = A, np.abs(A[0])
    out, pullback = vjp(lambda x, w: Weighted(x * w, w + 0.0 * x), {"x": x, "w": w}, {}, ("x", "w"))
    assert isinstance(out, Weighted)
    assert set(pullback(Weighted(None, np.ones_like(x)))) == {"x", "w"}
    np.testing.assert_allclose(pullback(Weighted(np.ones_like(x), None))["x"], np.broadcast_to(w, x.shape))
    sums, pullback = vjp(lambda x: {"one": namespace(x).sum(x), "two": namespace(x).sum(x * x)}, {"x": x}, {}, ("x",))
    np.testing.assert_allclose(pullback({"one": 3.0, "two": 0.5})["x"], 3.0 + x)
    assert set(sums) == {"one", "two"}


def test_only_the_inputs_asked_for_and_reached_get_a_gradient() -> None:
    _, pullback = vjp(lambda x, y, z: x * y, {"x": A, "y": B, "z": None}, {}, ("x", "z"))
    assert set(pullback(np.ones_like(A))) == {"x"}


def test_numpys_own_functions_and_methods_are_followed_by_name() -> None:
    def shuffled(x: Array) -> Array:
        stretched = np.moveaxis(np.broadcast_to(x, (2, 3, 4)), 0, -1) * np.array(2.0)
        return np.where(np.isnan(stretched), 0.0, np.abs(stretched)).reshape(-1, 2).sum(axis=0, dtype=np.float64)

    np.testing.assert_allclose(gradient(shuffled, A)[0], 4.0 * np.sign(A))


def test_labels_that_tensorflow_1_stops_the_gradient_at_get_none() -> None:
    labels = {"labels": np.eye(4)[:3], "logits": A}
    given = {
        name: like.compute("tf1", f"nn.softmax_cross_entropy_with_logits{name}", labels, returns=("gradient",))
        for name in ("", "_v2")
    }
    assert {name: set(each.gradient or {}) for name, each in given.items()} == {
        "": {"logits"},
        "_v2": {"labels", "logits"},
    }


@pytest.mark.parametrize("function", [np.asarray, np.cbrt, np.median, lambda x: x.cumsum()])
def test_what_has_no_derivative_is_refused_not_taken_for_a_constant(function: Callable[[Array], Array]) -> None:
    with pytest.raises((TypeError, AttributeError)):
        gradient(function, A)
