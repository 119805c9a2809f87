"""Top-k, calibration and the ranking of labels beside scikit-learn, torchmetrics and Keras."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

Arguments = dict[str, Any]

CLASSES = 4


def of_classes(levels: int, rows: int = 50) -> tuple[Any, Any]:
    """Labels and scores, the fewer levels the more ties."""
    rng = np.random.default_rng(levels)
    return rng.integers(0, CLASSES, rows), rng.integers(0, levels, (rows, CLASSES)) / levels


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("levels", [3, 1000])
def test_top_k_is_sklearns_and_keras(k: int, levels: int) -> None:
    y, score = of_classes(levels)
    given: Arguments = {"y_true": y, "y_score": score, "k": k}
    agree("sklearn", "top_k_accuracy_score", given)
    agree("sklearn", "top_k_accuracy_score", {**given, "sample_weight": np.linspace(0.0, 2.0, 50)})
    agree("sklearn", "top_k_accuracy_score", {**given, "normalize": False})
    agree("sklearn", "top_k_accuracy_score", {**given, "y_true": 10 * y})
    agree("sklearn", "top_k_accuracy_score", {**given, "y_true": y % 3})
    agree("sklearn", "top_k_accuracy_score", {**given, "y_true": y % 3, "labels": [0, 1, 2, 3]})
    agree("sklearn", "top_k_accuracy_score", {**given, "y_true": y % 2, "labels": [0, 1, 2, 3]})
    agree("sklearn", "top_k_accuracy_score", {**given, "y_true": y % 2})
    if k <= CLASSES:
        theirs = {"y_true": y, "y_pred": score, "k": k}
        agree("keras", "metrics.SparseTopKCategoricalAccuracy", theirs, rtol=1e-6)
        weighted = {**theirs, "sample_weight": np.linspace(0.0, 2.0, 50)}
        agree("keras", "metrics.SparseTopKCategoricalAccuracy", weighted, rtol=1e-6)
        agree("keras", "metrics.TopKCategoricalAccuracy", {**theirs, "y_true": np.eye(CLASSES)[y]}, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_top_k_of_two_classes_is_sklearns(k: int, shift: float) -> None:
    rng = np.random.default_rng(0)
    y, score = rng.integers(0, 2, 30), rng.random(30) - shift / 2
    for given in ({"y_true": y}, {"y_true": 3 * y + 1}, {"y_true": np.ones(30, int), "labels": [0, 1]}):
        agree("sklearn", "top_k_accuracy_score", {**given, "y_score": score, "k": k})


BINNED: list[Any] = [
    np.random.default_rng(1).random(80),
    np.random.default_rng(2).integers(0, 11, 80) / 10,
    np.full(80, 0.5),
    np.ones(80),
    np.zeros(80),
]


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("bins", [1, 5, 15])
@pytest.mark.parametrize("score", range(len(BINNED)))
def test_calibration_is_torchmetrics(score: int, bins: int, norm: str) -> None:
    target = np.random.default_rng(3).integers(0, 2, 80)
    given: Arguments = {"preds": BINNED[score], "target": target, "n_bins": bins, "norm": norm}
    agree("torchmetrics", "binary_calibration_error", given, rtol=1e-9)
    agree("torchmetrics", "calibration_error", {**given, "task": "binary"}, rtol=1e-9)
    ignored = {**given, "target": np.where(np.arange(80) % 4 == 0, -1, target), "ignore_index": -1}
    agree("torchmetrics", "binary_calibration_error", ignored, rtol=1e-9)
    y, scores = of_classes(7)
    classes = {"preds": scores, "target": y, "n_bins": bins, "norm": norm, "num_classes": CLASSES}
    agree("torchmetrics", "multiclass_calibration_error", classes, rtol=1e-9)
    agree("torchmetrics", "calibration_error", {**classes, "task": "multiclass"}, rtol=1e-9)


@pytest.mark.parametrize("bins", [1, 4, 10])
@pytest.mark.parametrize("score", range(len(BINNED)))
def test_the_calibration_curve_is_sklearns(score: int, bins: int) -> None:
    y = np.random.default_rng(4).integers(0, 2, 80)
    agree("sklearn", "calibration_curve", {"y_true": y, "y_prob": BINNED[score], "n_bins": bins})
    agree("sklearn", "calibration_curve", {"y_true": y, "y_prob": BINNED[score], "n_bins": bins, "pos_label": 0})
    agree("sklearn", "calibration_curve", {"y_true": 2 * y - 1, "y_prob": BINNED[score] - 0.5, "n_bins": bins})


RANKED = {
    "coverage_error": "coverage_error",
    "label_ranking_average_precision_score": "ranking_average_precision",
    "label_ranking_loss": "ranking_loss",
}


@pytest.mark.parametrize("function", RANKED)
@pytest.mark.parametrize("levels", [1000, 3])
@pytest.mark.parametrize("labels", [5, 2, 1])
def test_rankings_of_labels_are_sklearns_and_torchmetrics(function: str, levels: int, labels: int) -> None:
    rng = np.random.default_rng(levels + labels)
    y, score = rng.integers(0, 2, (30, labels)), rng.integers(0, levels, (30, labels)) / levels
    y[0], y[1] = 0, 1
    if labels > 1:
        agree("sklearn", function, {"y_true": y, "y_score": score})
        agree("sklearn", function, {"y_true": y, "y_score": score - 0.5, "sample_weight": np.linspace(0.0, 2.0, 30)})
        agree("sklearn", function, {"y_true": y[:1], "y_score": score[:1]})
        if levels > 30 or function != "label_ranking_loss":
            given = {"preds": score, "target": y, "num_labels": labels}
            agree("torchmetrics", f"multilabel_{RANKED[function]}", given, rtol=1e-6)
