"""Curves and areas beside scikit-learn and torchmetrics: ties, constant scores, one class only, weights, thresholds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

Arguments = dict[str, Any]

CURVES = ["roc_curve", "precision_recall_curve", "det_curve", "confusion_matrix_at_thresholds"]


def cases() -> Iterator[tuple[str, Arguments]]:
    """Two classes and their scores."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    yield "distinct", {"y_true": y, "y_score": rng.normal(size=60)}
    yield "single precision", {"y_true": y, "y_score": rng.normal(size=60).astype(np.float32)}
    yield "ties", {"y_true": y, "y_score": rng.integers(-2, 3, 60) / 4}
    yield "whole numbers", {"y_true": y, "y_score": rng.integers(-2, 3, 60)}
    yield "constant", {"y_true": y, "y_score": np.full(60, 0.5)}
    yield "perfect", {"y_true": y, "y_score": y + 0.0}
    yield "reversed", {"y_true": y, "y_score": 1.0 - y}
    yield "signed zeros", {"y_true": y, "y_score": np.where(rng.random(60) < 0.5, -0.0, 0.0)}
    yield "all positive", {"y_true": np.ones(9, int), "y_score": rng.random(9)}
    yield "all negative", {"y_true": np.zeros(9, int), "y_score": rng.random(9)}
    yield "one row", {"y_true": np.array([1]), "y_score": np.array([0.3])}
    yield "two rows", {"y_true": np.array([1, 0]), "y_score": np.array([0.3, 0.4])}
    yield "signs", {"y_true": 2 * y - 1, "y_score": rng.random(60)}
    yield "weights", {"y_true": y, "y_score": rng.integers(0, 9, 60) / 9, "sample_weight": rng.random(60)}
    yield "zero weights", {"y_true": y, "y_score": rng.random(60), "sample_weight": rng.choice([0.0, 1.0, 2.5], 60)}
    yield "ones and zeros", {"y_true": y, "y_score": rng.random(60), "sample_weight": rng.choice([0, 1], 60)}
    yield "a column", {"y_true": y[:, None], "y_score": rng.random((60, 1))}
    yield "NaN", {"y_true": y, "y_score": np.where(np.arange(60) == 3, np.nan, 0.5)}
    yield "odd labels", {"y_true": 3 + 4 * y, "y_score": rng.random(60)}
    yield "three labels", {"y_true": rng.integers(0, 3, 60), "y_score": rng.random(60)}


every_case = pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in cases()])


@pytest.mark.parametrize("function", CURVES)
@every_case
def test_curves_are_sklearns(function: str, given: Arguments) -> None:
    agree("sklearn", function, given, rtol=1e-6 if given["y_score"].dtype == np.float32 else 1e-9)
    agree("sklearn", function, {**given, "pos_label": 0}, rtol=1e-6 if given["y_score"].dtype == np.float32 else 1e-9)
    if function != "confusion_matrix_at_thresholds":
        for drop in (True, False):
            agree("sklearn", function, {**given, "drop_intermediate": drop}, rtol=1e-6)


@every_case
def test_areas_are_sklearns(given: Arguments) -> None:
    agree("sklearn", "roc_auc_score", given)
    for most in (0.05, 0.4, 1.0):
        agree("sklearn", "roc_auc_score", {**given, "max_fpr": most})
    for pos_label in (1, 0):
        agree("sklearn", "average_precision_score", {**given, "pos_label": pos_label})


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", None])
@pytest.mark.parametrize("weight", [None, np.linspace(0.0, 2.0, 50)])
def test_areas_of_several_labels_are_sklearns(average: str | None, weight: Any) -> None:
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, (50, 3)), rng.integers(0, 20, (50, 3)) / 20
    weights = {} if weight is None else {"sample_weight": weight}
    for labels in (y, y * np.array([1, 0, 1])):
        given = {"y_true": labels, "y_score": score, "average": average, **weights}
        agree("sklearn", "roc_auc_score", given)
        agree("sklearn", "average_precision_score", given)


