"""Dice and cross-entropy together."""

from typing import Literal

from lossapi.combination import Alternatives, Term, combination
from lossapi.parameters import NonNegative


@combination(family="segmentation")
def dice_cross_entropy(
    *,
    lambda_dice: NonNegative = 1.0,
    lambda_ce: NonNegative = 1.0,
    average: Literal["binary", "macro", "micro"] | None = None,
) -> Alternatives:
    """The dice loss for the shape as a whole and cross-entropy for every point, added up.

    One set: dice and binary cross-entropy. Classes: dice over classes and cross-entropy. Their parameters are its own;
    with from_logits dice sees the sigmoid or softmax of the raw scores, and cross-entropy the raw scores.

    Formula:
        lambda_dice · dice + lambda_ce · cross-entropy
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: labels (batch, *axes), or like prediction;
        a vector, a single class, or average binary: one set, prediction and target (batch, *axes);
        class_weight (classes) for classes, pos_weight and alpha for one set
    Convention:
        Dice is pooled over the batch and smoothed by 1e-8 in both places. MONAI's DiceCELoss: from_logits, 1e-5 in both
        places, per_sample; its `weight` is class_weight here (there dice is not divided by the weights' sum), and
        pos_weight where there is one class. The mean of cross-entropy is over the points, whatever their class weights;
        weighted_mean divides by these, as PyTorch and MONAI do with labels.
    Source:
        F. Isensee, J. Petersen, A. Klein et al., nnU-Net, 2018, https://arxiv.org/abs/1809.10486
    Example:
        {"prediction": [[0.9, 0.1], [0.4, 0.6]], "target": [0, 1]} → 0.5638475440775916
    """
    classes = [
        Term(name="multiclass_dice", coefficient=lambda_dice),
        Term(name="cross_entropy", coefficient=lambda_ce),
    ]
    one = [Term(name="dice", coefficient=lambda_dice), Term(name="binary_cross_entropy", coefficient=lambda_ce)]
    if average is None:
        return [classes, one]
    return [one] if average == "binary" else [classes]
