"""The angle between two embeddings: small for like pairs, wide for unlike ones."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows, Sign
from lossapi.errors import ShapeError
from lossapi.functions import clip, namespace
from lossapi.libraries.conventions import Arguments, broadcast, steps, unbatched
from lossapi.libraries.presets import torch
from lossapi.parameters import NonNegative


def _one_sign(arguments: Arguments) -> Arguments:
    """PyTorch takes two vectors and one sign, or rows of vectors and a sign for each."""
    rank = arguments["target"].ndim + 1
    for name in ("input1", "input2"):
        if rank > 2 or arguments[name].ndim != rank:
            raise ShapeError("(batch, dim), (batch, dim) and (batch)", f"{name} of {arguments[name].shape}", (name,))
    return arguments


def _stretched(arguments: Arguments) -> Arguments:
    """Rows are stretched to each other, vectors are not."""
    if arguments["input1"].shape[-1:] != arguments["input2"].shape[-1:] or not arguments["input1"].shape[-1]:
        raise ShapeError("vectors of one length", f"{arguments['input2'].shape}", ("input2",))
    rows = broadcast("input1", "input2", "target")({**arguments, "target": arguments["target"][:, None]})
    return {**rows, "target": rows["target"][:, 0]}


@loss(
    family="embedding",
    like=[
        torch(
            "cosine_embedding_loss(input1, input2, target, margin=0, reduction='mean')",
            prepare=steps(_one_sign, unbatched(1, "input1", "input2", "target"), _stretched),
            unchecked=frozenset({"target"}),
            differs="a target that is neither -1 nor 1 costs 0",
        ),
    ],
)
def cosine_embedding(
    input1: Real[Array, "batch dim"],
    input2: Real[Array, "batch dim"],
    target: Sign[Array, "batch"],
    *,
    margin: float = 0.0,
    epsilon: NonNegative = 1e-12,
) -> Rows[Array, "batch"]:
    """Charges like pairs what their cosine lacks of 1, and unlike pairs what it exceeds the margin by.

    Formula:
        1 - cos where y = 1;  max(0, cos - m) where y = -1;  cos = a·b / √((|a|² + ε)(|b|² + ε))
    Shapes:
        input1, input2: (batch, dim); target: (batch); one value per row
    Convention:
        `epsilon` is added to both squared lengths, as in PyTorch, so that a zero vector has cosine 0.
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        torch.nn.CosineEmbeddingLoss,
        https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html
    Example:
        {"input1": [[1.0, 0.0], [0.0, 2.0]], "input2": [[0.0, 1.0], [0.0, 1.0]], "target": [1, 1]} → 0.5
    """
    xp = namespace(input1)
    lengths = (xp.sum(input1 * input1, axis=1) + epsilon) * (xp.sum(input2 * input2, axis=1) + epsilon)
    cosine = xp.sum(input1 * input2, axis=1) / xp.sqrt(lengths)
    apart, nothing = clip(cosine - margin, low=0.0), xp.zeros_like(cosine)
    return xp.where(target == 1.0, 1.0 - cosine, nothing) + xp.where(target == -1.0, apart, nothing)