def of_classes(rows: int = 80, classes: int = 4) -> tuple[Any, Any]:
    """Labels and probabilities of several classes."""
    rng = np.random.default_rng(2)
    score = rng.integers(1, 9, (rows, classes)) / 1.0
    return rng.integers(0, classes, rows), score / score.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", None])
@pytest.mark.parametrize("way", ["ovr", "ovo", "raise"])
def test_areas_of_several_classes_are_sklearns(average: str | None, way: str) -> None:
    y, score = of_classes()
    given = {"y_true": y, "y_score": score, "average": average, "multi_class": way}
    agree("sklearn", "roc_auc_score", given)
    agree("sklearn", "roc_auc_score", {**given, "sample_weight": np.linspace(0.0, 1.0, 80)})
    agree("sklearn", "roc_auc_score", {**given, "y_true": 3 * y - 2})
    agree("sklearn", "roc_auc_score", {**given, "y_true": y % 3})
    agree("sklearn", "roc_auc_score", {**given, "y_true": y % 3, "labels": [0, 1, 2, 3]})
    agree("sklearn", "roc_auc_score", {**given, "y_true": y % 2, "labels": [0, 1, 2, 3]})
    agree("sklearn", "roc_auc_score", {**given, "y_score": 2 * score})
    agree("sklearn", "roc_auc_score", {**given, "max_fpr": 0.5})
    agree("sklearn", "average_precision_score", {"y_true": y, "y_score": score, "average": average})


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([0.0, 0.5, 1.0], [0.0, 0.7, 1.0]),
        ([1.0, 0.2, 0.2], [1.0, 2.0, 3.0]),
        ([0.0, 1.0, 0.5], [0.0, 1.0, 2.0]),
        ([1.0], [1.0]),
    ],
)
def test_the_area_of_points_is_sklearns(x: list[float], y: list[float]) -> None:
    agree("sklearn", "auc", {"x": np.array(x), "y": np.array(y)})


CLASSES = 3
LIMITS: list[Any] = [None, 5, [0.1, 0.5, 0.9]]
AVERAGED = ["auroc", "average_precision"]
HELD = {
    "recall_at_fixed_precision": "min_precision",
    "precision_at_fixed_recall": "min_recall",
    "sensitivity_at_specificity": "min_specificity",
    "specificity_at_sensitivity": "min_sensitivity",
}


def tasks() -> Iterator[tuple[str, Arguments]]:
    """What each task takes."""
    rng = np.random.default_rng(3)
    for rows, levels in ((70, 1000), (70, 6)):
        target = rng.integers(0, 2, rows)
        yield "binary", {"preds": rng.integers(0, levels, rows) / levels, "target": target}
        scores = rng.integers(0, levels, (rows, CLASSES)) / levels
        classes = rng.integers(0, CLASSES, rows)
        yield "multiclass", {"preds": scores, "target": classes, "num_classes": CLASSES}
        yield "multilabel", {"preds": scores, "target": rng.integers(0, 2, (rows, CLASSES)), "num_labels": CLASSES}
    yield "binary", {"preds": rng.random(12), "target": np.ones(12, int)}
    yield "binary", {"preds": rng.random(12), "target": np.zeros(12, int)}
    yield "binary", {"preds": rng.random((4, 5)), "target": rng.integers(0, 2, (4, 5))}
    yield "multiclass", {"preds": rng.random((8, 3, 4)), "target": rng.integers(0, 2, (8, 4)), "num_classes": CLASSES}
    yield "multilabel", {"preds": rng.random((8, 3, 4)), "target": rng.integers(0, 2, (8, 3, 4)), "num_labels": CLASSES}


every_task = pytest.mark.parametrize(
    ("task", "given"), [pytest.param(t, g, id=f"{t} {i}") for i, (t, g) in enumerate(tasks())]
)
every_limit = pytest.mark.parametrize("limits", LIMITS)


