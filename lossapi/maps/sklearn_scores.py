"""How scikit-learn reads labels beside scores: which label is the positive one, and what it refuses."""

from typing import Any

from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.maps.sklearn_labels import distinct, occurring, one_column, ranks, whole

Arguments = dict[str, Any]

PLAIN = ([0, 1], [-1, 1], [0], [-1], [1])
"""Labels of which the positive one is 1 without saying so."""


def finite(array: Array, name: str) -> Array:
    """Refuse NaN and infinities, as scikit-learn does."""
    if not namespace(array).all(namespace(array).isfinite(array)):
        raise DomainError(f"finite {name}", "NaN or infinity", (name,))
    return array


def positives(arguments: Arguments) -> Arguments:
    """One score for each label, whose positive one is 1, or `pos_label`; any other is negative."""
    given = dict(arguments)
    target, score, pos_label = (
        one_column(given["target"]),
        one_column(given["prediction"]),
        given.pop("pos_label", None),
    )
    if target.ndim != 1 or score.ndim != 1:
        raise ShapeError("one label and one score a row", f"shape {target.shape}", ("target",))
    target = whole(target, "target")
    labels = occurring(target)
    if len(labels) > 2 and pos_label is None:
        raise DomainError("two labels, or pos_label", f"{len(labels)}", ("target",))
    if pos_label is None and labels not in PLAIN:
        raise ParameterError("pos_label where the labels are neither 0 and 1 nor -1 and 1", "nothing", ("pos_label",))
    xp = namespace(target)
    positive = xp.astype(target == (1 if pos_label is None else pos_label), xp.int64)
    return {**given, "target": positive, "prediction": finite(score, "prediction")}


def of_classes(arguments: Arguments) -> Arguments:
    """Labels as the places of their scores' columns; of two labels the greater is positive."""
    given = dict(arguments)
    target, score, labels = (
        one_column(given["target"]),
        finite(given["prediction"], "prediction"),
        given.pop("labels", None),
    )
    if target.ndim == 2:
        return {**given, "target": target, "prediction": score}
    target = whole(target, "target")
    classes = occurring(target)
    if len(classes) <= 2 and (score.ndim == 1 or score.shape[1] <= 2):
        xp = namespace(target)
        return {**given, "target": xp.astype(target == classes[-1], xp.int64), "prediction": one_column(score)}
    known = classes if labels is None else distinct(labels)
    if score.ndim != 2 or score.shape[1] != len(known):
        raise ShapeError(f"scores of {len(known)} classes", f"shape {score.shape}", ("prediction",))
    if known != sorted(known) or not set(classes) <= set(known):
        raise ParameterError("labels in order, those of the target among them", repr(labels), ("labels",))
    return {**given, "target": ranks(target, known), "prediction": score}
