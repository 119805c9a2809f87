"""Overlap in which false positives and false negatives weigh differently."""

from lossapi.definition import loss
from lossapi.domains import Array, Real
from lossapi.libraries.presets import keras, optax
from lossapi.maps.overlap import SetAverage, class_overlap, kept, over_classes, ratio, set_overlap
from lossapi.maps.sets import UNCHECKED, keras_sets, optax_sets
from lossapi.parameters import NonNegative


@loss(
    family="segmentation",
    of=(set_overlap, class_overlap),
    like=[
        *keras(
            "tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None)",
            "Tversky",
            {"alpha": "fn_weight", "beta": "fp_weight"},
            prepare=keras_sets,
            fixed={"average": "binary", "smooth_numerator": 0.0, "smooth_denominator": 1e-7},
            unchecked=UNCHECKED,
            differs="alpha weighs false negatives and beta false positives, whatever its documentation says; "
            "1e-7 in the denominator alone; sums run along axis",
        ),
        optax(
            "dice_loss(predictions, targets, class_weights=None, smooth=1.0, alpha=0.5, beta=0.5, apply_softmax=True, "
            "reduction='mean', ignore_background=False, axis=None)",
            {
                "class_weights": "class_weight",
                "alpha": "fp_weight",
                "beta": "fn_weight",
                "apply_softmax": "from_logits",
                "reduction": "average",
            },
            prepare=optax_sets,
            unchecked=UNCHECKED,
            differs="the classes are last; each image by itself; 1 in numerator and denominator; class weights are not "
            "divided by their sum; the sigmoid where there is one class",
        ),
    ],
)
def tversky(
    sums: dict[str, Array],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    fp_weight: NonNegative = 0.5,
    fn_weight: NonNegative = 0.5,
    smooth_numerator: NonNegative = 1e-8,
    smooth_denominator: NonNegative = 1e-8,
    average: SetAverage | None = None,
    include_background: bool = True,
) -> Array:
    """How little a predicted mask overlaps the true one, where what is missed may cost more than what is invented.

    `fp_weight` weighs what was predicted and is not there, `fn_weight` what is there and was not predicted. Halves
    give the dice loss, ones the Jaccard loss.

    Formula:
        1 - (TP + a) / (TP + fp_weight FP + fn_weight FN + b), TP = Σpt, FP = Σp(1 - t), FN = Σ(1 - p)t
    Shapes:
        one set: prediction, target (batch, *axes), pooled over everything, or one value per row with per_sample;
        classes: prediction (batch, classes, *axes) with labels (batch, *axes), or with a target like prediction if
        average says macro, micro or none; class_weight (classes)
    Convention:
        With from_logits the sigmoid is inside for one set, the softmax for classes. MONAI, segmentation-models-pytorch
        and kornia write α for fp_weight and β for fn_weight; Keras says the same and computes the reverse. MONAI
        smooths by 1e-5 in both places and keeps each image and class by itself (per_sample); optax by 1 in both.
    Source:
        S. S. M. Salehi, D. Erdogmus, A. Gholipour, Tversky Loss Function for Image Segmentation Using 3D Fully
        Convolutional Deep Networks, 2017, https://arxiv.org/abs/1706.05721
    Example:
        {"prediction": [1.0, 1.0, 0.0, 0.0], "target": [1, 0, 1, 1], "fp_weight": 0.3, "fn_weight": 0.7}
        → 0.629629627297668
    """
    index = ratio(kept(sums, average, include_background), fp_weight, fn_weight, smooth_numerator, smooth_denominator)
    return over_classes(1.0 - index, class_weight, average)
