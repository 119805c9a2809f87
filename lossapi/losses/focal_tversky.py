"""The Tversky loss, focused on what overlaps badly."""

from lossapi.definition import loss
from lossapi.domains import Array, Real
from lossapi.maps.overlap import SetAverage, class_overlap, kept, over_classes, ratio, set_overlap
from lossapi.parameters import NonNegative, Positive


@loss(family="segmentation", of=(set_overlap, class_overlap))
def focal_tversky(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    fp_weight: NonNegative = 0.3,
    fn_weight: NonNegative = 0.7,
    gamma: Positive = 0.75,
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    average: SetAverage | None = None,
    include_background: bool = True,
) -> Array:
    """A power of the Tversky loss: below 1 it dwells on small structures that are nearly found.

    Formula:
        (1 - (TP + a) / (TP + fp_weight FP + fn_weight FN + b))^gamma, TP = Σpt, FP = Σp(1 - t), FN = Σ(1 - p)t
    Shapes:
        one set: prediction, target (batch, *axes), pooled over everything, or one value per row with per_sample;
        classes: prediction (batch, classes, *axes) with labels (batch, *axes), or with a target like prediction if
        average says macro, micro or none; class_weight (classes)
    Convention:
        The paper writes the power 1/γ with γ = 4/3: gamma is that power itself, 0.75. It is taken of each class's loss
        and then averaged; segmentation-models-pytorch takes it of the mean.
    Source:
        N. Abraham, N. M. Khan, A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
        Segmentation, 2019, https://arxiv.org/abs/1810.07842
    Example:
        {"prediction": [1.0, 1.0, 0.0, 0.0], "target": [1, 0, 1, 1]} → 0.7068281978521008
    """
    index = ratio(kept(sums, average, include_background), fp_weight, fn_weight, smooth_numerator, smooth_denominator)
    return over_classes((1.0 - index) ** gamma, class_weight, average)
