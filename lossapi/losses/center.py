"""How far embeddings lie from the centre of their class."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows
from lossapi.functions import namespace


@loss(family="face")
def center(
    embedding: Real[Array, "batch dim"], label: Label[Array, "batch"], center: Real[Array, "classes dim"]
) -> Rows[Array, "batch"]:
    """Half the squared distance of each embedding to the centre of its class.

    Formula:
        ½ |x - c_y|²
    Shapes:
        embedding: (batch, dim); label: (batch), indices; center: (classes, dim); one value per row
    Units:
        the square of the embedding's unit
    Convention:
        The paper sums over the rows (`reduction` sum) and adds λ times this to softmax cross-entropy. It moves a
        centre by a rate times Σ (c - x)/(1 + n) over the n rows of its class, which is not this loss's gradient.
        Popular copies drop the ½.
    Errata:
        Often named and left without a formula.
    Raises:
        domain: a label not below the number of classes
    Source:
        Y. Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition, 2016,
        doi:10.1007/978-3-319-46478-7_31
    Example:
        {"embedding": [[3.0, 4.0], [1.0, 0.0]], "label": [0, 1], "center": [[0.0, 0.0], [1.0, 1.0]]} → 6.5
    """
    xp = namespace(embedding)
    apart = embedding - xp.take(center, label, axis=0)
    return 0.5 * xp.sum(apart * apart, axis=1)
