"""Dice over several classes."""

from lossapi.definition import loss
from lossapi.domains import Array, Real
from lossapi.libraries.presets import optax
from lossapi.maps.overlap import ClassAverage, class_overlap, kept, over_classes
from lossapi.maps.sets import UNCHECKED, optax_generalized
from lossapi.parameters import NonNegative


@loss(
    family="segmentation",
    of=class_overlap,
    like=[
        optax(
            "multiclass_generalized_dice_loss(predictions, targets, smooth=1.0, apply_softmax=True, "
            "ignore_background=False)",
            {"apply_softmax": "from_logits"},
            prepare=optax_generalized,
            unchecked=UNCHECKED,
            differs="the classes are last; each image by itself; class_weight is 1 / (frequency² + 1e-7) over all, "
            "with a mean of 1, on the losses of the classes, where Sudre et al. weigh their sums; twice its smooth in "
            "numerator and denominator here",
        ),
    ],
)
def multiclass_dice(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    average: ClassAverage = "macro",
    include_background: bool = True,
) -> Array:
    """One minus the dice coefficient of each class, averaged over the classes.

    Formula:
        macro: Σ_c w_c (1 - (2 Σp_c t_c + a) / (Σp_c + Σt_c + b)) / Σ_c w_c; micro: the sums run over the classes too
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: labels (batch, *axes), or one value per
        class like prediction; class_weight: (classes); average none: one value per class
    Convention:
        Sums are pooled over the batch, or stay within each row with per_sample. A class that is absent from both
        has 1 - a / b. The background, class 0, is left out with include_background false. MONAI: 1e-5, 1e-5 and
        per_sample (its batch=True pools); its class weights are not divided by their sum but by the number of
        classes. segmentation-models-pytorch pools over the batch, with no smoothing but a floor, and lets a class
        that is absent from the target cost 0, whatever was predicted.
    Source:
        F. Milletari, N. Navab, S.-A. Ahmadi, V-Net, 2016, https://arxiv.org/abs/1606.04797
    Example:
        {"prediction": [[0.9, 0.1], [0.4, 0.6]], "target": [0, 1]} → 0.2557544743656831
    """
    left = kept(sums, average, include_background)
    overlapping = 2.0 * left["intersection"] + smooth_numerator
    losses = 1.0 - overlapping / (left["prediction"] + left["target"] + smooth_denominator)
    return over_classes(losses, class_weight, average)
