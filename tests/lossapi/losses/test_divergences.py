"""Divergences: values by hand, edges, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest

from lossapi import LossError, engine, registry
from lossapi.errors import DomainError, ParameterError, ShapeError, UnknownKey, Unsupported

P, Y = [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], [[0.25, 0.75, 0.0], [0.1, 0.2, 0.7]]
KL = 0.25 * math.log(0.5) + 0.75 * math.log(3.0)


def value(name: str, tensors: dict[str, Any], parameters: dict[str, Any] | None = None, **options: Any) -> Any:
    return engine.compute(name, tensors, parameters or {}, **options).value


def divergence(prediction: Any, target: Any, reduction: str = "none", **parameters: Any) -> Any:
    return value("kl_divergence", {"prediction": prediction, "target": target}, parameters, reduction=reduction)


def test_every_way_to_say_probabilities_gives_one_number() -> None:
    np.testing.assert_allclose(divergence(P, Y), [KL, 0.0], atol=1e-15)
    np.testing.assert_allclose(divergence(np.log(P), Y, log_prediction=True), [KL, 0.0], atol=1e-15)
    np.testing.assert_allclose(divergence(np.log(P) + 7.0, Y, from_logits=True), [KL, 0.0], atol=1e-14)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(divergence(P, np.log(Y), log_target=True), [KL, 0.0], atol=1e-15)
    np.testing.assert_allclose(divergence(np.transpose(P), np.transpose(Y), class_axis=0), [KL, 0.0], atol=1e-15)
    assert divergence(P, Y, "mean") == pytest.approx(KL / 2)
    assert divergence(P[0], Y[0], "mean") == pytest.approx(KL)


def test_what_does_not_happen_costs_nothing_and_what_could_not_costs_infinity() -> None:
    assert divergence([[0.0, 1.0]], [[0.0, 1.0]]).tolist() == [0.0]
    assert divergence([[0.0, 1.0]], [[0.5, 0.5]]).tolist() == [math.inf]
    assert divergence([[-math.inf, 0.0]], [[-math.inf, 0.0]], log_prediction=True, log_target=True).tolist() == [0.0]
    assert divergence([[-200.0, 200.0]], [[1.0, 0.0]], from_logits=True).tolist() == [400.0]
    assert np.isnan(divergence([[math.nan, 1.0]], [[0.0, 1.0]])).all()


def test_a_floor_bounds_what_the_impossible_costs() -> None:
    assert divergence([[0.0, 1.0]], [[1.0, 0.0]], log_floor=-100.0).tolist() == [100.0]
    held = math.log(1 / 1e-7) + 1e-7 * math.log(1e-7)
    np.testing.assert_allclose(divergence([[0.0, 1.0]], [[1.0, 0.0]], log_floor=1e-7), [held])


def test_probabilities_outside_their_range_are_refused() -> None:
    with pytest.raises(DomainError, match=r"from_logits: true\), got 1.5 - at \$\.prediction\[0\]\[1\]"):
        divergence([[0.5, 1.5]], [[0.5, 0.5]])
    with pytest.raises(DomainError, match=r"\(logarithms need log_target: true\), got -1 - at \$\.target"):
        divergence([[0.5, 0.5]], [[-1.0, 0.5]])
    with pytest.raises(ShapeError):
        divergence([[0.5, 0.5]], [0.5, 0.5])


def test_amounts_that_sum_to_one_diverge_as_probabilities_do() -> None:
    given = {"prediction": P, "target": Y}
    np.testing.assert_allclose(value("generalized_kl_divergence", given, reduction="none"), [KL, 0.0], atol=1e-15)
    assert value("generalized_kl_divergence", {"prediction": [[2.0, 3.0]], "target": [[0.0, 0.0]]}) == 5.0
    with pytest.raises(DomainError, match="an amount >= 0"):
        value("generalized_kl_divergence", {"prediction": [[-2.0]], "target": [[0.0]]})


STANDARD = {"distribution": "normal", "loc": 0.0, "scale": 1.0}
BOTH = "distribution_kl_divergence"


def test_one_distribution_of_numbers_has_one_value() -> None:
    other = {"distribution": "normal", "loc": 1.0, "scale": 2.0}
    assert value(BOTH, {"p": STANDARD, "q": other}) == pytest.approx(math.log(2) + 2 / 8 - 0.5)
    assert np.shape(value(BOTH, {"p": STANDARD, "q": other}, reduction="none")) == ()


def test_impossible_outcomes_add_nothing_or_infinity() -> None:
    p = {"distribution": "bernoulli", "probs": [0.0, 1.0, 0.5, 0.0]}
    q = {"distribution": "bernoulli", "probs": [0.5, 1.0, 1.0, 1.0]}
    found = value(BOTH, {"p": p, "q": q}, reduction="none")
    np.testing.assert_allclose(found, [math.log(2), 0.0, math.inf, math.inf])
    far = {"distribution": "bernoulli", "logits": [200.0]}
    near = {"distribution": "bernoulli", "logits": [-200.0]}
    assert value(BOTH, {"p": far, "q": near}) == pytest.approx(200.0)


def test_probabilities_of_classes_are_divided_by_their_sum() -> None:
    p = {"distribution": "categorical", "probs": [[1.0, 3.0]]}
    q = {"distribution": "categorical", "logits": [[0.0, math.log(3.0)]]}
    assert value(BOTH, {"p": p, "q": q}) == pytest.approx(0.0, abs=1e-15)


def test_weights_and_reductions_are_those_of_every_loss() -> None:
    p = {"distribution": "normal", "loc": [1.0, 2.0], "scale": [1.0, 1.0]}
    assert value(BOTH, {"p": p, "q": STANDARD}, reduction="sum", weight=np.array([2.0, 1.0])) == 3.0


@pytest.mark.parametrize(
    ("q", "error", "message"),
    [
        (None, ParameterError, r"a distribution and its parameters, as an object, got nothing - at \$\.q"),
        ([1.0], ParameterError, r"as an object, got no object - at \$\.q"),
        ({"loc": 0.0, "scale": 1.0}, ParameterError, r"one of normal, bernoulli, .* got None - at \$\.q\.distribution"),
        ({**STANDARD, "distribution": "cauchy"}, ParameterError, r"got 'cauchy' - at \$\.q\.distribution"),
        ({"distribution": "normal", "loc": 0.0}, ParameterError, r"loc and scale, got loc - at \$\.q"),
        ({**STANDARD, "rate": 1.0}, ParameterError, r"got unknown key 'rate' - at \$\.q\.rate"),
        ({**STANDARD, "scale": [1.0, -1.0]}, DomainError, r"a number >= 0, got -1 - at \$\.q\.scale\[1\]"),
        ({**STANDARD, "scale": [1.0] * 3}, ShapeError, r"at \$\.q\.scale"),
        ({"distribution": "bernoulli", "probs": [0.0, 2.0]}, DomainError, r"got 2 - at \$\.q\.probs\[1\]"),
        ({"distribution": "gamma", "concentration": 1.0, "rate": 1.0}, Unsupported, r"got 'gamma' - at \$\.q\.distr"),
    ],
)
def test_a_fault_in_a_distribution_is_placed_where_it_is(q: Any, error: type[LossError], message: str) -> None:
    p = {"distribution": "bernoulli", "probs": [0.5, 0.5]} if error is DomainError and "prob" in message else None
    given = {"p": p or {"distribution": "normal", "loc": [0.0, 1.0], "scale": [1.0, 2.0]}, "q": q}
    with pytest.raises(error, match=message):
        value(BOTH, given)


def test_an_object_is_no_tensor() -> None:
    with pytest.raises(ParameterError, match=r"prediction as one tensor, got an object - at \$\.prediction"):
        engine.run(engine.Call(registry.get("loss", "huber"), {"prediction": STANDARD, "target": np.ones(1)}))
    with pytest.raises(UnknownKey):
        value(BOTH, {"p": STANDARD, "q": STANDARD, "r": 1.0})


def test_the_gradient_is_put_together_as_the_request_was() -> None:
    p = {"distribution": "gamma", "concentration": [2.0, 3.0], "rate": [1.0, 1.0]}
    q = {"distribution": "gamma", "concentration": 2.0, "rate": 1.0}
    reply = engine.compute(BOTH, {"p": p, "q": q}, returns=("value", "gradient"), reduction="sum").reply()
    assert set(reply["gradient"]) == {"p", "q"}
    assert reply["gradient"]["q"]["rate"].shape == ()
    np.testing.assert_allclose(reply["gradient"]["p"]["concentration"], [0.0, math.pi**2 / 6 - 1.25], atol=1e-12)
