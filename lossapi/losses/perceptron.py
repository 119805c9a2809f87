"""Perceptron losses: a score on the right side of zero, or ahead of the others, costs nothing."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows, Sign
from lossapi.functions import namespace, pick
from lossapi.libraries.conventions import same_shape, unbatched
from lossapi.libraries.presets import optax


@loss(
    family="binary",
    like=[
        optax(
            "perceptron_loss(predictor_outputs, targets)",
            {"predictor_outputs": "prediction"},
            prepare=same_shape("prediction", "target"),
            unchecked=frozenset({"target"}),
        ),
    ],
)
def perceptron(
    prediction: Real[Array, "batch *axes"], target: Sign[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """How far a score lies on the wrong side of zero.

    Formula:
        max(0, -y s), target y = -1 or 1, prediction s
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        F. Rosenblatt, The Perceptron, 1958, doi:10.1037/h0042519
    Example:
        {"prediction": [0.5, 0.25], "target": [1, -1]} → 0.125
    """
    wrong = -target * prediction
    return namespace(wrong).maximum(wrong, namespace(wrong).zeros_like(wrong))


@loss(
    family="multiclass",
    like=[
        optax(
            "multiclass_perceptron_loss(scores, labels)",
            {"scores": "prediction"},
            fixed={"class_axis": -1},
            prepare=unbatched(1, "prediction", "target"),
            differs="a label out of range is refused",
        ),
    ],
)
def multiclass_perceptron(
    prediction: Real[Array, "batch classes *axes"], target: Label[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """How far the best score is ahead of the right class's score.

    Formula:
        max_c s_c - s_y
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes), indices; one value each
    Raises:
        domain: a label not below the number of classes
    Source:
        M. Collins, Discriminative Training Methods for Hidden Markov Models, 2002, doi:10.3115/1118693.1118694
    Example:
        {"prediction": [[2.0, 1.0, 0.5], [1.0, 3.0, 0.0]], "target": [2, 1]} → 0.75
    """
    return namespace(prediction).max(prediction, axis=1) - pick(prediction, target, axis=1)
