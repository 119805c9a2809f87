"""Dice over several classes, each weighed by how rare it is."""

from typing import Literal

from lossapi.definition import loss
from lossapi.domains import Array
from lossapi.functions import namespace
from lossapi.maps.overlap import class_overlap, kept
from lossapi.parameters import NonNegative


@loss(family="segmentation", of=class_overlap)
def generalized_dice(
    sums: dict[str, Array],
    *,
    weighting: Literal["square", "simple", "uniform"] = "square",
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    include_background: bool = True,
) -> Array:
    """Dice over all classes at once, a class counting the more the fewer points it has.

    Formula:
        1 - (2 Σ_c w_c Σp_c t_c + a) / (Σ_c w_c (Σp_c + Σt_c) + b);
        w_c = 1/(Σt_c)² (square), 1/Σt_c (simple), 1 (uniform)
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: labels (batch, *axes), or one value per
        class like prediction; one value, or one per row with per_sample
    Convention:
        A class with no point in the target has the largest weight of those that have one, as in MONAI and NiftyNet;
        where no class has a point, weights are 0. MONAI weighs and divides within each image (per_sample) and smooths
        by 1e-5 in both places. optax' loss of that name weighs the losses of the classes instead, not their sums.
    Source:
        C. H. Sudre et al., Generalised Dice Overlap as a Deep Learning Loss Function for Highly Unbalanced
        Segmentations, 2017, https://arxiv.org/abs/1707.03237
    Example:
        {"prediction": [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], "target": [0, 0, 1]} → 0.31746031645250705
    """
    left = kept(sums, "none", include_background)
    xp, volume = namespace(left["target"]), left["target"]
    there = volume > 0.0
    inverse = xp.where(there, 1.0 / xp.where(there, volume, xp.ones_like(volume)), xp.zeros_like(volume))
    weight = {"square": inverse * inverse, "simple": inverse, "uniform": xp.ones_like(volume)}[weighting]
    weight = xp.where(there, weight, xp.max(weight, axis=-1, keepdims=True))
    shared = xp.sum(weight * left["intersection"], axis=-1)
    whole = xp.sum(weight * (left["prediction"] + volume), axis=-1)
    return 1.0 - (2.0 * shared + smooth_numerator) / (whole + smooth_denominator)
