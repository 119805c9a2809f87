"""Pairs of embeddings: like ones drawn together, unlike ones pushed beyond a margin."""

from lossapi.definition import loss
from lossapi.domains import Array, Binary, Real, Rows
from lossapi.functions import namespace, relu
from lossapi.parameters import NonNegative


@loss(family="face")
def contrastive(
    input1: Real[Array, "batch dim"],
    input2: Real[Array, "batch dim"],
    target: Binary[Array, "batch"],
    *,
    margin: NonNegative = 1.0,
) -> Rows[Array, "batch"]:
    """Charges like pairs their squared distance, and unlike pairs the square of what it lacks of the margin.

    Formula:
        y d² + (1 - y) max(0, m - d)², d = |a - b|, target y = 1 for like pairs, 0 for unlike ones
    Shapes:
        input1, input2: (batch, dim); target: (batch); one value per row
    Units:
        the square of the embedding's unit; `margin` in that unit
    Convention:
        As in TensorFlow Addons. The paper halves both terms and calls like pairs 0. pytorch-metric-learning does
        not square, scales embeddings to unit length and pairs all rows of a batch with each other.
    Raises:
        domain: a target that is neither 0 nor 1
    Source:
        R. Hadsell, S. Chopra, Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006,
        doi:10.1109/CVPR.2006.100
    Example:
        {"input1": [[0.0, 0.0], [1.0, 0.0]], "input2": [[3.0, 4.0], [1.0, 0.5]], "target": [1, 0]} → 12.625
    """
    xp = namespace(input1)
    apart = input1 - input2
    short = relu(margin - xp.linalg.vector_norm(apart, axis=1))
    return target * xp.sum(apart * apart, axis=1) + (1.0 - target) * short * short
