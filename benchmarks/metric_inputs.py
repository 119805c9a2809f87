"""Inputs for the metrics: so many rows of labels, scores or numbers, the same for every side."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Maker = Callable[[np.random.Generator, int, type], Arrays]
CLASSES = 10
WRONG = 0.3
"""How often a predicted label is drawn anew."""


def labels(random: np.random.Generator, rows: int, _dtype: type) -> Arrays:
    """Predicted and true classes, mostly the same."""
    target = random.integers(0, CLASSES, rows)
    drawn = random.integers(0, CLASSES, rows)
    return {"prediction": np.where(random.random(rows) < WRONG, drawn, target), "target": target}


def answers(random: np.random.Generator, rows: int, _dtype: type) -> Arrays:
    """Predicted and true classes, of which there are two."""
    target = random.integers(0, 2, rows)
    return {"prediction": np.where(random.random(rows) < WRONG, 1 - target, target), "target": target}


def chances(random: np.random.Generator, rows: int, dtype: type) -> Arrays:
    """The probability of one of two classes, greater where that is the true one."""
    target = random.integers(0, 2, rows)
    logit = random.standard_normal(rows) + 1.5 * target - 0.75
    return {"prediction": (1.0 / (1.0 + np.exp(-logit))).astype(dtype), "target": target}


def distributions(random: np.random.Generator, rows: int, dtype: type) -> Arrays:
    """The probabilities of several classes, that of the true one mostly greater."""
    target = random.integers(0, CLASSES, rows)
    score = random.standard_normal((rows, CLASSES))
    score[np.arange(rows), target] += 1.0
    powers = np.exp(score)
    return {"prediction": (powers / powers.sum(axis=1, keepdims=True)).astype(dtype), "target": target}


def numbers(random: np.random.Generator, rows: int, dtype: type) -> Arrays:
    """Real targets, away from 0, and predictions that follow them."""
    target = 10.0 + random.standard_normal(rows)
    return {"prediction": (target + 0.5 * random.standard_normal(rows)).astype(dtype), "target": target.astype(dtype)}
