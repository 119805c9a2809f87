"""Generalised intersection over union of boxes."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace, relu
from lossapi.parameters import NonNegative


@loss(family="detection")
def giou(
    prediction: Real[Array, "batch *axes 4"], target: Real[Array, "batch *axes 4"], *, epsilon: NonNegative = 1e-7
) -> Rows[Array, "batch *axes"]:
    """How little two boxes overlap, and how far apart they are where they do not touch: 1 - GIoU, from 0 to 2.

    Formula:
        1 - I / (U + ε) + (C - U) / (C + ε); I, U the areas of intersection and union, C that of the smallest box
        around both
    Shapes:
        prediction, target: (batch, *axes, 4), corners (x1, y1, x2, y2) with x1 ≤ x2 and y1 ≤ y2; one value per box
    Units:
        none: boxes may be in pixels or relative; ε is an area in their unit
    Convention:
        torchvision's generalized_box_iou_loss, whose default is no reduction; MONAI's ε is the float's own.
    Source:
        H. Rezatofighi et al., Generalized Intersection over Union, 2019, https://arxiv.org/abs/1902.09630
    Example:
        {"prediction": [[0.0, 0.0, 2.0, 2.0]], "target": [[1.0, 1.0, 3.0, 3.0]], "epsilon": 0.0} → 1.0793650793650793
    """
    xp = namespace(prediction)
    low, high = xp.maximum(prediction, target)[..., :2], xp.minimum(prediction, target)[..., 2:]
    shared = xp.prod(relu(high - low), axis=-1)
    union = _area(prediction) + _area(target) - shared
    around = xp.prod(xp.maximum(prediction, target)[..., 2:] - xp.minimum(prediction, target)[..., :2], axis=-1)
    return 1.0 - shared / (union + epsilon) + (around - union) / (around + epsilon)


def _area(box: Array) -> Array:
    return namespace(box).prod(box[..., 2:] - box[..., :2], axis=-1)
