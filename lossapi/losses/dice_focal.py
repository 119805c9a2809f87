"""Dice and focal loss together."""

from typing import Literal

from lossapi.combination import Alternatives, Term, combination
from lossapi.parameters import NonNegative


@combination(family="segmentation")
def dice_focal(
    *,
    lambda_dice: NonNegative = 1.0,
    lambda_focal: NonNegative = 1.0,
    average: Literal["binary", "macro", "micro"] | None = None,
) -> Alternatives:
    """The dice loss for the shape as a whole and the focal loss for every point, added up.

    One set: dice and binary focal. Classes: dice over classes and focal. Their parameters are its own; with
    from_logits dice sees the sigmoid or softmax of the raw scores, and the focal loss the raw scores.

    Formula:
        lambda_dice · dice + lambda_focal · focal
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: labels (batch, *axes), or like prediction;
        a vector, a single class, or average binary: one set, prediction and target (batch, *axes);
        alpha: a number, or one per class; class_weight (classes) weighs dice
    Convention:
        Dice is pooled over the batch and smoothed by 1e-8 in both places; alpha is 0.25 for one set, as in the binary
        focal loss (balanced false leaves it out), and absent for classes. MONAI's DiceFocalLoss: from_logits, 1e-5 in
        both places, per_sample, no alpha; its focal term is that of the sigmoid, class by class and averaged over them,
        even where dice sees the softmax: a weighted sum of the two says so here.
    Source:
        W. Zhu, Y. Huang, L. Zeng et al., AnatomyNet, 2019, https://arxiv.org/abs/1808.05238
    Example:
        {"prediction": [[0.9, 0.1], [0.4, 0.6]], "target": [0, 1]} → 0.2971473268452515
    """
    classes = [Term(name="multiclass_dice", coefficient=lambda_dice), Term(name="focal", coefficient=lambda_focal)]
    one = [Term(name="dice", coefficient=lambda_dice), Term(name="binary_focal", coefficient=lambda_focal)]
    if average is None:
        return [classes, one]
    return [one] if average == "binary" else [classes]
