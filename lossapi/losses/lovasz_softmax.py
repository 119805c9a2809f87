"""The Lovász softmax: the Jaccard loss of every class, extended to probabilities."""

from typing import Literal

from lossapi.definition import loss, row_mode
from lossapi.domains import Array, Label, Rows, Score, Weight
from lossapi.functions import namespace, one_hot, softmax
from lossapi.maps.lovasz import extension

Classes = Literal["present", "all"]


def softmax_by_image(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
    per_image: bool = False,
    classes: Classes = "present",
) -> Rows[Array, "batch"]:
    """The loss of each image by itself."""
    errors, member = _errors(prediction, target, from_logits)
    xp, shape = namespace(errors), (errors.shape[0], errors.shape[1], -1)
    enters = None if weight is None else xp.reshape(weight != 0.0, (errors.shape[0], 1, -1))
    return _averaged(xp.reshape(errors, shape), xp.reshape(member, shape), enters, classes)


@loss(family="segmentation", rows=row_mode("per_image", True, softmax_by_image))
def lovasz_softmax(
    prediction: Score[Array, "images classes *axes"],
    target: Label[Array, "images *axes"],
    weight: Weight[Array, "images *axes"] | None = None,
    *,
    from_logits: bool = False,
    per_image: bool = False,
    classes: Classes = "present",
) -> Rows[Array, ""]:
    """How much mean intersection over union a forecast over classes loses, as a function of its errors.

    For each class a point errs by 1 - p of it where it belongs there, by p where not. The errors are taken from the
    largest down, each weighed by what it adds to the Jaccard loss of the points before it.

    Formula:
        mean over classes of Σ_i e_i Δ_i, e falling, Δ_i = J(1..i) - J(1..i-1), J = 1 - |T \\ E| / |T ∪ E| where the
        points E err
    Shapes:
        prediction: (images, classes, *axes), classes at class_axis; target: labels (images, *axes); one value for
        everything, or with per_image one per image, then reduced; a point of weight 0, or with the label ignore_index,
        does not enter
    Convention:
        Probabilities, or raw scores with from_logits. The mean is over the classes that are present in the target, as
        in the paper's code and segmentation-models-pytorch; kornia takes all classes, each image by itself. Where no
        class is present, the loss is 0.
    Raises:
        domain: a label not below the number of classes, a probability outside [0, 1]
    Source:
        M. Berman, A. R. Triki, M. B. Blaschko, The Lovász-Softmax Loss, 2018, https://arxiv.org/abs/1705.08790
    Example:
        {"prediction": [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]], "target": [0, 1, 1]} → 0.5
    """
    errors, member = _errors(prediction, target, from_logits)
    xp, shape = namespace(errors), (errors.shape[1], -1)
    errors, member = xp.moveaxis(errors, 1, 0), xp.moveaxis(member, 1, 0)
    enters = None if weight is None else xp.reshape(weight != 0.0, (1, -1))
    return _averaged(xp.reshape(errors, shape), xp.reshape(member, shape), enters, classes)


def _errors(prediction: Array, target: Array, from_logits: bool) -> tuple[Array, Array]:
    """|t - p| of every point and class, and t."""
    p = softmax(prediction, axis=1) if from_logits else prediction
    member = one_hot(target, p, axis=1)
    return namespace(p).abs(member - p), member


def _averaged(errors: Array, member: Array, enters: Array | None, classes: Classes) -> Array:
    """The mean over the classes, all or those with a point that enters."""
    xp = namespace(errors)
    enters = None if enters is None else xp.broadcast_to(enters, errors.shape)
    losses = extension(errors, member, enters)
    if classes == "all":
        return xp.mean(losses, axis=-1)
    inside = member if enters is None else xp.where(enters, member, 0.0 * member)
    present = xp.astype(xp.any(inside > 0.0, axis=-1), losses.dtype)
    return xp.sum(losses * present, axis=-1) / xp.clip(xp.sum(present, axis=-1), 1.0, None)
