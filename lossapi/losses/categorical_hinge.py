"""The hinge loss over classes: the right class should lead every other by a margin of 1."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows
from lossapi.errors import ShapeError, Unsupported
from lossapi.functions import namespace, one_hot
from lossapi.libraries.conventions import Arguments, unbatched
from lossapi.libraries.layouts import keras_plain_pair
from lossapi.libraries.presets import keras, optax, sklearn
from lossapi.maps.sklearn_labels import DIFFERS, occurring, one_column, ranks, whole
from lossapi.maps.sklearn_scores import finite
from lossapi.maps.torchmetrics_tasks import by_task, scored

TASKS = {
    "binary": "squared=False, ignore_index=None",
    "multiclass": "num_classes, squared=False, multiclass_mode='crammer-singer', ignore_index=None",
    "": "task, num_classes=None, squared=False, multiclass_mode='crammer-singer', ignore_index=None",
}


def against_none(score: Array) -> Array:
    """A score of two classes as one for each: that of the first is 0."""
    xp = namespace(score)
    return xp.stack([xp.zeros_like(score), score], axis=1)


def decisions(arguments: Arguments) -> Arguments:
    """scikit-learn's classes in order, with a score each; or two, with a score that is positive for the second."""
    given = dict(arguments)
    target, score = whole(one_column(given["target"]), "target"), finite(given["prediction"], "prediction")
    labels, classes = given.pop("labels"), occurring(target)
    known = classes if labels is None else sorted({int(label) for label in labels})
    if len(known) > 2:
        if score.ndim != 2 or score.shape[1] != len(known) or not set(classes) <= set(known):
            raise ShapeError(f"decisions for {len(known)} classes", f"shape {score.shape}", ("prediction",))
        return {**given, "target": ranks(target, known), "prediction": score}
    if one_column(score).ndim != 1 or len(classes) > 2:
        raise ShapeError("one decision a row", f"shape {score.shape}", ("prediction",))
    xp = namespace(target)
    second = xp.astype((target == classes[-1]) & (len(classes) == 2), xp.int64)
    return {**given, "target": second, "prediction": against_none(one_column(score))}


def leading(arguments: Arguments) -> Arguments:
    """torchmetrics' margins, of probabilities; neither squared nor one against all."""
    given = scored(arguments)
    if given.pop("squared") or given.pop("multiclass_mode", "crammer-singer") != "crammer-singer":
        raise Unsupported("squared false, multiclass_mode crammer-singer", "another", ("squared",))
    if given.pop("task") == "binary":
        given["prediction"] = against_none(given["prediction"])
    return {name: value for name, value in given.items() if name != "thresholds"}


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
    as_metric=[
        sklearn(
            "hinge_loss(y_true, pred_decision, labels=None, sample_weight=None)",
            {"pred_decision": "prediction"},
            prepare=decisions,
            differs=f"{DIFFERS}; a lone label is the negative one",
        ),
        *by_task("hinge_loss", TASKS, prepare=leading, averages=False),
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
