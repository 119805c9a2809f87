"""How scikit-learn reads labels: any integers, of which those that occur are the classes, in order."""

from typing import Any

from lossapi.domains import Array
from lossapi.errors import DomainError, ParameterError
from lossapi.functions import namespace

Arguments = dict[str, Any]

DIFFERS = "the classes are the labels that occur, in order, whatever integers they are"


def occurring_labels(arguments: Arguments) -> Arguments:
    """Labels numbered by their order among those that occur; `pos_label` with them; None and "warn" in our words."""
    target, prediction = arguments["target"], arguments["prediction"]
    given = {**arguments, "average": arguments.get("average") or "none"} if "average" in arguments else arguments
    given = {**given, **_zero_division(arguments)} if "zero_division" in arguments else given
    if target.ndim != 1 or prediction.ndim != 1:
        return given
    xp = namespace(target)
    if not (xp.isdtype(target.dtype, ("bool", "integral")) and xp.isdtype(prediction.dtype, ("bool", "integral"))):
        raise DomainError("labels as integers", f"dtypes {target.dtype} and {prediction.dtype}", ("target",))
    labels = xp.sort(xp.unique_values(xp.concat([xp.astype(target, xp.int64), xp.astype(prediction, xp.int64)])))
    ranked = {name: xp.searchsorted(labels, given[name]) for name in ("target", "prediction")}
    return {**given, **ranked, **_positive(given, labels, ranked)}


def _zero_division(arguments: Arguments) -> Arguments:
    value = arguments["zero_division"]
    known: dict[Any, Any] = {"warn": 0, 0: 0, 1: 1, "nan": "nan", "NaN": "nan"}
    if isinstance(value, float) and value != value:
        return {"zero_division": "nan"}
    if value not in known:
        raise ParameterError('zero_division "warn", 0, 1 or "NaN"', repr(value), ("zero_division",))
    return {"zero_division": known[value]}


def _positive(given: Arguments, labels: Array, ranked: Arguments) -> Arguments:
    """How many classes there are; or where the positive one of two stands, a lone one being class 1 if it is it."""
    if given.get("average") != "binary":
        return {"num_classes": max(labels.shape[0], 1)}
    if labels.shape[0] > 2:
        return {}
    positive, classes = given["pos_label"], [int(label) for label in labels]
    if len(classes) == 2:
        if positive not in classes:
            raise ParameterError(f"pos_label one of {classes}", repr(positive), ("pos_label",))
        return {"pos_label": classes.index(positive)}
    moved = 1 if positive in classes else 0
    return {"pos_label": 1, **{name: each + moved for name, each in ranked.items()}}
