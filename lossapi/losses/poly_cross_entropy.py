"""Cross-entropy with the first term of its series weighted anew."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Rows, Score
from lossapi.functions import log_softmax, namespace, pick, product
from lossapi.libraries import class_axes
from lossapi.libraries.class_axes import UNCHECKED
from lossapi.libraries.presets import optax


@loss(
    family="multiclass",
    like=[
        optax(
            "poly_loss_cross_entropy(logits, labels, *, epsilon=2.0, axis=-1, where=None)",
            fixed={"from_logits": True},
            prepare=class_axes.optax_dense(floating=True, by_row=False),
            tensors=("where",),
            unchecked=UNCHECKED,
            differs="classes along any axes; a label of 0 for a logit of -inf gives NaN",
        ),
    ],
)
def poly_cross_entropy(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    *,
    epsilon: float = 2.0,
    from_logits: bool = False,
) -> Rows[Array, "batch *axes"]:
    """Cross-entropy plus a multiple of the probability that went elsewhere: PolyLoss with one term changed.

    The series -log p = Σ (1 - p)^j / j has its first coefficient raised by ε; ε = 0 is the cross-entropy.

    Formula:
        Σ_c y_c (-log p_c + ε (1 - p_c)), with p = softmax(prediction) under from_logits
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes) or like prediction; one
        value per (batch, *axes)
    Units:
        nats
    Convention:
        ε = 2 for images of one object each, -1 for detection and instance segmentation, as the paper recommends.
    Raises:
        domain: a label not below the number of classes, a probability outside [0, 1]
    Source:
        Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng, D. Anguelov, PolyLoss, 2022,
        https://arxiv.org/abs/2204.12511
    Example:
        {"prediction": [[0.5, 0.5]], "target": [0]} → 1.6931471805599454
    """
    xp = namespace(prediction)
    logs = log_softmax(prediction, axis=1) if from_logits else xp.log(prediction)
    rest = 1.0 - (xp.exp(logs) if from_logits else prediction)
    if target.ndim != prediction.ndim:
        return epsilon * pick(rest, target, axis=1) - pick(logs, target, axis=1)
    return xp.sum(epsilon * target * rest - product(target, logs), axis=1)
