"""Hinges as metrics beside scikit-learn and torchmetrics."""

from typing import Any

import numpy as np
import pytest

from tests.parity.peers import agree

RNG = np.random.default_rng(0)
LABELS, SCORES = RNG.integers(0, 2, 30), RNG.normal(size=30)
CLASSES, DECISIONS = RNG.integers(0, 3, 30), RNG.normal(size=(30, 3))
WEIGHT = np.linspace(0.0, 2.0, 30)


@pytest.mark.parametrize("more", [{}, {"sample_weight": WEIGHT}])
def test_the_hinge_is_sklearns(more: dict[str, Any]) -> None:
    for y in (LABELS, 2 * LABELS - 1, 5 + LABELS, np.ones(30, int)):
        agree("sklearn", "hinge_loss", {"y_true": y, "pred_decision": SCORES, **more})
    agree("sklearn", "hinge_loss", {"y_true": LABELS, "pred_decision": SCORES[:, None], **more})
    agree("sklearn", "hinge_loss", {"y_true": LABELS, "pred_decision": DECISIONS, **more})
    for y in (CLASSES, 3 * CLASSES - 1):
        agree("sklearn", "hinge_loss", {"y_true": y, "pred_decision": DECISIONS, **more})
    agree("sklearn", "hinge_loss", {"y_true": LABELS, "pred_decision": DECISIONS, "labels": [0, 1, 2], **more})
    agree("sklearn", "hinge_loss", {"y_true": CLASSES, "pred_decision": DECISIONS[:, :2], **more})


def test_the_hinge_of_probabilities_is_torchmetrics() -> None:
    scores, several = RNG.random(30), RNG.random((30, 3))
    for ignored in (None, 1):
        two = {"preds": scores, "target": LABELS, "ignore_index": ignored}
        agree("torchmetrics", "binary_hinge_loss", two, rtol=1e-9)
        agree("torchmetrics", "hinge_loss", {**two, "task": "binary"}, rtol=1e-9)
        three = {"preds": several, "target": CLASSES, "num_classes": 3, "ignore_index": ignored}
        agree("torchmetrics", "multiclass_hinge_loss", three, rtol=1e-9)
        agree("torchmetrics", "hinge_loss", {**three, "task": "multiclass"}, rtol=1e-9)
