"""The hinge loss over classes: the right class should lead every other by a margin of 1."""

from lossapi.conventions import unbatched
from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows
from lossapi.functions import namespace, one_hot
from lossapi.layouts import keras_plain_pair
from lossapi.presets import keras, optax


@loss(
    family="multiclass",
    like=[
        *keras(
            "categorical_hinge(y_true, y_pred)",
            "CategoricalHinge",
            metric="CategoricalHinge",
            fixed={"class_axis": -1, "against_zero": True},
            prepare=keras_plain_pair,
            unchecked=frozenset({"target"}),
            differs="the right class also counts among the others, with the score 0; one-hot targets of -1 and 1 "
            "are not converted, though its text allows them",
        ),
        optax(
            "multiclass_hinge_loss(scores, labels)",
            {"scores": "prediction"},
            fixed={"class_axis": -1},
            prepare=unbatched(1, "prediction", "target"),
            unchecked=frozenset({"target"}),
            differs="a label out of range stands for no class",
        ),
    ],
)
def categorical_hinge(
    prediction: Real[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    *,
    against_zero: bool = False,
) -> Rows[Array, "batch *axes"]:
    """How far the right class's score falls short of leading every other class's by 1.

    Formula:
        max(0, 1 + max_{c≠y} s_c - s_y)
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: indices (batch, *axes), or one-hot rows
        like prediction; one value per (batch, *axes)
    Convention:
        Crammer and Singer's, as in optax and scikit-learn. With `against_zero` it is Keras':
        max(0, 1 + max_c (1 - y_c) s_c - Σ y_c s_c), in which the right class competes with the score 0, so that
        it has to lead by 1 and be 1 at least.
    Raises:
        domain: a label not below the number of classes
    Source:
        K. Crammer, Y. Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines, 2001,
        https://jmlr.org/papers/v2/crammer01a.html
    Example:
        {"prediction": [[2.0, 1.5, 0.0], [-5.0, -3.0, -5.0]], "target": [0, 1]} → 0.25
    """
    xp = namespace(prediction)
    y = target if target.ndim == prediction.ndim else one_hot(target, prediction, axis=1)
    own = xp.sum(y * prediction, axis=1)
    if against_zero:
        short = xp.max((1.0 - y) * prediction, axis=1) - own + 1.0
        return xp.maximum(short, xp.zeros_like(short))
    return xp.max(prediction + 1.0 - y, axis=1) - own