def lacking(task: str, target: Any) -> bool:
    """Whether a class is not there."""
    return len(np.unique(target)) < (CLASSES if task == "multiclass" else 2) or not np.any(target)


def ignoring(given: Arguments) -> Arguments:
    """Some elements ignored."""
    target = given["target"].copy()
    target.reshape(-1)[::5] = -1
    return {**given, "target": target, "ignore_index": -1}


@every_limit
@every_task
def test_curves_by_task_are_torchmetrics(task: str, given: Arguments, limits: Any) -> None:
    for told in (given, ignoring(given)):
        for function in ("roc", "precision_recall_curve", "eer"):
            agree("torchmetrics", f"{task}_{function}", {**told, "thresholds": limits}, rtol=1e-9)
            agree("torchmetrics", function, {**told, "thresholds": limits, "task": task}, rtol=1e-9)
            if task == "multiclass":
                agree(
                    "torchmetrics", f"{task}_{function}", {**told, "thresholds": limits, "average": "micro"}, rtol=1e-9
                )


@pytest.mark.parametrize("function", AVERAGED)
@every_limit
@every_task
def test_areas_by_task_are_torchmetrics(function: str, task: str, given: Arguments, limits: Any) -> None:
    for told in (given, ignoring(given)):
        agree(
            "torchmetrics",
            function,
            {**told, "task": task, "thresholds": limits, **({"average": "macro"} if task != "binary" else {})},
            rtol=1e-9,
        )
        if task == "binary":
            agree("torchmetrics", f"binary_{function}", {**told, "thresholds": limits}, rtol=1e-9)
            continue
        averages = ["macro", "weighted", None, *(["micro"] if task == "multilabel" else [])]
        for average in averages:
            agree("torchmetrics", f"{task}_{function}", {**told, "thresholds": limits, "average": average}, rtol=1e-9)
    if task == "binary" and function == "auroc":
        agree("torchmetrics", "binary_auroc", {**given, "max_fpr": 0.3, "thresholds": limits}, rtol=1e-9)


@pytest.mark.parametrize("span", [(0.001, 0.1), (0.05, 0.9)])
@pytest.mark.parametrize("seed", range(6))
def test_areas_over_a_logarithm_are_torchmetrics(seed: int, span: tuple[float, float]) -> None:
    """Of few rows: with more, torchmetrics sorts points of one rate in no order, and its line begins at any of them."""
    rng = np.random.default_rng(seed)
    labels, classes = np.arange(14) % 2, np.arange(14) % CLASSES
    scores = {"fpr_range": span, "preds": rng.random((14, CLASSES)) / 2}
    agree("torchmetrics", "binary_logauc", {**scores, "preds": rng.random(14), "target": labels}, rtol=1e-9)
    for average in ("macro", None, "weighted"):
        several = {**scores, "average": average, "target": rng.permuted(np.stack([labels] * CLASSES), axis=1).T}
        agree("torchmetrics", "multilabel_logauc", {**several, "num_labels": CLASSES}, rtol=1e-9)
        told = {**scores, "average": average, "target": classes, "num_classes": CLASSES}
        agree("torchmetrics", "multiclass_logauc", told, rtol=1e-9)
        agree("torchmetrics", "logauc", {**told, "task": "multiclass"}, rtol=1e-9)


@pytest.mark.parametrize("function", HELD)
@every_limit
@every_task
def test_operating_points_are_torchmetrics(function: str, task: str, given: Arguments, limits: Any) -> None:
    if (
        function == "recall_at_fixed_precision"
        and (task, limits) != ("binary", None)
        and lacking(task, given["target"])
    ):
        return  # torchmetrics looks for the greatest of nothing, and stops with an IndexError
    for bound in (0.0, 0.3, 0.8, 1.0):
        told = {**given, HELD[function]: bound, "thresholds": limits}
        agree("torchmetrics", f"{task}_{function}", told, rtol=1e-9)
        agree("torchmetrics", function, {**told, "task": task}, rtol=1e-9)
