"""Keras' metrics after one update: labels, scores, weights, and what lies on a threshold."""

from typing import Any

import numpy as np
import pytest

from lossapi.engine import compute
from tests.parity.peers import agree, expected

Arguments = dict[str, Any]

RNG = np.random.default_rng(0)
LABELS, SCORES = RNG.integers(0, 2, 40), RNG.integers(0, 21, 40) / 20
WEIGHTS: list[Any] = [None, np.arange(40) / 16]  # whose sums are exact, in whatever order
every_weight = pytest.mark.parametrize("weight", WEIGHTS, ids=["plain", "weighted"])


def weighed(weight: Any) -> Arguments:
    """The weights, if there are any."""
    return {} if weight is None else {"sample_weight": weight}


def held(function: str, arguments: Arguments) -> None:
    """Keras' scores are ours, its thresholds in single precision."""
    agree("keras", f"metrics.{function}", arguments, rtol=2e-6, atol=1e-6)


@every_weight
@pytest.mark.parametrize(
    "function", ["Precision", "Recall", *(f"{a}{b}" for a in ("True", "False") for b in ("Positives", "Negatives"))]
)
def test_counts_at_a_threshold_are_kerass(function: str, weight: Any) -> None:
    for limits in (None, 0.25, [0.5], 0.0, 1.0):
        held(function, {"y_true": LABELS, "y_pred": SCORES, "thresholds": limits, **weighed(weight)})
    held(function, {"y_true": LABELS.reshape(8, 5), "y_pred": SCORES.reshape(8, 5)})
    held(function, {"y_true": np.zeros(4, int), "y_pred": np.zeros(4)})


@every_weight
def test_accuracies_are_kerass(weight: Any) -> None:
    rng = np.random.default_rng(1)
    y, p, scores = rng.integers(0, 4, 40), rng.integers(0, 4, 40), rng.integers(0, 9, (40, 4)) / 9
    held("Accuracy", {"y_true": y, "y_pred": p, **weighed(weight)})
    held("Accuracy", {"y_true": y.reshape(10, 4), "y_pred": p.reshape(10, 4)})
    held("BinaryAccuracy", {"y_true": LABELS, "y_pred": SCORES, **weighed(weight)})
    held("BinaryAccuracy", {"y_true": LABELS.reshape(8, 5), "y_pred": SCORES.reshape(8, 5), "threshold": 0.25})
    held("CategoricalAccuracy", {"y_true": np.eye(4)[y], "y_pred": scores, **weighed(weight)})
    held("SparseCategoricalAccuracy", {"y_true": y, "y_pred": scores, **weighed(weight)})
    held("SparseCategoricalAccuracy", {"y_true": y[:, None], "y_pred": scores})


@every_weight
def test_overlaps_are_kerass(weight: Any) -> None:
    rng = np.random.default_rng(2)
    y, p, scores = rng.integers(0, 3, 40), rng.integers(0, 4, 40), rng.random((40, 5))
    held("MeanIoU", {"y_true": y, "y_pred": p, "num_classes": 5, **weighed(weight)})
    held("MeanIoU", {"y_true": y, "y_pred": p, "num_classes": 5, "ignore_class": 1, **weighed(weight)})
    held("MeanIoU", {"y_true": y, "y_pred": scores, "num_classes": 5, "sparse_y_pred": False})
    held("OneHotMeanIoU", {"y_true": np.eye(5)[y], "y_pred": scores, "num_classes": 5, **weighed(weight)})


def test_images_are_pooled_as_kerass() -> None:
    y, p = np.random.default_rng(3).integers(0, 3, (2, 4, 6, 6))
    held("MeanIoU", {"y_true": y, "y_pred": p, "num_classes": 3})


def test_images_by_themselves_are_torchmetrics() -> None:
    target, preds = np.random.default_rng(4).integers(0, 3, (2, 7, 5, 5))
    target[0], preds[0] = 0, 0
    told = {"preds": preds, "target": target, "num_classes": 4, "input_format": "index"}
    theirs = expected("torchmetrics", "mean_iou", told)
    ours = compute("mean_iou", {"prediction": preds, "target": target}, {"per_sample": True}).value
    assert ours == pytest.approx(float(np.mean(theirs)), rel=1e-6)


AREAS = [(curve, method) for curve in ("ROC", "PR", "PRGAIN") for method in ("interpolation", "minoring", "majoring")]


@every_weight
@pytest.mark.parametrize(("curve", "method"), AREAS)
def test_areas_between_thresholds_are_kerass(curve: str, method: str, weight: Any) -> None:
    told = {"y_true": LABELS, "curve": curve, "summation_method": method, **weighed(weight)}
    for scores in (SCORES, np.random.default_rng(5).random(40), np.full(40, 0.5)):
        for count in (200, 11):
            held("AUC", {**told, "y_pred": scores, "num_thresholds": count})
    held("AUC", {**told, "y_pred": 6.0 * SCORES - 3.0, "from_logits": True})


def test_the_area_of_one_class_or_several_labels_is_kerass() -> None:
    held("AUC", {"y_true": np.ones(5), "y_pred": np.linspace(0.0, 1.0, 5)})
    several = {"y_true": LABELS.reshape(8, 5), "y_pred": SCORES.reshape(8, 5)}
    held("AUC", several)
    held("AUC", {**several, "multi_label": True, "num_labels": 5})


HELD = {
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
}


@every_weight
@pytest.mark.parametrize("function", HELD)
def test_operating_points_are_kerass(function: str, weight: Any) -> None:
    for bound in (0.0, 0.3, 0.9, 1.0):
        for scores in (SCORES, np.random.default_rng(6).random(40)):
            told = {"y_true": LABELS, "y_pred": scores, HELD[function]: bound, **weighed(weight)}
            held(function, told)
            held(function, {**told, "num_thresholds": 21})


@every_weight
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_of_classes_is_kerass(average: str | None, weight: Any) -> None:
    rng = np.random.default_rng(7)
    scores, truths = rng.integers(0, 6, (40, 4)) / 5, rng.integers(0, 2, (40, 4)) * np.array([1, 1, 1, 0])
    for limit in (None, 0.4):
        told = {"y_true": truths, "y_pred": scores, "average": average, "threshold": limit, **weighed(weight)}
        held("F1Score", told)
        held("FBetaScore", {**told, "beta": 0.5})
