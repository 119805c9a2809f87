"""Between cross-entropy and absolute error, for labels that may be wrong."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Rows, Score
from lossapi.errors import ParameterError
from lossapi.functions import log_softmax, namespace, pick
from lossapi.libraries import class_axes
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import keras
from lossapi.parameters import Positive


def _within(arguments: Arguments) -> Arguments:
    """The class holds q between 0 and 1, the function does not."""
    if "weight" in arguments and not 0.0 < arguments["q"] < 1.0:
        raise ParameterError("q between 0 and 1", str(arguments["q"]), ("q",))
    return class_axes.keras_one_hot(arguments)


FUNCTION, CLASS = keras(
    "categorical_generalized_cross_entropy(y_true, y_pred, q)",
    "CategoricalGeneralizedCrossEntropy",
    prepare=_within,
    unchecked=frozenset({"prediction", "q"}),
    differs="classes last; a label below 0 costs 1/q; y_true of shape (batch, 1) is refused, since Keras "
    "then holds every row against every other",
)


@loss(family="multiclass", like=[FUNCTION, class_axes.defaulted(CLASS, q=0.5)])
def generalized_cross_entropy(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    *,
    q: Positive = 0.5,
    from_logits: bool = False,
) -> Rows[Array, "batch *axes"]:
    """Cross-entropy that forgives: bounded by 1/q, so that a wrong label cannot dominate.

    Formula:
        (1 - p_y^q) / q, with p = softmax(prediction) under from_logits
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes); one value per
        (batch, *axes)
    Convention:
        q → 0 is the cross-entropy, q = 1 the absolute error 1 - p_y; the paper takes q = 0.7. Small q lose no digits.
    Raises:
        domain: a label not below the number of classes, a probability outside [0, 1]
    Source:
        Z. Zhang, M. R. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels,
        2018, https://arxiv.org/abs/1805.07836
    Example:
        {"prediction": [[0.25, 0.75], [0.64, 0.36]], "target": [0, 1], "q": 0.5} → 0.9
    """
    xp = namespace(prediction)
    if from_logits:
        logs = pick(log_softmax(prediction, axis=1), target, axis=1)
    else:
        logs = xp.log(pick(prediction, target, axis=1))
    return -xp.expm1(q * logs) / q
