"""Dice over several classes."""

from typing import Literal

from lossapi.definition import loss
from lossapi.domains import Array, Real
from lossapi.functions import namespace
from lossapi.maps.overlap import class_overlap
from lossapi.parameters import NonNegative


@loss(family="segmentation", of=class_overlap)
def multiclass_dice(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    average: Literal["macro", "micro"] = "macro",
    include_background: bool = True,
) -> Array:
    """One minus the dice coefficient of each class, averaged over the classes.

    Formula:
        macro: Σ_c w_c (1 - (2 Σp_c t_c + a) / (Σp_c + Σt_c + b)) / Σ_c w_c; micro: the sums run over the classes too
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: labels (batch, *axes), or one value per
        class like prediction; class_weight: (classes)
    Convention:
        Sums are pooled over the batch, or stay within each row with per_sample. A class that is absent from both
        has (a / b). The background, class 0, is left out with include_background false.
    Source:
        F. Milletari, N. Navab, S.-A. Ahmadi, V-Net, 2016, https://arxiv.org/abs/1606.04797
    Example:
        {"prediction": [[0.9, 0.1], [0.4, 0.6]], "target": [0, 1]} → 0.2557544743656831
    """
    xp = namespace(sums["intersection"])
    first = 0 if include_background else 1
    kept = {name: each[..., first:] for name, each in sums.items() if each.ndim}
    if average == "micro":
        kept = {name: xp.sum(each, axis=-1, keepdims=True) for name, each in kept.items()}
    overlapping = 2.0 * kept["intersection"] + smooth_numerator
    losses = 1.0 - overlapping / (kept["prediction"] + kept["target"] + smooth_denominator)
    if class_weight is None or average == "micro":
        return xp.mean(losses, axis=-1)
    weight = class_weight[first:]
    return xp.sum(losses * weight, axis=-1) / xp.sum(weight)
