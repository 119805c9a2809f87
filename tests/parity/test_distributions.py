"""Divergences of distributions beside torch.distributions; TensorFlow 1's conventions by hand."""

from typing import Any

import numpy as np
import pytest

from lossapi import LossError, engine, like
from lossapi.errors import NonFiniteError
from tests.parity.peers import equal

KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "normal": ("Normal", {"loc": "real", "scale": "positive"}),
    "bernoulli": ("Bernoulli", {"probs": "fraction"}),
    "bernoulli logits": ("Bernoulli", {"logits": "real"}),
    "categorical": ("Categorical", {"probs": "fractions"}),
    "categorical logits": ("Categorical", {"logits": "reals"}),
    "beta": ("Beta", {"concentration1": "positive", "concentration0": "positive"}),
    "gamma": ("Gamma", {"concentration": "positive", "rate": "positive"}),
    "dirichlet": ("Dirichlet", {"concentration": "positives"}),
}


def drawn(kind: str, rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    """A distribution of a kind, its parameters of a shape, at its edges here and there."""
    found: dict[str, Any] = {"distribution": kind.split()[0]}
    for name, what in KINDS[kind][1].items():
        size = (*shape, 4) if what.endswith("s") else shape
        if what.startswith("real"):
            values = 3 * rng.normal(size=size) + rng.choice([0.0, 10.0], size, p=[0.9, 0.1])
        elif what.startswith("positive"):
            values = np.exp(2 * rng.normal(size=size))
        else:
            values = rng.uniform(size=size) * rng.choice([0.0, 1.0], size, p=[0.15, 0.85])
            values = values if what == "fraction" else values + (np.arange(4) == 3)
        found[name] = np.asarray(values, dtype)
    return found


def hold(ours: Any, p: dict[str, Any], q: dict[str, Any], name: str, rtol: float = 1e-10, atol: float = 1e-11) -> None:
    """Hold a divergence against torch.distributions.kl_divergence of the two."""

    def ask() -> Any:
        import torch

        make = getattr(torch.distributions, name)
        one, two = (make(**{k: torch.tensor(v) for k, v in d.items() if k != "distribution"}) for d in (p, q))
        return torch.distributions.kl_divergence(one, two)

    told = {f"{side}.{k}": v for side, d in (("p", p), ("q", q)) for k, v in d.items()}
    equal(ours, "torch", f"distributions.{name}", told, ask, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_divergences_are_those_of_torch_distributions(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((7,), (2, 3), (1,), ()):
        p, q = drawn(kind, rng, shape, dtype), drawn(kind, rng, shape, dtype)
        ours = engine.compute("distribution_kl_divergence", {"p": p, "q": q}, reduction="none").value
        rtol, atol = (1e-10, 1e-11) if dtype == "float64" else (1e-5, 2e-5)
        hold(ours, p, q, KINDS[kind][0], rtol, atol)
        assert np.asarray(ours).dtype == dtype
        same = engine.compute("distribution_kl_divergence", {"p": p, "q": p}, reduction="none").value
        np.testing.assert_allclose(same, 0.0, atol=1e-4 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_one_distribution_may_stand_for_all_rows(kind: str) -> None:
    rng = np.random.default_rng(1)
    p, q = drawn(kind, rng, (5,), "float64"), drawn(kind, rng, (), "float64")
    for one, two in ((p, q), (q, p)):
        ours = engine.compute("distribution_kl_divergence", {"p": one, "q": two}, reduction="none").value
        hold(ours, one, two, KINDS[kind][0])


@pytest.mark.parametrize("kind", KINDS)
def test_tensorflow_1_broadcasts_parameters(kind: str) -> None:
    rng = np.random.default_rng(2)
    p, q = drawn(kind, rng, (3, 1), "float64"), drawn(kind, rng, (4,), "float64")
    for group in (p, q):
        group |= {name: np.where(group[name] == 0, 0.5, group[name]) for name in group if name != "distribution"}
    given = {"distribution_a": p, "distribution_b": q}
    ours = like.compute("tf1", "distributions.kl_divergence", given).value
    for (i, j), value in np.ndenumerate(ours):
        one = {name: array[i, 0] if name != "distribution" else array for name, array in p.items()}
        two = {name: array[j] if name != "distribution" else array for name, array in q.items()}
        hold(value, one, two, KINDS[kind][0])
    older = like.compute("tf1", "contrib.distributions.kl", {"dist_a": p, "dist_b": q, "allow_nan": True}).value
    np.testing.assert_array_equal(older, ours)


def test_tensorflow_1_gives_nan_for_what_cannot_happen_or_refuses_it() -> None:
    p = {"distribution": "bernoulli", "probs": [0.0, 0.5, 1.0, 0.25]}
    q = {"distribution": "bernoulli", "probs": [0.5, 0.5, 1.0, 0.0]}
    found = like.compute("tf1", "distributions.kl_divergence", {"distribution_a": p, "distribution_b": q}).value
    np.testing.assert_array_equal(found, [np.nan, 0.0, np.nan, np.inf])
    classes = {"distribution": "categorical", "probs": [[0.0, 1.0], [0.5, 0.5]]}
    given = {"distribution_a": classes, "distribution_b": classes}
    np.testing.assert_array_equal(like.compute("tf1", "distributions.kl_divergence", given).value, [np.nan, 0.0])
    for function, forbidden in (
        ("distributions.kl_divergence", {**given, "allow_nan_stats": False}),
        ("contrib.distributions.kl", {"dist_a": classes, "dist_b": classes}),
        ("contrib.distributions.kl", {"dist_a": classes, "dist_b": classes, "allow_nan_stats": False}),
    ):
        with pytest.raises(NonFiniteError):
            like.compute("tf1", function, forbidden)
    finite = {"dist_a": q, "dist_b": {**q, "probs": [0.5, 0.25, 0.0, 0.0]}}
    with pytest.raises(NonFiniteError):
        like.compute("tf1", "contrib.distributions.kl", finite)


def test_tensorflow_1_checks_no_parameter() -> None:
    p = {"distribution": "normal", "loc": [0.0, 1.0], "scale": [-1.0, 1.0]}
    q = {"distribution": "normal", "loc": [0.0], "scale": [1.0]}
    found = like.compute("tf1", "distributions.kl_divergence", {"distribution_a": p, "distribution_b": q}).value
    np.testing.assert_array_equal(np.isnan(found), [True, False])
    other = {"distribution": "gamma", "concentration": [1.0], "rate": [1.0]}
    with pytest.raises(LossError, match=r"one kind .* - at \$\.distribution_b\.distribution"):
        like.compute("tf1", "distributions.kl_divergence", {"distribution_a": p, "distribution_b": other})


def test_the_gradient_has_the_librarys_names_and_the_shapes_that_were_given() -> None:
    p: dict[str, Any] = {"distribution": "normal", "loc": np.array([[0.0], [2.0]]), "scale": np.ones((2, 1))}
    q: dict[str, Any] = {"distribution": "normal", "loc": np.array([0.5, 1.0, 2.0]), "scale": np.array(1.0)}
    given = {"distribution_a": p, "distribution_b": q}
    reply = like.compute("tf1", "distributions.kl_divergence", given, returns=("value", "gradient")).reply()
    gap = p["loc"] - q["loc"]
    np.testing.assert_allclose(reply["gradient"]["distribution_a"]["loc"], gap.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(reply["gradient"]["distribution_b"]["loc"], -gap.sum(axis=0))
    np.testing.assert_allclose(reply["gradient"]["distribution_b"]["scale"], (1.0 - 1.0 - gap**2).sum())
