"""Losses that keras.metrics has as metrics: the same values, divided by the sum of the weights."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

SIGNED = ["Hinge", "SquaredHinge", "CategoricalHinge"]
DENSE = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence"]


def both(function: str, given: dict[str, Any], rows: tuple[int, ...]) -> None:
    """Without weights, with some, with none that count."""
    agree("keras", f"metrics.{function}", given, rtol=1e-5)
    weight = np.random.default_rng(0).choice([0.0, 0.5, 3.0], rows)
    for each in (weight, 0.0 * weight):
        agree("keras", f"metrics.{function}", {**given, "sample_weight": each}, rtol=1e-5)


@pytest.mark.parametrize("function", SIGNED)
def test_hinges_are_keras(function: str) -> None:
    rng = np.random.default_rng(1)
    target = np.eye(4)[rng.integers(0, 4, 12)] if "Categorical" in function else rng.choice([-1.0, 1.0], (12, 4))
    both(function, {"y_true": target, "y_pred": rng.normal(size=(12, 4))}, (12,))


@pytest.mark.parametrize("function", DENSE)
@pytest.mark.parametrize("shape", [(12,), (3, 5)])
def test_entropies_are_keras(function: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    target, prediction = rng.dirichlet(np.ones(4), (2, *shape))
    prediction[0] = np.eye(4)[0]
    both(function, {"y_true": target, "y_pred": prediction}, shape)
    if function != "KLDivergence":
        logits = {"y_true": target, "y_pred": rng.normal(size=(*shape, 4)), "from_logits": True}
        both(function, {**logits, "label_smoothing": 0.1}, shape)


def test_sparse_entropies_are_keras() -> None:
    rng = np.random.default_rng(3)
    labels, prediction = rng.integers(0, 4, 12), rng.dirichlet(np.ones(4), 12)
    both("SparseCategoricalCrossentropy", {"y_true": labels, "y_pred": prediction}, (12,))
