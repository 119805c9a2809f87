"""How scikit-learn reads probabilities of classes: the labels that occur, or are given, in order are the columns."""

from typing import Any

from lossapi.domains import Array
from lossapi.errors import DomainError, EmptyError, ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Prepare
from lossapi.libraries.metric_layouts import finite, one_weight_a_row

Arguments = dict[str, Any]

CLASSES_DIFFER = "the columns are the labels that occur, or those given as labels, in order, whatever integers they are"


def classes(arguments: Arguments) -> Arguments:
    """Labels numbered by their order among those known; a lone column is the probability of the second of two."""
    given = _proba(arguments)
    known, target = given.pop("known", None), given["target"]
    p, xp = given["prediction"], namespace(given["target"])
    order = _sorted(target if known is None else known)
    if order.shape[0] < 2:
        raise DomainError("at least two classes (labels names them)", f"{order.shape[0]}", ("target",))
    ranked = xp.clip(xp.searchsorted(order, xp.astype(target, order.dtype)), 0, order.shape[0] - 1)
    if xp.any(order[ranked] != target):
        raise DomainError("targets among the labels", "others", ("target",))
    columns = 2 if p.ndim == 1 or p.shape[1] == 1 else p.shape[1]
    if columns != order.shape[0]:
        raise ShapeError(f"{order.shape[0]} columns, one for each class", f"{columns}", ("prediction",))
    if columns == 2:
        p = p if p.ndim == 1 else p[:, -1] if p.shape[1] == 1 else p
    return given | {"target": ranked, "prediction": p}


def binary_or_classes(arguments: Arguments) -> Arguments:
    """A lone column is the probability of `pos_label`; several are those of the classes."""
    p = arguments["prediction"]
    positive = arguments.pop("pos_label")
    if p.ndim > 1 and p.shape[1] > 1:
        return classes(arguments)
    given = _proba({name: value for name, value in arguments.items() if name != "known"})
    target, xp = given["target"], namespace(given["target"])
    order = _sorted(target)
    if order.shape[0] > 2:
        raise DomainError("two classes for one probability", f"{order.shape[0]}", ("target",))
    if positive is None:
        usual = [int(each) for each in order] in ([0, 1], [-1, 1], [0], [-1], [1])
        positive = 1 if usual else order[-1]
    flat = xp.reshape(given["prediction"], (-1,))
    return given | {"target": xp.astype(target == positive, xp.int64), "prediction": flat}


def nan_below_two(step: Prepare) -> Prepare:
    """A step of rows; fewer than two answer NaN, whatever they hold."""

    def run(arguments: Arguments) -> Arguments:
        p = arguments.get("older") if arguments["prediction"] is None else arguments["prediction"]
        given = [p, arguments["target"], arguments["weight"]]
        if {each.shape[:1] for each in given if each is not None} not in ({(0,)}, {(1,)}):
            return step(arguments)
        nothing = namespace(arguments["target"]).zeros(0)
        return {"prediction": nothing, "target": nothing, "empty": float("nan")}

    return run


def dtype_floor(arguments: Arguments) -> Arguments:
    """scikit-learn holds probabilities within the epsilon of their dtype."""
    xp = namespace(arguments["prediction"])
    return arguments | {"log_floor": float(xp.finfo(arguments["prediction"].dtype).eps)}


def _proba(arguments: Arguments) -> Arguments:
    """Probabilities by their name of today or of yesterday, as floating-point numbers; labels of one column."""
    older = arguments.pop("older", None)
    if older is not None and arguments["prediction"] is not None:
        raise ParameterError("y_proba or y_pred", "both", ("older",))
    p = older if arguments["prediction"] is None else arguments["prediction"]
    if p is None:
        raise ParameterError("tensor y_proba", "nothing", ("prediction",))
    xp, target = namespace(p), arguments["target"]
    p = p if xp.isdtype(p.dtype, "real floating") else xp.astype(p, xp.float64)
    target = xp.reshape(target, (-1,)) if target.ndim == 2 and target.shape[1] == 1 else target
    if p.ndim not in (1, 2) or target.ndim != 1 or p.shape[0] != target.shape[0]:
        raise ShapeError("y_proba of shape (rows) or (rows, classes)", f"{p.shape} and {target.shape}", ("prediction",))
    if p.shape[0] == 0:
        raise EmptyError("at least one row", "none", ("prediction",))
    checked = finite("prediction", "target", "weight")(arguments | {"prediction": p, "target": target})
    return one_weight_a_row(checked)


def _sorted(labels: Array) -> Array:
    xp = namespace(labels)
    return xp.sort(xp.unique_values(xp.reshape(labels, (-1,))))
