"""The L1 and L2 norm of the error, over everything or along an axis."""

from lossapi.definition import loss, row_mode
from lossapi.domains import Array, Real, Sums
from lossapi.functions import namespace


def absolute_sums(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, axis: int | None = None
) -> Sums[dict[str, Array], "batch *axes"]:
    """|e| of each element, summed along the last axis if an axis is asked for."""
    xp = namespace(prediction)
    error = xp.abs(prediction - target)
    return {"total": error if axis is None else xp.sum(error, axis=-1)}


def squared_sums(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, axis: int | None = None
) -> Sums[dict[str, Array], "batch *axes"]:
    """e² of each element, summed along the last axis if an axis is asked for."""
    xp = namespace(prediction)
    error = prediction - target
    return {"total": error * error if axis is None else xp.sum(error * error, axis=-1)}


@loss(family="regression", of=absolute_sums, rows=row_mode("axis", ...))
def l1_norm(sums: dict[str, Array]) -> Array:
    """The sum of the absolute differences: the Manhattan distance between prediction and target.

    Formula:
        Σ |e| = n · mean absolute error, e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one number, or with `axis` one norm per remaining element, then reduced
    Units:
        the prediction's unit
    Source:
        numpy.linalg.norm(ord=1)
    Example:
        {"prediction": [1.0, -2.0, 3.0], "target": [0.0, 0.0, 0.0]} → 6.0
    """
    return sums["total"]


@loss(family="regression", of=squared_sums, rows=row_mode("axis", ...))
def l2_norm(sums: dict[str, Array]) -> Array:
    """The Euclidean distance between prediction and target.

    Formula:
        √(Σ e²) = √(n · mean squared error), e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one number, or with `axis` one norm per remaining element, then reduced
    Units:
        the prediction's unit
    Convention:
        A cone with a kink at 0, where the derivative is 0, as in PyTorch. Not the same curve as the squared error.
    Source:
        numpy.linalg.norm
    Example:
        {"prediction": [3.0, 4.0], "target": [0.0, 0.0]} → 5.0
    """
    total = sums["total"]
    return namespace(total).sqrt(total)
