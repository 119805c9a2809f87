"""Cross-entropy over classes, targets by index or as distributions."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows, Score
from lossapi.functions import count, floored_log, log_softmax, namespace, pick
from lossapi.parameters import Fraction, LogFloor
from lossapi.presets import optax
from lossapi.states import Weighted


@loss(
    family="multiclass",
    like=[
        optax(
            "softmax_cross_entropy_with_integer_labels(logits, labels, axis=-1)",
            {"axis": "class_axis"},
            fixed={"from_logits": True},
        ),
    ],
)
def cross_entropy(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    from_logits: bool = False,
    label_smoothing: Fraction = 0.0,
    normalize: bool = False,
    log_floor: LogFloor | None = None,
) -> Rows[Array, "batch *axes"]:
    """How surprised a forecast over classes was by the class that came: minus the log of its probability.

    Targets are class indices, or one-hot rows or probabilities with a class axis more. With `from_logits` the
    softmax is inside. `normalize` divides probabilities by their sum over the classes first, as Keras does.

    Formula:
        -Σ_c w_c y_c log p_c, with p = softmax(prediction) under from_logits; y ← y(1 - a) + a/C
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes) or like prediction;
        class_weight: (classes); one value per (batch, *axes)
    Units:
        nats
    Convention:
        A row's weight is the class weight of its target, so `weighted_mean` is PyTorch's mean of index targets
        and `mean` its mean of probability targets. Under smoothing the smooth part counts every class's weight.
        Exact: a probability of 0 for the class that came costs infinity, unless `log_floor` says otherwise.
    Errata:
        Printed with y 0 for the right class and 1 for a wrong one it is inverted; and the sum over classes is
        easily lost when one index serves samples and classes both.
    Raises:
        domain: a label not below the number of classes, a probability outside [0, 1]
    Source:
        J. S. Bridle, Probabilistic Interpretation of Feedforward Network Outputs, 1990,
        doi:10.1007/978-3-642-76153-9_28
    Example:
        {"prediction": [[2.0, 1.0, 0.1]], "target": [0], "from_logits": true} → 0.4170300162778335
    """
    xp = namespace(prediction)
    if normalize:
        prediction = prediction / xp.sum(prediction, axis=1, keepdims=True)
    logs = log_softmax(prediction, axis=1) if from_logits else floored_log(prediction, floor=log_floor)
    by_class = None if class_weight is None else xp.reshape(class_weight, (-1, *(1,) * (prediction.ndim - 2)))
    if target.ndim == prediction.ndim:
        return _dense(logs, target, by_class, label_smoothing)
    surprise, own = -pick(logs, target, axis=1), None
    if class_weight is not None:
        own = xp.reshape(xp.take(class_weight, xp.reshape(target, (-1,)), axis=0), target.shape)
        surprise = surprise * own
    if label_smoothing:
        spread = -xp.sum(logs if by_class is None else logs * by_class, axis=1) / count(logs, axis=1)
        surprise = (1.0 - label_smoothing) * surprise + label_smoothing * spread
    return surprise if own is None else Weighted(surprise, own)


def _dense(logs: Array, target: Array, by_class: Array | None, smoothing: float) -> Array:
    """Targets as distributions: a class of no target adds nothing, whatever its log."""
    xp = namespace(logs)
    smooth = target * (1.0 - smoothing) + smoothing / count(logs, axis=1) if smoothing else target
    terms = xp.where((smooth == 0.0) & (logs == logs), xp.zeros_like(logs), smooth * logs)
    if by_class is None:
        return -xp.sum(terms, axis=1)
    return Weighted(-xp.sum(terms * by_class, axis=1), xp.sum(target * by_class, axis=1))
