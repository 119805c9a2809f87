"""The L1 and L2 norm of the error, over everything or along an axis."""

from lossapi.definition import loss, row_mode
from lossapi.domains import Array, Real, Sums
from lossapi.functions import namespace


def absolute(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]
) -> Sums[dict[str, Array], "batch *axes"]:
    """|e| of each element."""
    return {"total": namespace(prediction).abs(prediction - target)}


def absolute_rows(
    prediction: Real[Array, "batch *axes dim"], target: Real[Array, "batch *axes dim"]
) -> Sums[dict[str, Array], "batch *axes"]:
    """Σ|e| along the axis asked for."""
    xp = namespace(prediction)
    return {"total": xp.sum(xp.abs(prediction - target), axis=-1)}


def squared(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]
) -> Sums[dict[str, Array], "batch *axes"]:
    """e² of each element."""
    error = prediction - target
    return {"total": error * error}


def squared_rows(
    prediction: Real[Array, "batch *axes dim"], target: Real[Array, "batch *axes dim"]
) -> Sums[dict[str, Array], "batch *axes"]:
    """Σe² along the axis asked for."""
    error = prediction - target
    return {"total": namespace(error).sum(error * error, axis=-1)}


@loss(family="regression", of=absolute, rows=row_mode("axis", ..., absolute_rows))
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


@loss(family="regression", of=squared, rows=row_mode("axis", ..., squared_rows))
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
