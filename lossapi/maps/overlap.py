"""How much two (soft) sets overlap: the sums that dice, Jaccard, Tversky and their kin are ratios of."""

from typing import Literal

from lossapi.domains import Array, Label, Probability, Score, Sums, Weight
from lossapi.functions import namespace, one_hot, sigmoid, softmax

SetAverage = Literal["binary", "macro", "micro", "none"]
ClassAverage = Literal["macro", "micro", "none"]


def overlap(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
    squared: bool = False,
) -> Sums[dict[str, Array], "batch"]:
    """Σpt, Σp and Σt of each row; `squared` takes Σp² and Σt² instead, as V-Net does."""
    p = sigmoid(prediction) if from_logits else prediction
    return _sums(p, target, tuple(range(1, p.ndim)), squared, weight)


def class_overlap(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
    squared: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """Σpt, Σp and Σt of each row and class; with `from_logits`, p is the softmax over the classes."""
    p = softmax(prediction, axis=1) if from_logits else prediction
    t, each = by_class(p, target, weight)
    return _sums(p, t, tuple(range(2, p.ndim)), squared, each)


def set_overlap(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """The sums of one set, as those of a single class: for losses that take classes too."""
    p = sigmoid(prediction) if from_logits else prediction
    return as_class(_sums(p, target, tuple(range(1, p.ndim)), False, weight))


def as_class(sums: dict[str, Array]) -> dict[str, Array]:
    """The sums of one set as those of a single class."""
    return {name: namespace(each).expand_dims(each, axis=-1) for name, each in sums.items()}


def by_class(p: Array, target: Array, weight: Array | None) -> tuple[Array, Array | None]:
    """The target with one entry per class, and the weight ready to multiply it."""
    t = target if target.ndim == p.ndim else one_hot(target, p, axis=1)
    return t, None if weight is None else namespace(p).expand_dims(weight, axis=1)


def add_up(x: Array, axes: tuple[int, ...], weight: Array | None) -> Array:
    """Σwx along some axes; where w is 0 whatever x is."""
    xp = namespace(x)
    if weight is not None:
        x = xp.where(weight == 0.0, xp.zeros_like(x), x * xp.astype(weight, x.dtype))
    return xp.sum(x, axis=axes, dtype=xp.float64) if axes else x


def _sums(p: Array, t: Array, axes: tuple[int, ...], squared: bool, weight: Array | None) -> dict[str, Array]:
    return {
        "intersection": add_up(p * t, axes, weight),
        "prediction": add_up(p * p if squared else p, axes, weight),
        "target": add_up(t * t if squared else t, axes, weight),
    }


def kept(sums: dict[str, Array], average: SetAverage | None, include_background: bool) -> dict[str, Array]:
    """The sums of the classes that count, the last axis; under micro as those of one class."""
    names = [name for name, each in sums.items() if each.ndim]
    first = 0 if include_background or sums[names[0]].shape[-1] == 1 else 1
    left = {name: sums[name][..., first:] for name in names}
    if average != "micro":
        return left
    return {name: namespace(each).sum(each, axis=-1, keepdims=True) for name, each in left.items()}


def over_classes(losses: Array, class_weight: Array | None, average: SetAverage | None) -> Array:
    """The mean of the classes' losses, under weights divided by Σw; under none each class's, times its weight."""
    xp = namespace(losses)
    if class_weight is None or average == "micro":
        return losses if average == "none" else xp.mean(losses, axis=-1)
    weight = class_weight[class_weight.shape[0] - losses.shape[-1] :]
    weighted = losses * weight
    return weighted if average == "none" else xp.sum(weighted, axis=-1) / xp.sum(weight)


def ratio(
    sums: dict[str, Array], fp_weight: float, fn_weight: float, smooth_numerator: float, smooth_denominator: float
) -> Array:
    """What both sets share, over itself and the weighed rest of each: the index of Tversky."""
    shared = sums["intersection"]
    rest = fp_weight * (sums["prediction"] - shared) + fn_weight * (sums["target"] - shared)
    return (shared + smooth_numerator) / (shared + rest + smooth_denominator)
