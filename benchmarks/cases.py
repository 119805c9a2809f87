"""Every kernel that is timed: our name and parameters, its inputs, and the same thing in torch eager."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks import expressions, inputs
from benchmarks.inputs import Arrays, Maker

SMOOTH = {"smooth_numerator": expressions.SMOOTH, "smooth_denominator": expressions.SMOOTH}
LOGITS = {"from_logits": True}


def as_they_are(arrays: Arrays) -> Mapping[str, Any]:
    """The arrays under their own names."""
    return arrays


def with_alpha(arrays: Arrays) -> Mapping[str, Any]:
    """The arrays, and the balance of positives and negatives in their dtype."""
    return {**arrays, "alpha": np.asarray(0.25, np.float32)}


def distributions(arrays: Arrays) -> Mapping[str, Any]:
    """Two normal distributions from their parameters."""
    return {
        name: {"distribution": "normal", "loc": arrays[f"{name}_loc"], "scale": arrays[f"{name}_scale"]}
        for name in "pq"
    }


@dataclass(frozen=True)
class Case:
    """One row of the table; `form` tells rows of one loss apart."""

    name: str
    make: Maker
    torch: Callable[..., torch.Tensor]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    form: str = ""
    reduction: str | None = "mean"
    """None where the definition's own is meant."""
    arrange: Callable[[Arrays], Mapping[str, Any]] = as_they_are

    @property
    def label(self) -> str:
        """The loss and its form."""
        return f"{self.name} ({self.form})" if self.form else self.name


def l1_sum(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The sum of absolute differences."""
    return functional.l1_loss(prediction, target, reduction="sum")


def l2_norm(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The length of the difference."""
    return torch.linalg.vector_norm(prediction - target)


CASES = [
    Case("mean_squared_error", inputs.pairs, functional.mse_loss),
    Case("mean_absolute_error", inputs.pairs, functional.l1_loss),
    Case("l1_norm", inputs.pairs, l1_sum, reduction=None),
    Case("l2_norm", inputs.pairs, l2_norm, reduction=None),
    Case("huber", inputs.pairs, functional.huber_loss, {"delta": 1.0}),
    Case("smooth_l1", inputs.pairs, functional.smooth_l1_loss, {"beta": 1.0}),
    Case("binary_cross_entropy", inputs.probabilities, functional.binary_cross_entropy),
    Case(
        "binary_cross_entropy",
        inputs.logits,
        functional.binary_cross_entropy_with_logits,
        LOGITS,
        form="logits",
    ),
    Case(
        "binary_cross_entropy",
        inputs.probabilities,
        expressions.alpha_balanced,
        form="alpha",
        arrange=with_alpha,
    ),
    Case("cross_entropy", inputs.class_logits, functional.cross_entropy, LOGITS, form="logits, index"),
    Case("cross_entropy", inputs.dense_logits, functional.cross_entropy, LOGITS, form="logits, dense"),
    Case("cross_entropy", inputs.class_probabilities, expressions.log_probability, form="index"),
    Case("cross_entropy", inputs.dense_probabilities, expressions.dense_log_probability, form="dense"),
    Case("dice", inputs.probabilities, expressions.dice, SMOOTH),
    Case("multiclass_dice", inputs.one_hot_probabilities, expressions.multiclass_dice, SMOOTH),
    Case("binary_focal", inputs.logits, expressions.binary_focal, {**LOGITS, "gamma": 2.0}, arrange=with_alpha),
    Case("focal", inputs.class_logits, expressions.focal, {**LOGITS, "gamma": 2.0}),
    Case("hinge", inputs.signs, expressions.hinge),
    Case("kl_divergence", inputs.dense_probabilities, expressions.divergence),
    Case("distribution_kl_divergence", inputs.normals, expressions.normal_divergence, arrange=distributions),
    Case("ctc", inputs.sequences, expressions.ctc),
    Case("contrastive", inputs.embedding_pairs, expressions.contrastive, {"margin": 1.0}),
    Case("triplet_margin", inputs.triplets, functional.triplet_margin_loss, {"margin": 1.0}),
    Case("center", inputs.centers, expressions.center),
    Case("sphereface", inputs.faces, expressions.sphereface, {"margin": 4}),
    Case("cosface", inputs.faces, expressions.cosface, {"margin": 0.35, "scale": expressions.SCALE}),
    Case("arcface", inputs.faces, expressions.arcface, {"margin": 0.5, "scale": expressions.SCALE}),
    Case("dice_cross_entropy", inputs.one_hot_logits, expressions.dice_cross_entropy, {**LOGITS, **SMOOTH}),
    Case("dice_focal", inputs.one_hot_logits, expressions.dice_focal, {**LOGITS, **SMOOTH}),
]
