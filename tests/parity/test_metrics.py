"""The metrics beside scikit-learn: every average, weights, absent classes, 0/0, and odd labels."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

RATIOS = ["precision_score", "recall_score", "f1_score", "fbeta_score"]
AVERAGES: list[str | None] = ["micro", "macro", "weighted", None]


def extra(function: str) -> dict[str, Any]:
    """What a function needs beside the labels."""
    return {"beta": 0.5} if function == "fbeta_score" else {}


@pytest.mark.parametrize("function", RATIOS)
@pytest.mark.parametrize("average", [*AVERAGES, "samples"])
@pytest.mark.parametrize("weighted", [False, True])
def test_averages_of_several_labels_are_sklearns(function: str, average: str | None, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (2, 40, 4))
    weight = {"sample_weight": rng.random(40)} if weighted else {}
    agree("sklearn", function, {"y_true": y, "y_pred": p, "average": average, **weight, **extra(function)})


@pytest.mark.parametrize("function", RATIOS)
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [-5, 2, 900, 7], [1, 3]])
def test_averages_over_classes_are_sklearns(function: str, average: str | None, labels: list[int]) -> None:
    rng = np.random.default_rng(1)
    y, p = rng.choice(labels, (2, 60))
    y[y == labels[0]] = labels[1]
    arguments = {"y_true": y, "y_pred": p, "average": average, "sample_weight": rng.random(60)}
    agree("sklearn", function, {**arguments, **extra(function)})


@pytest.mark.parametrize("function", RATIOS)
@pytest.mark.parametrize("pos_label", [0, 1, 2])
@pytest.mark.parametrize(
    ("y", "p"), [([0, 1, 1, 0], [1, 1, 0, 0]), ([0, 0], [0, 0]), ([1], [1]), ([1, 1], [0, 0]), ([2, 1], [1, 1])]
)
def test_the_positive_class_is_sklearns(function: str, pos_label: int, y: list[int], p: list[int]) -> None:
    arguments = {"y_true": np.array(y), "y_pred": np.array(p), "pos_label": pos_label}
    agree("sklearn", function, {**arguments, **extra(function)})


@pytest.mark.parametrize("function", RATIOS)
@pytest.mark.parametrize("average", [*AVERAGES, "binary"])
@pytest.mark.parametrize("zero_division", ["warn", 0, 1, float("nan")])
def test_nothing_over_nothing_is_sklearns(function: str, average: str | None, zero_division: object) -> None:
    labels = {"y_true": np.array([0, 0, 1, 1]), "y_pred": np.array([0, 0, 0, 0])}
    agree("sklearn", function, {**labels, "average": average, "zero_division": zero_division, **extra(function)})


def test_three_classes_have_no_binary_average() -> None:
    labels = {"y_true": np.array([0, 1, 2]), "y_pred": np.array([0, 1, 1])}
    agree("sklearn", "f1_score", labels)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_confusion_matrix_is_sklearns(normalize: str | None, weighted: bool) -> None:
    rng = np.random.default_rng(2)
    y, p = rng.choice([3, 4, 9], (2, 50))
    weight = {"sample_weight": rng.random(50)} if weighted else {}
    agree("sklearn", "confusion_matrix", {"y_true": y, "y_pred": p, "normalize": normalize, **weight})


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_accuracy_is_sklearns(normalize: bool, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    y, p = rng.integers(0, 2, (2, *shape))
    weight = rng.random(50)
    agree("sklearn", "accuracy_score", {"y_true": y, "y_pred": p, "normalize": normalize, "sample_weight": weight})


@pytest.mark.parametrize("function", ["mean_squared_error", "mean_absolute_error", "r2_score"])
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", "variance_weighted"])
@pytest.mark.parametrize("shape", [(30,), (30, 3), (1, 2), (0, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_of_regression_are_sklearns(
    function: str, multioutput: str, shape: tuple[int, ...], weighted: bool
) -> None:
    rng = np.random.default_rng(4)
    y, p = rng.normal(size=(2, *shape)) + 1e3
    weight = {"sample_weight": rng.random(shape[0])} if weighted else {}
    agree("sklearn", function, {"y_true": y, "y_pred": p, "multioutput": multioutput, **weight}, rtol=1e-9)


@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", "variance_weighted"])
@pytest.mark.parametrize("force_finite", [True, False])
def test_r2_of_a_constant_target_is_sklearns(multioutput: str, force_finite: bool) -> None:
    y = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 2.0], [1.0, 1.0, 4.0]])
    p = y + np.array([0.0, 0.5, 0.1])
    agree("sklearn", "r2_score", {"y_true": y, "y_pred": p, "multioutput": multioutput, "force_finite": force_finite})
