"""The Lovász hinge: a convex stand-in for the Jaccard loss of one set."""

from lossapi.definition import loss, row_mode
from lossapi.domains import Array, BinaryLabel, Real, Rows, Weight
from lossapi.functions import namespace, relu
from lossapi.maps.lovasz import extension


def hinge_by_image(
    prediction: Real[Array, "batch *axes"],
    target: BinaryLabel[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    per_image: bool = False,
) -> Rows[Array, "batch"]:
    """The loss of each image by itself."""
    rows = (prediction.shape[0], -1)
    return _extended(prediction, target, weight, rows)


@loss(family="segmentation", rows=row_mode("per_image", True, hinge_by_image))
def lovasz_hinge(
    prediction: Real[Array, "images *axes"],
    target: BinaryLabel[Array, "images *axes"],
    weight: Weight[Array, "images *axes"] | None = None,
    *,
    per_image: bool = False,
) -> Rows[Array, ""]:
    """How much intersection over union raw scores lose, as a convex function of their hinge errors.

    Each point errs by max(0, 1 - (2t - 1) x). The errors are taken from the largest down, each weighed by what it adds
    to the Jaccard loss of the points before it.

    Formula:
        Σ_i e_i Δ_i, e falling, Δ_i = J(1..i) - J(1..i-1), J = 1 - |T \\ E| / |T ∪ E| where the points E err
    Shapes:
        prediction: raw scores (images, *axes); target: 0 or 1, of the same shape; one value for everything, or with
        per_image one per image, then reduced; a point of weight 0, or with the label ignore_index, does not enter
    Convention:
        The paper's own code, and segmentation-models-pytorch, pool everything by default; kornia takes each image by
        itself. Where no point enters, the loss is 0, as there.
    Raises:
        domain: a target that is neither 0 nor 1 nor ignore_index
    Source:
        J. Yu, M. Blaschko, Learning Submodular Losses with the Lovász Hinge, 2015,
        https://proceedings.mlr.press/v37/yub15.html
    Example:
        {"prediction": [2.0, -0.5, 0.5, 1.0], "target": [1, 1, 0, 0]} → 1.2916666666666667
    """
    return _extended(prediction, target, weight, (-1,))


def _extended(x: Array, t: Array, weight: Array | None, shape: tuple[int, ...]) -> Array:
    xp = namespace(x)
    errors = relu(1.0 - (2.0 * t - 1.0) * x)
    enters = None if weight is None else xp.reshape(weight != 0.0, shape)
    return extension(xp.reshape(errors, shape), xp.reshape(t, shape), enters)
