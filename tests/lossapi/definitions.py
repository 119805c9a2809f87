"""Small definitions of every make, to hold the core to without any real loss."""

from lossapi.definition import Primitive, loss, row_mode
from lossapi.domains import Array, Label, Probability, Real, Rows, Score, Sums, Weight
from lossapi.functions import namespace, pick
from lossapi.states import Weighted


@loss(family="test")
def _error(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    scale: Real[Array, ""] | Real[Array, "*axes"] = 1.0,
) -> Rows[Array, "batch *axes"]:
    return scale * (prediction - target)


@loss(family="test")
def _picked(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    from_logits: bool = False,
) -> Rows[Array, "batch *axes"]:
    xp = namespace(prediction)
    if target.ndim == prediction.ndim:
        return xp.sum(prediction * target, axis=1) + float(from_logits)
    value = pick(prediction, target)
    if class_weight is None:
        return value
    own = xp.reshape(xp.take(class_weight, xp.reshape(target, (-1,))), target.shape)
    return Weighted(value * own, own)


@loss(family="test")
def _paired(prediction: Real[Array, "rows dim"]) -> Rows[Array, "rows"]:
    xp = namespace(prediction)
    return xp.sum(prediction @ prediction.T, axis=1)


def _each(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
) -> Sums[dict[str, Array], "batch"]:
    xp = namespace(prediction)
    each = prediction if weight is None else prediction * weight
    axes = tuple(range(1, prediction.ndim))
    return {"prediction": xp.sum(each, axis=axes), "target": xp.sum(target, axis=axes)}


def _along(prediction: Real[Array, "batch *axes dim"]) -> Sums[dict[str, Array], "batch *axes"]:
    return {"prediction": namespace(prediction).sum(prediction, axis=-1)}


@loss(family="test", of=_each)
def _ratio(sums: dict[str, Array]) -> Array:
    return sums["prediction"] / sums["target"]


def _elements(prediction: Real[Array, "batch *axes"]) -> Sums[dict[str, Array], "batch *axes"]:
    return {"prediction": prediction}


@loss(family="test", of=_elements, rows=row_mode("axis", ..., _along))
def _total(sums: dict[str, Array]) -> Array:
    return sums["prediction"]


def _read(function: object) -> Primitive:
    made = getattr(function, "definition", None)
    assert isinstance(made, Primitive)
    return made


ERROR, PICKED, PAIRED, RATIO, TOTAL = map(_read, (_error, _picked, _paired, _ratio, _total))
"""Rows of elements; rows with classes and weights of their own; rows that see each other; sums; sums or rows."""
