"""One positive pair per class, each class's positive a rival to all the others."""

from lossapi.definition import loss
from lossapi.domains import Array, Group, Real, Rows
from lossapi.functions import namespace, unit
from lossapi.maps.pairs import logsumexp_over, partners
from lossapi.states import Weighted


@loss(family="embedding", reduction="weighted_mean")
def npairs(
    embedding: Real[Array, "rows dim"], label: Group[Array, "rows"], *, normalize: bool = True
) -> Rows[Array, "rows"]:
    """Softmax cross-entropy of picking, for one anchor of each class, its positive among all classes' positives.

    Formula:
        for each class with two rows or more, a its first and p its second row: log Σ_c e^(x_a·x_p(c)) - x_a·x_p
    Shapes:
        embedding: (rows, dim); label: (rows), any integers; one value per row, 0 for rows that are no anchor
    Units:
        nats
    Convention:
        `weighted_mean`, the default, is over the anchors. As in pytorch-metric-learning, which brings embeddings
        to unit length by default; the paper does not (`normalize` false), but adds a penalty on their length.
    Source:
        K. Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, 2016,
        https://papers.nips.cc/paper/6200-improved-deep-metric-learning-with-multi-class-n-pair-loss-objective
    Example:
        {"embedding": [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]], "label": [5, 5, 7, 7]} → 0.31326168751822286
    """
    xp = namespace(embedding)
    x = unit(embedding) if normalize else embedding
    like, _ = partners(label)
    place = xp.arange(x.shape[0])
    later = like & (xp.expand_dims(place, axis=1) < xp.expand_dims(place, axis=0))
    anchors = ~xp.any(xp.matrix_transpose(later), axis=1) & xp.any(later, axis=1)
    second = xp.argmax(xp.astype(later, xp.int32), axis=1)
    positive = xp.take(x, second, axis=0)
    rivals = xp.expand_dims(anchors, axis=0) & xp.expand_dims(anchors, axis=1)
    weight = xp.astype(anchors, x.dtype)
    surprise = logsumexp_over(rivals, xp.matmul(x, xp.matrix_transpose(positive))) - xp.sum(x * positive, axis=1)
    return Weighted(xp.where(anchors, surprise, xp.zeros_like(surprise)), weight)
