"""Inputs for the kernels: float32 arrays of the sizes that are timed, the same for both sides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = dict[str, Array]
Random = np.random.Generator


@dataclass(frozen=True)
class Size:
    """How much of everything: elements where there are no classes, else rows, classes and dimensions."""

    elements: int
    rows: int
    sequences: int
    classes: int = 100
    dim: int = 64
    time: int = 300
    length: int = 30


Maker = Callable[[Random, Size], Arrays]
FULL = Size(elements=4_000_000, rows=65_536, sequences=128)
QUICK = Size(elements=400_000, rows=6_554, sequences=16)


def normal(random: Random, *shape: int) -> Array:
    """Standard normal float32."""
    return random.standard_normal(shape, dtype=np.float32)


def softmax(scores: Array) -> Array:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def pairs(random: Random, size: Size) -> Arrays:
    """Real predictions and real targets."""
    return {"prediction": normal(random, size.elements), "target": normal(random, size.elements)}


def binary(random: Random, size: Size) -> Array:
    """Targets 0 and 1, as float32."""
    return random.integers(0, 2, size.elements).astype(np.float32)


def probabilities(random: Random, size: Size) -> Arrays:
    """Probabilities away from 0 and 1, and binary targets."""
    prediction = random.uniform(0.01, 0.99, size.elements).astype(np.float32)
    return {"prediction": prediction, "target": binary(random, size)}


def logits(random: Random, size: Size) -> Arrays:
    """Raw scores and binary targets."""
    return {"prediction": 3 * normal(random, size.elements), "target": binary(random, size)}


def signs(random: Random, size: Size) -> Arrays:
    """Raw scores and targets -1 and 1."""
    return {"prediction": normal(random, size.elements), "target": 2 * binary(random, size) - 1}


def labels(random: Random, size: Size) -> Array:
    """Class indices."""
    return random.integers(0, size.classes, size.rows)


def one_hot(random: Random, size: Size) -> Array:
    """Class indices as float32 rows of zeros and a one."""
    return np.eye(size.classes, dtype=np.float32)[labels(random, size)]


def class_logits(random: Random, size: Size) -> Arrays:
    """Raw scores of classes and class indices."""
    return {"prediction": 2 * normal(random, size.rows, size.classes), "target": labels(random, size)}


def class_probabilities(random: Random, size: Size) -> Arrays:
    """Probabilities of classes and class indices."""
    return {**class_logits(random, size), "prediction": softmax(2 * normal(random, size.rows, size.classes))}


def dense_logits(random: Random, size: Size) -> Arrays:
    """Raw scores of classes and target distributions."""
    prediction, target = (2 * normal(random, size.rows, size.classes) for _ in range(2))
    return {"prediction": prediction, "target": softmax(target)}


def dense_probabilities(random: Random, size: Size) -> Arrays:
    """Predicted and target distributions."""
    return {name: softmax(values) for name, values in dense_logits(random, size).items()}


def one_hot_logits(random: Random, size: Size) -> Arrays:
    """Raw scores of classes and one-hot targets."""
    return {"prediction": 2 * normal(random, size.rows, size.classes), "target": one_hot(random, size)}


def one_hot_probabilities(random: Random, size: Size) -> Arrays:
    """Probabilities of classes and one-hot targets."""
    arrays = one_hot_logits(random, size)
    return {**arrays, "prediction": softmax(arrays["prediction"])}


def embedding_pairs(random: Random, size: Size) -> Arrays:
    """Pairs of points, near the margin, and whether they are of one kind."""
    first = normal(random, size.rows, size.dim)
    second = first + 0.12 * normal(random, size.rows, size.dim)
    return {"input1": first, "input2": second, "target": binary(random, size)[: size.rows]}


def triplets(random: Random, size: Size) -> Arrays:
    """Anchors with a positive and a negative at similar distances."""
    anchor = normal(random, size.rows, size.dim)
    near, far = (0.12 * normal(random, size.rows, size.dim) for _ in range(2))
    return {"anchor": anchor, "positive": anchor + near, "negative": anchor + far}


def centers(random: Random, size: Size) -> Arrays:
    """Points, their labels and one center for each class."""
    points, means = normal(random, size.rows, size.dim), normal(random, size.classes, size.dim)
    return {"embedding": points, "label": labels(random, size), "center": means}


def faces(random: Random, size: Size) -> Arrays:
    """Points, their labels and one direction for each class."""
    arrays = centers(random, size)
    arrays["class_embedding"] = arrays.pop("center")
    return arrays


def sequences(random: Random, size: Size) -> Arrays:
    """Log-probabilities over time, and shorter label sequences without blanks."""
    scores = normal(random, size.sequences, size.time, size.classes)
    return {
        "prediction": np.log(softmax(scores)),
        "target": random.integers(1, size.classes, (size.sequences, size.length)),
        "input_length": np.full(size.sequences, size.time),
        "target_length": random.integers(size.length // 2, size.length + 1, size.sequences),
    }


def normals(random: Random, size: Size) -> Arrays:
    """The locations and scales of two normal distributions each."""
    points = size.elements // 4
    arrays: Arrays = {}
    for name in "pq":
        arrays[f"{name}_loc"] = normal(random, points)
        arrays[f"{name}_scale"] = np.exp(0.3 * normal(random, points))
    return arrays
