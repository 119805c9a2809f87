"""Hinge losses of a score against a sign: nothing to pay beyond the margin, linear or quadratic before it."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows, Sign
from lossapi.functions import namespace, relu
from lossapi.libraries.conventions import Arguments, broadcast
from lossapi.libraries.presets import keras, optax, tf1

UNCHECKED = frozenset({"target"})


def _signs(arguments: Arguments) -> Arguments:
    """Keras' rule: targets become ±1 if all of them are 0 or 1, and stay as they are otherwise."""
    y = arguments["target"]
    binary = bool(namespace(y).all((y == 0) | (y == 1)))
    return {**arguments, "target": 2.0 * y - 1.0 if binary else y}


def _from_binary(arguments: Arguments) -> Arguments:
    """TensorFlow's rule: targets are 0 or 1, and mapped to ±1 whatever they are."""
    return {**arguments, "target": 2.0 * arguments["target"] - 1.0}


@loss(
    family="binary",
    like=[
        *keras(
            "hinge(y_true, y_pred)",
            "Hinge",
            metric="Hinge",
            mean_axes=1,
            prepare=_signs,
            unchecked=UNCHECKED,
            differs="targets that are all 0 or 1 are taken for -1 and 1",
        ),
        tf1(
            "losses.hinge_loss(labels, logits, weights=1.0, reduction='weighted_sum_by_nonzero_weights')",
            prepare=_from_binary,
            unchecked=UNCHECKED,
            differs="takes targets 0 and 1, not -1 and 1",
        ),
        optax(
            "hinge_loss(predictor_outputs, targets)",
            {"predictor_outputs": "prediction"},
            prepare=broadcast("prediction", "target"),
            unchecked=UNCHECKED,
            differs="targets outside -1 and 1 are multiplied as they are: 0 costs 1",
        ),
    ],
    as_metric=(),
)
def hinge(prediction: Real[Array, "batch *axes"], target: Sign[Array, "batch *axes"]) -> Rows[Array, "batch *axes"]:
    """How far a score falls short of the margin 1 on its target's side: the loss of support vector machines.

    Formula:
        max(0, 1 - y s), target y = -1 or 1, prediction s
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Convention:
        Targets are -1 and 1 and never converted. TensorFlow 1 takes 0 and 1; Keras takes both, and converts if
        all values of a call are 0 or 1. The derivative at the margin is half of
        that before it, as in Keras and optax.
    Errata:
        The formula needs targets of -1 and 1, but it is printed beside two interfaces that differ: TensorFlow's
        takes 0 and 1, Keras' takes -1 and 1 as well.
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        C. Cortes, V. Vapnik, Support-Vector Networks, 1995, doi:10.1007/BF00994018
    Example:
        {"prediction": [0.5, -0.25], "target": [1, -1]} → 0.625
    """
    short = 1.0 - target * prediction
    return namespace(short).maximum(short, namespace(short).zeros_like(short))


@loss(
    family="binary",
    like=[
        *keras(
            "squared_hinge(y_true, y_pred)",
            "SquaredHinge",
            metric="SquaredHinge",
            mean_axes=1,
            prepare=_signs,
            unchecked=UNCHECKED,
            differs="targets that are all 0 or 1 are taken for -1 and 1",
        ),
    ],
    as_metric=(),
)
def squared_hinge(
    prediction: Real[Array, "batch *axes"], target: Sign[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """The square of what a score falls short of the margin 1: smooth at the margin, harder on large faults.

    Formula:
        max(0, 1 - y s)², target y = -1 or 1, prediction s
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Convention:
        Targets are -1 and 1 and never converted; Keras converts if all values of a call are 0 or 1.
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        Y.-J. Lee, O. L. Mangasarian, SSVM: A Smooth Support Vector Machine, 2001, doi:10.1023/A:1011215321374
    Example:
        {"prediction": [0.5, -0.25], "target": [1, -1]} → 0.40625
    """
    short = relu(1.0 - target * prediction)
    return short * short
