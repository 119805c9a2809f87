"""What trips metrics up, drawn from seeds: one class alone, classes that are absent from either side, constant targets,
ties, weights of zero, several labels a row; few rows and many.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Arguments = dict[str, Any]
Random = np.random.Generator
Draw = Callable[[Random], Arguments]

CLASSES = 4


def rows(rng: Random) -> int:
    """A number of rows, often small."""
    return int(rng.choice([2, 3, 7, 20, 60]))


def weights(rng: Random, size: int) -> Any:
    """Weights of which some are zero, but not all."""
    found = rng.choice([0.0, 0.5, 1.0, 2.25], size)
    found[rng.integers(size)] = 1.5
    return found


def of_classes(rng: Random, *, true: list[int], called: list[int]) -> Arguments:
    """Labels of some classes, and predictions of some."""
    size = rows(rng)
    return {"y": rng.choice(true, size), "p": rng.choice(called, size), "w": weights(rng, size)}


LABELS: dict[str, Draw] = {
    "any": lambda rng: of_classes(rng, true=[0, 1, 2, 3], called=[0, 1, 2, 3]),
    "one class true": lambda rng: of_classes(rng, true=[2], called=[0, 1, 2, 3]),
    "one class called": lambda rng: of_classes(rng, true=[0, 1, 2, 3], called=[3]),
    "one class alone": lambda rng: of_classes(rng, true=[1], called=[1]),
    "absent classes": lambda rng: of_classes(rng, true=[0, 2], called=[2, 3]),
    "apart": lambda rng: of_classes(rng, true=[0, 1], called=[2, 3]),
}


def of_scores(rng: Random, true: list[int], steps: int) -> Arguments:
    """Two labels, or one, and probabilities in so many steps: few steps make ties."""
    size = rows(rng)
    return {"y": rng.choice(true, size), "p": rng.integers(0, steps + 1, size) / steps, "w": weights(rng, size)}


SCORES: dict[str, Draw] = {
    "any": lambda rng: of_scores(rng, [0, 1], 1 << 20),
    "ties": lambda rng: of_scores(rng, [0, 1], 4),
    "two scores": lambda rng: of_scores(rng, [0, 1], 1),
    "one score": lambda rng: {**of_scores(rng, [0, 1], 1), "p": np.full(20, 0.5), "y": np.arange(20) % 2, "w": None},
    "positives alone": lambda rng: of_scores(rng, [1], 8),
    "negatives alone": lambda rng: of_scores(rng, [0], 8),
}


def of_class_scores(rng: Random, true: list[int], steps: int) -> Arguments:
    """Labels, and probabilities of every class."""
    size = rows(rng)
    score = rng.integers(1, steps + 1, (size, CLASSES)) / steps
    score /= score.sum(axis=1, keepdims=True)
    return {"y": rng.choice(true, size), "p": score, "w": weights(rng, size)}


CLASS_SCORES: dict[str, Draw] = {
    "any": lambda rng: of_class_scores(rng, [0, 1, 2, 3], 1 << 20),
    "ties": lambda rng: of_class_scores(rng, [0, 1, 2, 3], 2),
    "one class": lambda rng: of_class_scores(rng, [2], 8),
    "absent classes": lambda rng: of_class_scores(rng, [0, 3], 8),
}


def of_label_sets(rng: Random, true: float, steps: int) -> Arguments:
    """Several labels a row, of which a share is true, the last never, and their probabilities."""
    size = rows(rng)
    truth = (rng.random((size, CLASSES)) < true).astype(np.int64)
    truth[:, -1] = 0
    return {"y": truth, "p": rng.integers(0, steps + 1, truth.shape) / steps, "w": weights(rng, size)}


LABEL_SETS: dict[str, Draw] = {
    "any": lambda rng: of_label_sets(rng, 0.5, 1 << 20),
    "ties": lambda rng: of_label_sets(rng, 0.5, 3),
    "all true": lambda rng: of_label_sets(rng, 1.0, 5),
    "none true": lambda rng: of_label_sets(rng, 0.0, 5),
}


def of_numbers(rng: Random, spread: float, offset: float, shape: tuple[int, ...] = ()) -> Arguments:
    """Targets, and predictions near them; a spread of 0 makes the target constant."""
    size = rows(rng)
    target = offset + spread * rng.normal(size=(size, *shape))
    return {"y": target, "p": target + rng.normal(size=target.shape), "w": weights(rng, size)}


NUMBERS: dict[str, Draw] = {
    "any": lambda rng: of_numbers(rng, 1.0, 0.0),
    "several outputs": lambda rng: of_numbers(rng, 1.0, 0.0, (3,)),
    "constant": lambda rng: of_numbers(rng, 0.0, 2.0),
    "far from zero": lambda rng: of_numbers(rng, 1.0, 1e4),
    "ties": lambda rng: {name: np.round(each) for name, each in of_numbers(rng, 2.0, 0.0).items()},
    "met": lambda rng: (lambda drawn: {**drawn, "p": drawn["y"].copy()})(of_numbers(rng, 1.0, 0.0)),
    "positive": lambda rng: {name: np.abs(each) + 0.25 for name, each in of_numbers(rng, 1.0, 3.0).items()},
}
