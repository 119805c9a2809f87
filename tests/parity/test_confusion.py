"""Readings of the confusion table beside scikit-learn and torchmetrics: random labels, absent classes, one class."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

Arguments = dict[str, Any]

LABELLED = [
    "accuracy_score",
    "balanced_accuracy_score",
    "cohen_kappa_score",
    "confusion_matrix",
    "hamming_loss",
    "matthews_corrcoef",
    "multilabel_confusion_matrix",
    "precision_recall_fscore_support",
    "zero_one_loss",
]
AVERAGES: list[str | None] = ["micro", "macro", "weighted", None]


def labels_of(function: str, y: Any, p: Any) -> Arguments:
    """The arguments as a function calls them."""
    return {"y1": y, "y2": p} if function == "cohen_kappa_score" else {"y_true": y, "y_pred": p}


def cases() -> Iterator[tuple[str, Any, Any, Any]]:
    """Labels and predictions, with weights or without: many classes, odd ones, two, one, one row."""
    rng = np.random.default_rng(7)
    for name, labels, rows in [
        ("three classes", [0, 1, 2], 50),
        ("odd labels", [-3, 5, 90], 50),
        ("two classes", [0, 1], 40),
        ("two odd classes", [-1, 1], 40),
        ("one class", [1], 9),
        ("one row", [2], 1),
        ("many classes", list(range(30)), 60),
    ]:
        y, p = rng.choice(labels, (2, rows))
        yield name, y, p, None
        yield f"{name}, weighted", y, p, rng.choice([0.5, 1.0, 2.25], rows)
        if rows > 9:
            yield f"{name}, zero weights", y, p, rng.choice([0.0, 1.0, 2.0], rows)
            yield f"{name}, one predicted", y, np.full(rows, labels[0]), None
            yield f"{name}, all right", y, y.copy(), None
            yield f"{name}, one class true", np.full(rows, labels[-1]), p, None


CASES = [pytest.param(y, p, weight, id=name) for name, y, p, weight in cases()]
every_case = pytest.mark.parametrize(("y", "p", "weight"), CASES)


def weighed(weight: Any) -> Arguments:
    """The weights, if there are any."""
    return {} if weight is None else {"sample_weight": weight}


@pytest.mark.parametrize("function", LABELLED)
@every_case
def test_what_is_read_of_labels_is_sklearns(function: str, y: Any, p: Any, weight: Any) -> None:
    agree("sklearn", function, {**labels_of(function, y, p), **weighed(weight)})


@every_case
def test_options_are_sklearns(y: Any, p: Any, weight: Any) -> None:
    given = {"y_true": y, "y_pred": p, **weighed(weight)}
    agree("sklearn", "zero_one_loss", {**given, "normalize": False})
    agree("sklearn", "balanced_accuracy_score", {**given, "adjusted": True})
    for weights in ("linear", "quadratic"):
        agree("sklearn", "cohen_kappa_score", {**labels_of("cohen_kappa_score", y, p), "weights": weights})
    agree("sklearn", "cohen_kappa_score", {**labels_of("cohen_kappa_score", y, p), "replace_undefined_by": -0.5})
    for average in AVERAGES:
        agree("sklearn", "jaccard_score", {**given, "average": average})
        agree("sklearn", "precision_recall_fscore_support", {**given, "average": average, "beta": 2.0})
    agree("sklearn", "classification_report", {**given, "output_dict": True, "zero_division": 1})


@pytest.mark.parametrize("y", [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]])
@pytest.mark.parametrize("p", [[0, 1, 1, 0, 1], [1, 1, 1, 1, 0], [0, 0, 0, 1, 0], [1, 1, 1, 1, 1]])
def test_likelihood_ratios_are_sklearns(y: list[int], p: list[int]) -> None:
    given = {"y_true": np.array(y), "y_pred": np.array(p)}
    for more in (
        {},
        {"replace_undefined_by": 1.0},
        {"replace_undefined_by": {"LR+": 3.0, "LR-": 0.25}},
        {"replace_undefined_by": {"LR+": 0.5, "LR-": 0.25}},
        {"sample_weight": np.array([1.0, 0.5, 2.0, 1.0, 3.0])},
        {"labels": [1, 0]},
        {"labels": [0, 2]},
    ):
        agree("sklearn", "class_likelihood_ratios", {**given, **more})


SOME = [[0, 1], [2, 0], [7, 1, 0], [7], [1]]


@pytest.mark.parametrize("labels", SOME)
@pytest.mark.parametrize("average", AVERAGES)
def test_of_some_labels_is_sklearns(labels: list[int], average: str | None) -> None:
    y, p = np.random.default_rng(3).choice([0, 1, 2], (2, 40))
    given = {"y_true": y, "y_pred": p, "labels": labels}
    for function in ("precision_score", "recall_score", "f1_score", "jaccard_score", "precision_recall_fscore_support"):
        agree("sklearn", function, {**given, "average": average})
    agree("sklearn", "confusion_matrix", given)
    agree("sklearn", "multilabel_confusion_matrix", given)
    agree("sklearn", "classification_report", {**given, "output_dict": True})
    agree("sklearn", "cohen_kappa_score", {"y1": y, "y2": p, "labels": labels})


@pytest.mark.parametrize("labels", [None, [2, 0], [3], [9]])
@pytest.mark.parametrize("weight", [None, np.linspace(0.0, 2.0, 30)])
def test_several_labels_a_row_are_sklearns(labels: list[int] | None, weight: Any) -> None:
    y, p = np.random.default_rng(4).integers(0, 2, (2, 30, 4))
    given = {"y_true": y, "y_pred": p, **weighed(weight)}
    for function in ("accuracy_score", "zero_one_loss", "hamming_loss"):
        agree("sklearn", function, given)
    given |= {} if labels is None else {"labels": labels}
    agree("sklearn", "multilabel_confusion_matrix", given)
    for average in [*AVERAGES, "samples"]:
        agree("sklearn", "jaccard_score", {**given, "average": average})
        agree("sklearn", "f1_score", {**given, "average": average})


def test_labels_that_are_whole_floats_are_sklearns() -> None:
    y, p = np.array([0.0, 1.0, 1.0]), np.array([1, 1, 0])
    agree("sklearn", "accuracy_score", {"y_true": y, "y_pred": p})
    agree("sklearn", "accuracy_score", {"y_true": y + 0.5, "y_pred": p})
    agree("sklearn", "accuracy_score", {"y_true": y[:, None], "y_pred": p})


BY_TASK = ["accuracy", "hamming_distance", "specificity", "stat_scores"]
DIVIDED = ["precision", "recall", "f1_score", "negative_predictive_value"]
CLASSES = 4


def tasks() -> Iterator[tuple[str, Arguments]]:
    """What each task takes: labels or scores, of several shapes, all classes or some."""
    rng = np.random.default_rng(11)
    for shape in [(40,), (12, 3), (1,)]:
        yield "binary", {"preds": rng.random(shape), "target": rng.integers(0, 2, shape)}
        yield "binary", {"preds": rng.integers(0, 2, shape), "target": rng.integers(0, 2, shape)}
        yield "binary", {"preds": rng.random(shape), "target": np.ones(shape, int)}
        yield "binary", {"preds": np.zeros(shape), "target": np.zeros(shape, int)}
        scores = rng.random((shape[0], CLASSES, *shape[1:]))
        target = rng.integers(0, CLASSES, shape)
        yield "multiclass", {"preds": scores, "target": target, "num_classes": CLASSES}
        yield "multiclass", {"preds": rng.integers(0, CLASSES, shape), "target": target, "num_classes": CLASSES}
        yield "multiclass", {"preds": rng.integers(0, 2, shape), "target": target % 2, "num_classes": CLASSES}
        several = rng.integers(0, 2, scores.shape)
        yield "multilabel", {"preds": scores, "target": several, "num_labels": CLASSES}
        yield (
            "multilabel",
            {
                "preds": 1 - several,
                "target": several * np.array([0, 1, 1, 1])[(None, slice(None), *[None] * (len(shape) - 1))],
                "num_labels": CLASSES,
            },
        )


TASKS = [pytest.param(task, given, id=f"{task} {i}") for i, (task, given) in enumerate(tasks())]
every_task = pytest.mark.parametrize(("task", "given"), TASKS)


@pytest.mark.parametrize("function", BY_TASK + DIVIDED)
@every_task
def test_ratios_by_task_are_torchmetrics(function: str, task: str, given: Arguments) -> None:
    for ignored in (None, -1):
        told = {**given, "ignore_index": ignored}
        if ignored is not None:
            told["target"] = np.where(
                np.arange(given["target"].size).reshape(given["target"].shape) % 5 == 4, -1, given["target"]
            )
        if task == "binary":
            agree("torchmetrics", f"binary_{function}", told)
            agree("torchmetrics", function, {**told, "task": task})
            continue
        for average in AVERAGES:
            agree("torchmetrics", f"{task}_{function}", {**told, "average": average})
        agree("torchmetrics", function, {**told, "task": task})


@pytest.mark.parametrize("function", DIVIDED)
@every_task
def test_nothing_over_nothing_is_torchmetrics(function: str, task: str, given: Arguments) -> None:
    agree("torchmetrics", f"{task}_{function}", {**given, "zero_division": 1})


@every_task
def test_tables_and_agreement_are_torchmetrics(task: str, given: Arguments) -> None:
    for normalize in (None, "true", "pred", "all", "none"):
        agree("torchmetrics", f"{task}_confusion_matrix", {**given, "normalize": normalize})
    agree("torchmetrics", "confusion_matrix", {**given, "task": task})
    agree("torchmetrics", f"{task}_matthews_corrcoef", given, rtol=1e-6)
    agree("torchmetrics", "matthews_corrcoef", {**given, "task": task}, rtol=1e-6)
    for average in (None, "macro", "micro", "weighted"):
        own = {} if task == "binary" else {"average": average}
        agree("torchmetrics", f"{task}_jaccard_index", {**given, **own})
    agree("torchmetrics", f"{task}_fbeta_score", {**given, "beta": 0.5})
    agree("torchmetrics", "fbeta_score", {**given, "task": task})
    if task != "multilabel":
        for weights in (None, "linear", "quadratic"):
            agree("torchmetrics", f"{task}_cohen_kappa", {**given, "weights": weights})
    if task != "binary" and given["target"].ndim > (task == "multiclass"):
        agree("torchmetrics", f"{task}_exact_match", given)


@pytest.mark.parametrize("ignored", [-1, 2, 5])
def test_exact_matches_with_ignored_labels_are_torchmetrics(ignored: int) -> None:
    rng = np.random.default_rng(5)
    target, preds = rng.integers(0, 3, (30, 2)), rng.integers(0, 3, (30, 2))
    target[::4, 0] = ignored
    agree(
        "torchmetrics",
        "multiclass_exact_match",
        {"preds": preds, "target": target, "num_classes": 3, "ignore_index": ignored},
    )


def test_the_critical_success_index_is_torchmetrics() -> None:
    preds, target = np.random.default_rng(6).random((2, 5, 6))
    for threshold in (0.5, 0.0, 0.99):
        agree("torchmetrics", "critical_success_index", {"preds": preds, "target": target, "threshold": threshold})
