"""Circle loss over all pairs of a batch."""

from lossapi.definition import loss
from lossapi.domains import Array, Group, Real, Rows
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace, relu, softplus, unit
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.layouts import keras_rows
from lossapi.libraries.presets import keras
from lossapi.maps.pairs import logsumexp_over, partners
from lossapi.parameters import Positive
from lossapi.states import Weighted

TINIEST = 5e-324
REFERENCES = {"ref_labels": "reference_label", "ref_embeddings": "reference_embedding"}


def _keras(arguments: Arguments) -> Arguments:
    """Keras: labels cut to integers, the batch for references left out; the mean is over the anchors with a loss."""
    xp = namespace(arguments["embedding"])
    given = {name: value for name, value in arguments.items() if value is not None}
    if given.keys() & set(REFERENCES.values()):
        given = {"reference_label": given["label"], "reference_embedding": given["embedding"], **given}
    for name in given.keys() & {"label", "reference_label"}:
        given[name] = xp.astype(xp.reshape(given[name], (-1,)), xp.int64)
    weight = given.get("weight")
    if weight is not None and weight.size != given["embedding"].shape[0]:
        raise ShapeError(f"{given['embedding'].shape[0]} sample weights", f"shape {weight.shape}", ("weight",))
    laid_out = keras_rows(given, given["embedding"].shape[:1])
    if laid_out["reduction"] != "mean":
        return laid_out
    weight = laid_out.get("weight")
    if weight is None:
        return {**laid_out, "reduction": "weighted_mean"}
    # An anchor of weight 0 counts in Keras' divisor: a weight too small to add anything makes it count here.
    counted = xp.where(weight == 0, TINIEST, xp.astype(weight, xp.float64))
    return {**laid_out, "weight": counted, "reduction": "nonzero_mean"}


@loss(
    family="embedding",
    reduction="weighted_mean",
    like=keras(
        "circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4)",
        "Circle",
        {"y_true": "label", "y_pred": "embedding", "remove_diagonal": "skip_self", **REFERENCES},
        fixed={"normalize": False},
        prepare=_keras,
        differs="takes embeddings for unit vectors; an anchor whose loss rounds to 0 leaves the mean there",
    ),
)
def circle(
    embedding: Real[Array, "rows dim"],
    label: Group[Array, "rows"],
    reference_embedding: Real[Array, "references dim"] | None = None,
    reference_label: Group[Array, "references"] | None = None,
    *,
    gamma: Positive = 80.0,
    margin: float = 0.4,
    normalize: bool = True,
    skip_self: bool = True,
) -> Rows[Array, "rows"]:
    """Draws embeddings of one class together and others apart, each pair the more the further it is from its goal.

    Formula:
        softplus(LSE_n γ max(0, s_n + m)(s_n - m) + LSE_p -γ max(0, 1 + m - s_p)(s_p - 1 + m)) for each anchor,
        s its cosines to the others: s_p to its own class, s_n to other classes; LSE = log Σ exp
    Shapes:
        embedding: (rows, dim); label: (rows), any integers; one value per row. With reference_embedding
        (references, dim) and reference_label (references), pairs are formed with these instead.
    Convention:
        `weighted_mean`, the default, is over the anchors that have both a like and an unlike partner, as in Keras
        and pytorch-metric-learning; the others cost 0. Embeddings are brought to unit length unless `normalize`
        is false (Keras). `skip_self` leaves out the pairs (i, i). The bracketed weights are constants to the
        gradient in the paper and in pytorch-metric-learning; here, as in Keras, the gradient runs through them.
    Source:
        Y. Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020,
        https://arxiv.org/abs/2002.10857
    Example:
        {"embedding": [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "label": [0, 0, 1], "gamma": 1.0} → 0.5458929371800754
    """
    xp = namespace(embedding)
    if (reference_embedding is None) != (reference_label is None):
        raise ParameterError("reference_embedding and reference_label together", "one of them", ("reference_label",))
    others = embedding if reference_embedding is None else reference_embedding
    one, two = (unit(embedding), unit(others)) if normalize else (embedding, others)
    d = relu(1.0 - xp.matmul(one, xp.matrix_transpose(two)))
    like, unlike = partners(label, reference_label, skip_self=skip_self)
    near = logsumexp_over(like, -gamma * relu(margin + d) * (margin - d))
    far = logsumexp_over(unlike, gamma * relu(1.0 + margin - d) * (1.0 - margin - d))
    paired = xp.astype(xp.any(like, axis=1) & xp.any(unlike, axis=1), d.dtype)
    return Weighted(paired * softplus(near + far), paired)
