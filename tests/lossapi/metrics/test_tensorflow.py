"""TensorFlow 1's metrics after one update, by hand: it is not to be had any more."""

from typing import Any

import numpy as np
import pytest

from lossapi import like

LABELS, CALLS = [1, 0, 1, 1, 0], [1, 1, 0, 1, 0]
SCORES = [0.9, 0.6, 0.4, 0.75, 0.1]


def tf1(function: str, **arguments: Any) -> Any:
    """The value that stands for the function's."""
    return like.compute("tf1", f"metrics.{function}", arguments).value


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("accuracy", 3 / 5),
        ("precision", 2 / 3),
        ("recall", 2 / 3),
        ("true_positives", 2),
        ("false_positives", 1),
        ("true_negatives", 1),
        ("false_negatives", 1),
    ],
)
def test_counts_of_labels(function: str, value: float) -> None:
    """tp 2, fp 1, tn 1, fn 1."""
    assert tf1(function, labels=LABELS, predictions=CALLS) == pytest.approx(value)


def test_anything_but_0_is_true() -> None:
    assert tf1("precision", labels=[2, 0, 7], predictions=[0.5, -1.0, 0.0]) == 0.5


def test_weights_of_rows_are_those_of_all_that_is_in_them() -> None:
    """Right are the first of the first row (weight 3) and both of the second (weight 1): 5 of 8."""
    pair = {"labels": [[1, 0], [1, 1]], "predictions": [[1, 1], [1, 1]]}
    assert tf1("accuracy", **pair, weights=[[3.0], [1.0]]) == 5 / 8


def test_a_class_that_no_label_has_counts_as_0() -> None:
    """Class 0 is found in 1 of 2, class 1 in 1 of 1, class 2 is not there: (½ + 1 + 0) / 3."""
    labels = {"labels": [0, 0, 1], "predictions": [0, 1, 1]}
    assert tf1("mean_per_class_accuracy", **labels, num_classes=3) == pytest.approx(0.5)
    # Overlaps are 1/2 and 1/2; the class that is in neither is left out.
    assert tf1("mean_iou", **labels, num_classes=3) == pytest.approx(0.5)


def test_ratios_at_thresholds() -> None:
    """Above .5 lie .9 and .75 (positive) and .6; above .75 lies .9 alone: what equals a threshold is not above it."""
    scored = {"labels": LABELS, "predictions": SCORES, "thresholds": [0.75, 0.5]}
    assert tf1("precision_at_thresholds", **scored).tolist() == pytest.approx([1.0, 2 / 3])
    assert tf1("recall_at_thresholds", **scored).tolist() == pytest.approx([1 / 3, 2 / 3])


def test_the_area_adds_a_little_to_counts() -> None:
    """Three thresholds (0, ½, 1): tp 3, 2, 0 of 3 and fp 2, 1, 0 of 2, each with 1e-6 more."""
    little = 1e-6
    recall = (np.array([3.0, 2.0, 0.0]) + little) / (3 + little)
    wrong = np.array([2.0, 1.0, 0.0]) / (2 + little)
    area = float(((wrong[:-1] - wrong[1:]) * (recall[:-1] + recall[1:]) / 2).sum())
    assert tf1("auc", labels=LABELS, predictions=SCORES, num_thresholds=3) == pytest.approx(area, rel=1e-12)
