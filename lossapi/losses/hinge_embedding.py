"""Hinge on distances: small for like pairs, beyond a margin for unlike ones."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows, Sign
from lossapi.functions import clip, namespace
from lossapi.libraries.conventions import Arguments, broadcast, promoted, steps
from lossapi.libraries.presets import torch


def _floating_mean(arguments: Arguments) -> Arguments:
    """PyTorch takes integers alone, but not their mean."""
    return promoted("prediction", "target")(arguments) if arguments["reduction"] == "mean" else arguments


@loss(
    family="embedding",
    like=[
        torch(
            "hinge_embedding_loss(input, target, margin=1.0, reduction='mean')",
            prepare=steps(_floating_mean, broadcast("prediction", "target")),
            unchecked=frozenset({"target"}),
            differs="a target that is neither -1 nor 1 is charged both terms",
        ),
    ],
)
def hinge_embedding(
    prediction: Real[Array, "batch *axes"], target: Sign[Array, "batch *axes"], *, margin: float = 1.0
) -> Rows[Array, "batch *axes"]:
    """Charges like pairs their distance, and unlike pairs what their distance lacks of the margin.

    Formula:
        d where y = 1;  max(0, m - d) where y = -1; the prediction is the distance d
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the distance's unit, and so has `margin`
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        torch.nn.HingeEmbeddingLoss, https://docs.pytorch.org/docs/stable/generated/torch.nn.HingeEmbeddingLoss.html
    Example:
        {"prediction": [0.5, 0.25], "target": [1, -1]} → 0.625
    """
    xp = namespace(prediction)
    nothing = xp.zeros_like(prediction)
    near = xp.where(target != 1.0, clip(margin - prediction, low=0.0), nothing)
    return near + xp.where(target != -1.0, prediction, nothing)
