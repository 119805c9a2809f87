"""One minus intersection over union of a soft prediction and a target."""

from lossapi.definition import loss
from lossapi.domains import Array, Real
from lossapi.maps.overlap import SetAverage, class_overlap, kept, over_classes, ratio, set_overlap
from lossapi.parameters import NonNegative


@loss(family="segmentation", of=(set_overlap, class_overlap))
def jaccard(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    average: SetAverage | None = None,
    include_background: bool = True,
) -> Array:
    """How little a predicted mask overlaps the true one: 1 - |X∩Y| / |X∪Y|, on probabilities.

    Formula:
        1 - (Σpt + a) / (Σp + Σt - Σpt + b), a = smooth_numerator, b = smooth_denominator
    Shapes:
        one set: prediction, target (batch, *axes), pooled over everything, or one value per row with per_sample;
        classes: prediction (batch, classes, *axes) with labels (batch, *axes), or with a target like prediction if
        average says macro, micro or none; class_weight (classes)
    Convention:
        J = 2D / (1 + D), where D is the dice loss without smoothing: the same order, steeper near a perfect overlap.
        Nothing predicted and nothing there costs 1 - a/b. segmentation-models-pytorch pools over the batch, floors the
        denominator at 1e-7, and lets a class absent from the target cost 0. MONAI's jaccard option has 1e-5 in both
        places of (2Σpt + a) / (2 union + b), which are halves here, image by image (per_sample).
    Source:
        M. A. Rahman, Y. Wang, Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation, 2016,
        doi:10.1007/978-3-319-50835-1_22
    Example:
        {"prediction": [0.9, 0.2, 0.6, 0.1], "target": [1, 0, 1, 0]} → 0.34782608544423455
    """
    index = ratio(kept(sums, average, include_background), 1.0, 1.0, smooth_numerator, smooth_denominator)
    return over_classes(1.0 - index, class_weight, average)
