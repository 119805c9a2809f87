"""Cross-entropy over classes, targets by index or as distributions."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows, Score
from lossapi.errors import Unsupported
from lossapi.libraries import class_axes, tf1_classes
from lossapi.libraries.class_axes import UNCHECKED
from lossapi.libraries.conventions import Arguments, constant, positive_smoothing, steps
from lossapi.libraries.presets import keras, keras_metric, optax, tf1, torch
from lossapi.maps.surprise import of_logits, of_probabilities
from lossapi.parameters import Fraction, LogFloor

LOGITS = {"from_logits": True}
SCORES = frozenset({"prediction"})
DENSE = UNCHECKED | {"label_smoothing"}
REDUCTION = "reduction='weighted_sum_by_nonzero_weights'"


def _none_ignored(arguments: Arguments) -> Arguments:
    """Keras' metric divides by the ignored rows too, which its loss does not."""
    if arguments["ignore_index"] is not None:
        raise Unsupported("ignore_class null", repr(arguments["ignore_index"]), ("ignore_index",))
    return arguments


def _of_probabilities(arguments: Arguments) -> Arguments:
    """Keras divides probabilities by their sum and clips them, and takes logits as they are."""
    return arguments if arguments["from_logits"] else arguments | {"normalize": True, "log_floor": 1e-7}


@loss(
    family="multiclass",
    like=[
        torch(
            "cross_entropy(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
            {"weight": "class_weight"},
            fixed=LOGITS,
            prepare=class_axes.torch_classes,
            unchecked=frozenset({"prediction"}),
            differs="the mean of index targets divides by the weights of their classes, that of dense targets by rows; "
            "dense targets may be any number, and 0 of them times an infinite log is NaN",
        ),
        *keras(
            "categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1)",
            "CategoricalCrossentropy",
            metric="CategoricalCrossentropy",
            prepare=steps(_of_probabilities, class_axes.keras_dense),
            unchecked=DENSE,
            differs="classes last; probabilities are divided by their sum and held within 1e-7 of 0 and 1; smoothing "
            "spreads over the size of the last axis, whatever `axis` is",
        ),
        *keras(
            "sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1)",
            "SparseCategoricalCrossentropy",
            {"ignore_class": "ignore_index"},
            prepare=steps(_of_probabilities, class_axes.keras_sparse),
            unchecked=SCORES,
            differs="classes last; probabilities are divided by their sum and held within 1e-7 of 0 and 1",
        ),
        keras_metric(
            "metrics.SparseCategoricalCrossentropy(y_true, y_pred, sample_weight=None, from_logits=False, "
            "ignore_class=None, axis=-1)",
            {"ignore_class": "ignore_index"},
            prepare=steps(_none_ignored, _of_probabilities, class_axes.keras_sparse),
            reduction="weighted_mean",
            unchecked=SCORES,
            differs="as the loss; ignore_class is refused",
        ),
        tf1(
            f"losses.softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, {REDUCTION})",
            {"onehot_labels": "target"},
            fixed=LOGITS,
            prepare=steps(positive_smoothing, constant("target"), tf1_classes.dense),
            unchecked=DENSE,
            differs="classes last; no gradient for the labels",
        ),
        tf1(
            f"losses.sparse_softmax_cross_entropy(labels, logits, weights=1.0, {REDUCTION})",
            fixed=LOGITS,
            prepare=tf1_classes.squeezed_sparse,
            unchecked=SCORES,
            differs="classes last",
        ),
        tf1(
            "nn.softmax_cross_entropy_with_logits(labels=None, logits=None, dim=-1, axis=None)",
            fixed=LOGITS,
            prepare=steps(constant("target"), tf1_classes.dense),
            unchecked=DENSE,
            differs="classes last; no gradient for the labels",
        ),
        tf1(
            "nn.softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, dim=None)",
            fixed=LOGITS,
            prepare=tf1_classes.dense,
            unchecked=DENSE,
            differs="classes last",
        ),
        tf1(
            "nn.sparse_softmax_cross_entropy_with_logits(labels=None, logits=None)",
            fixed=LOGITS,
            prepare=tf1_classes.sparse,
            unchecked=SCORES,
            differs="classes last",
        ),
        optax(
            "softmax_cross_entropy(logits, labels, axis=-1, where=None)",
            fixed=LOGITS,
            prepare=class_axes.optax_dense(),
            tensors=("where",),
            unchecked=DENSE,
            differs="classes along any axes; a label of 0 for a logit of -inf gives NaN",
        ),
        optax(
            "smooth_labels(labels, alpha)",
            refused="it gives smoothed targets, not a loss: label_smoothing smooths them here",
        ),
        optax(
            "safe_softmax_cross_entropy(logits, labels)",
            fixed=LOGITS,
            prepare=class_axes.optax_dense(guarded=True),
            unchecked=DENSE,
            differs="classes last",
        ),
        optax(
            "softmax_cross_entropy_with_integer_labels(logits, labels, axis=-1, where=None)",
            fixed=LOGITS,
            prepare=class_axes.optax_sparse,
            tensors=("where",),
            unchecked=SCORES,
            differs="classes along any axes; a label from the end where it is negative, NaN where no class has it",
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
    if from_logits:
        return of_logits(prediction, target, class_weight, label_smoothing)
    return of_probabilities(prediction, target, class_weight, label_smoothing, normalize=normalize, floor=log_floor)
