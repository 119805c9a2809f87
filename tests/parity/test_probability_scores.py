"""Scores of probabilities beside scikit-learn and torchmetrics: odd labels, lone columns, certainty, absent classes."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

SCORES = ["log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"]
LABELS = [[0, 1], [-1, 1], [1, 2], [3, 7], [0, 1, 2], [-5, 2, 900, 7], [4]]


def drawn(labels: list[int], rows: int, columns: int | None = None, seed: int = 0) -> tuple[Any, Any]:
    """Labels that all occur, and probabilities of them, some of them 0 and 1."""
    rng = np.random.default_rng(seed)
    y = rng.permutation([*labels, *rng.choice(labels, max(rows - len(labels), 0))])[:rows]
    p = rng.dirichlet(np.full(columns or len(labels), 0.3), rows)
    p[:1] = np.eye(p.shape[1])[0]
    return y, p


def weights(rows: int) -> list[Any]:
    """None, some, and none that count."""
    return [None, np.random.default_rng(1).choice([0.5, 3.0, 0.0], rows), np.zeros(rows), np.ones((rows, 1))]


@pytest.mark.parametrize("function", SCORES)
@pytest.mark.parametrize("labels", LABELS)
def test_scores_of_classes_are_sklearns(function: str, labels: list[int]) -> None:
    for rows in (30, 3, 2, 1, 0):
        for columns in (None, 2, 3):
            y, p = drawn(labels, rows, columns)
            for weight in weights(rows):
                agree("sklearn", function, {"y_true": y, "y_proba": p, "sample_weight": weight}, rtol=1e-9)


@pytest.mark.parametrize("function", SCORES)
@pytest.mark.parametrize("labels", LABELS)
def test_scores_of_one_column_are_sklearns(function: str, labels: list[int]) -> None:
    y, p = drawn(labels, 20, 2)
    for column in (p[:, 1], p[:, 1:], np.float32(p[:, 1]), 2 * p[:, 1], -p[:, 1]):
        for weight in weights(20)[:2]:
            agree("sklearn", function, {"y_true": y, "y_proba": column, "sample_weight": weight})
            if "brier" in function:
                for positive in (labels[0], 1, 2):
                    given = {"y_true": y, "y_proba": column, "sample_weight": weight, "pos_label": positive}
                    agree("sklearn", function, given)


@pytest.mark.parametrize("function", SCORES)
def test_labels_that_are_given_are_sklearns(function: str) -> None:
    y, p = drawn([0, 2], 20, 3)
    for labels in ([0, 1, 2], [2, 1, 0], [0, 2], [0, 1], [0, 2, 5, 7]):
        agree("sklearn", function, {"y_true": y, "y_proba": p, "labels": np.array(labels)}, rtol=1e-9)


def test_the_rest_of_log_loss_and_brier_is_sklearns() -> None:
    y, p = drawn([0, 1, 2], 20)
    for normalize in (True, False):
        given = {"y_true": y, "y_proba": p, "normalize": normalize}
        agree("sklearn", "log_loss", given, rtol=1e-9)
        agree("sklearn", "log_loss", {**given, "sample_weight": weights(20)[1]}, rtol=1e-9)
        agree("sklearn", "log_loss", {"y_true": y, "y_proba": p.astype(np.float32)})
        agree("sklearn", "log_loss", {"y_true": y, "y_proba": 0.5 * p})
    for scale in (True, False, "auto", "half"):
        agree("sklearn", "brier_score_loss", {"y_true": y, "y_proba": p, "scale_by_half": scale})
        agree("sklearn", "brier_score_loss", {"y_true": y % 2, "y_proba": p[:, 0], "scale_by_half": scale})
    agree("sklearn", "log_loss", {"y_true": y, "y_proba": np.full_like(p, np.nan)})
