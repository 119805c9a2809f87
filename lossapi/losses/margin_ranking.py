"""Which of two scores should be the larger, and by how much."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows, Sign
from lossapi.errors import ShapeError
from lossapi.functions import clip
from lossapi.libraries.conventions import Arguments, broadcast, steps
from lossapi.libraries.presets import torch


def _same_rank(arguments: Arguments) -> Arguments:
    """PyTorch broadcasts here only among tensors of one rank."""
    for name in ("input2", "target"):
        if arguments[name].ndim != arguments["input1"].ndim:
            wanted = f"{name} with {arguments['input1'].ndim} axes"
            raise ShapeError(wanted, f"shape {arguments[name].shape}", (name,))
    return arguments


@loss(
    family="ranking",
    like=[
        torch(
            "margin_ranking_loss(input1, input2, target, margin=0, reduction='mean')",
            prepare=steps(_same_rank, broadcast("input1", "input2", "target")),
            unchecked=frozenset({"target"}),
            differs="targets outside -1 and 1 are multiplied as they are: 0 costs the margin",
        ),
    ],
)
def margin_ranking(
    input1: Real[Array, "batch *axes"],
    input2: Real[Array, "batch *axes"],
    target: Sign[Array, "batch *axes"],
    *,
    margin: float = 0.0,
) -> Rows[Array, "batch *axes"]:
    """How far two scores are from the right order, with a margin to spare.

    Formula:
        max(0, m - y (x₁ - x₂)): y = 1 where x₁ should be the larger, -1 where x₂ should
    Shapes:
        input1, input2, target: (batch, *axes); one value per element
    Units:
        the scores' unit, and so has `margin`
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        R. Herbrich, T. Graepel, K. Obermayer, Large Margin Rank Boundaries for Ordinal Regression, 2000,
        doi:10.7551/mitpress/1113.003.0010
    Example:
        {"input1": [2.0, 1.0], "input2": [1.0, 1.5], "target": [1, 1], "margin": 0.25} → 0.375
    """
    return clip(margin - target * (input1 - input2), low=0.0)
