"""How scikit-learn reads labels: any whole numbers, of which those that occur are the classes, in order."""

from collections.abc import Sequence
from typing import Any

from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError
from lossapi.functions import namespace

Arguments = dict[str, Any]

FEW = 1 << 16
"""A range of labels for which a table is made."""

DIFFERS = "the classes are the labels that occur, in order, whatever integers they are"


def occurring_labels(arguments: Arguments) -> Arguments:
    """Labels numbered by their order among those that occur; `pos_label` with them; None and "warn" in our words.

    Where `labels` are asked for they come first, in their order: the classes that count. Else all do that occur,
    though it be in rows of no weight.
    """
    given = in_our_words(arguments)
    target, prediction = (one_column(given[name]) for name in ("target", "prediction"))
    wanted = given.pop("labels", None)
    if target.ndim != 1 or prediction.ndim != 1:
        return given | _of_columns(target, prediction, wanted)
    target, prediction = whole(target, "target"), whole(prediction, "prediction")
    classes = sorted({*occurring(target), *occurring(prediction)})
    if wanted is None or given.get("average") == "binary":
        ranked = {"target": ranks(target, classes), "prediction": ranks(prediction, classes)}
        averaged = "labels" in arguments and given.get("average", "binary") != "binary"
        every = {"labels": list(range(len(classes)))} if averaged and classes else {}
        return given | ranked | every | _positive(given, classes, ranked)
    first = distinct(wanted)
    order = first + [label for label in classes if label not in first]
    ranked = {"target": ranks(target, order), "prediction": ranks(prediction, order)}
    return given | ranked | {"num_classes": len(order), "labels": list(range(len(first)))}


def in_our_words(arguments: Arguments) -> Arguments:
    """None as an average is none, "warn" is what 0/0 is by default."""
    given = {**arguments, "average": arguments.get("average") or "none"} if "average" in arguments else {**arguments}
    return {**given, "zero_division": zero_division(given["zero_division"])} if "zero_division" in given else given


def one_column(array: Array) -> Array:
    """A single column as the labels of the rows."""
    return namespace(array).reshape(array, (-1,)) if array.ndim == 2 and array.shape[1] == 1 else array


def whole(array: Array, name: str) -> Array:
    """Labels as integers; floating-point numbers may be labels if they are whole."""
    xp = namespace(array)
    labels = xp.astype(array, xp.int64) if xp.isdtype(array.dtype, "real floating") else array
    if labels is not array and not xp.all(labels == array):
        raise DomainError(f"{name} of whole numbers, as labels are", "others", (name,))
    return xp.astype(labels, xp.int64)


def occurring(labels: Array) -> list[int]:
    """The labels that occur, in order; those of a small range by marking each as it is met."""
    xp = namespace(labels)
    if not labels.size:
        return []
    low, high = int(xp.min(labels)), int(xp.max(labels))
    if high - low >= FEW:
        return [int(label) for label in xp.sort(xp.unique_values(labels))]
    seen = xp.zeros(high - low + 1, dtype=xp.bool)
    seen[labels - low] = True
    return [low + int(place) for place in xp.nonzero(seen)[0]]


def ranks(labels: Array, order: Sequence[int]) -> Array:
    """Where each label stands in an order that holds them all."""
    xp = namespace(labels)
    if order == list(range(len(order))):
        return labels
    low = min(order)
    if max(order) - low < FEW:
        places = xp.zeros(max(order) - low + 1, dtype=xp.int64)
        places[xp.asarray(order) - low] = xp.arange(len(order))
        return xp.take(places, labels - low)
    known = xp.asarray(order, dtype=xp.int64)
    by_size = xp.argsort(known)
    return xp.take(by_size, xp.searchsorted(xp.take(known, by_size), labels))


def distinct(wanted: Any) -> list[int]:
    """The labels asked for, each once."""
    labels = [int(label) for label in wanted]
    if not labels or len(set(labels)) < len(labels):
        raise ParameterError("labels, each once", repr(labels), ("labels",))
    return labels


def _of_columns(target: Array, prediction: Array, wanted: Any) -> Arguments:
    """Several labels a row: `labels` are columns."""
    if wanted is None or target.ndim != 2 or prediction.ndim != 2:
        return {"target": target, "prediction": prediction}
    columns = distinct(wanted)
    if min(columns) < 0 or max(columns) >= min(target.shape[1], prediction.shape[1]):
        raise ParameterError(f"labels within the {target.shape[1]} columns", repr(columns), ("labels",))
    xp = namespace(target)
    chosen = xp.asarray(columns)
    return {"target": xp.take(target, chosen, axis=1), "prediction": xp.take(prediction, chosen, axis=1)}


def zero_division(value: Any) -> Any:
    """What 0/0 is, in our words."""
    known: dict[Any, Any] = {"warn": 0, 0: 0, 1: 1, "nan": "nan", "NaN": "nan"}
    if isinstance(value, float) and value != value:
        return "nan"
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value not in known:
        raise ParameterError('zero_division "warn", 0, 1 or "NaN"', repr(value), ("zero_division",))
    return known[value]


def _positive(given: Arguments, classes: list[int], ranked: Arguments) -> Arguments:
    """How many classes there are; or where the positive one of two stands, a lone one being class 1 if it is it."""
    if given.get("average") != "binary":
        return {"num_classes": max(len(classes), 1)}
    if len(classes) > 2:
        return {}
    positive = given["pos_label"]
    if len(classes) == 2:
        if positive not in classes:
            raise ParameterError(f"pos_label one of {classes}", repr(positive), ("pos_label",))
        return {"pos_label": classes.index(positive)}
    moved = 1 if positive in classes else 0
    return {"pos_label": 1, **{name: each + moved for name, each in ranked.items()}}
