"""Contrastive cross-entropy over all pairs of a batch."""

from lossapi.definition import loss
from lossapi.domains import Array, Group, Real, Rows
from lossapi.functions import namespace, softplus, unit
from lossapi.libraries.conventions import Arguments, floating, steps
from lossapi.libraries.presets import optax
from lossapi.maps.pairs import logsumexp_over, partners
from lossapi.parameters import NonNegative, Positive
from lossapi.states import Weighted


def _optax(arguments: Arguments) -> Arguments:
    """optax clips squared lengths at the machine's epsilon."""
    embedding = arguments["embedding"]
    return {**arguments, "least_length": float(namespace(embedding).finfo(embedding.dtype).eps) ** 0.5}


@loss(
    family="embedding",
    reduction="weighted_mean",
    like=[
        optax(
            "ntxent(embeddings, labels, temperature=0.07)",
            {"embeddings": "embedding", "labels": "label"},
            reduction="weighted_mean",
            prepare=steps(floating("embedding"), _optax),
            differs="no length counts as less than the root of the machine's epsilon",
        ),
    ],
)
def ntxent(
    embedding: Real[Array, "rows dim"],
    label: Group[Array, "rows"],
    *,
    temperature: Positive = 0.07,
    least_length: NonNegative = 1e-12,
) -> Rows[Array, "rows"]:
    """How hard it is to tell each like pair from the unlike pairs of its anchor, by their cosines (InfoNCE, SimCLR).

    Formula:
        for each pair (a, p) of one label: -log(e^(s_ap/t) / (e^(s_ap/t) + Σ_n e^(s_an/t))), s the cosines, n the
        rows of other labels, t the temperature
    Shapes:
        embedding: (rows, dim); label: (rows), any integers; one value per row, the sum over its like pairs
    Units:
        nats
    Convention:
        A row's weight is the number of its like pairs, so `weighted_mean`, the default, is the mean over all like
        pairs, as in optax and pytorch-metric-learning. Two views of n images have the labels 0…n-1 twice.
        pytorch-metric-learning adds the least positive number inside the log, which caps a float32 term at 87.
    Source:
        T. Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020,
        https://arxiv.org/abs/2002.05709
    Example:
        {"embedding": [[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]], "label": [0, 0, 1],
        "temperature": 1.0} → 0.5032044342141938
    """
    xp = namespace(embedding)
    direction = unit(embedding, floor=least_length)
    similarity = xp.matmul(direction, xp.matrix_transpose(direction)) / temperature
    like, unlike = partners(label)
    rivals = xp.expand_dims(logsumexp_over(unlike, similarity), axis=1)
    pairs = xp.astype(like, similarity.dtype)
    return Weighted(xp.sum(pairs * softplus(rivals - similarity), axis=1), xp.sum(pairs, axis=1))
