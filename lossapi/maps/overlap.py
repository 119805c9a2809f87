"""How much two (soft) sets overlap: the sums that dice, Jaccard, Tversky and their kin are ratios of."""

from lossapi.domains import Array, Label, Probability, Score, Sums, Weight
from lossapi.functions import namespace, one_hot, sigmoid, softmax


def overlap(
    prediction: Score[Array, "batch *axes"],
    target: Probability[Array, "batch *axes"],
    *,
    from_logits: bool = False,
    squared: bool = False,
) -> Sums[dict[str, Array], "batch"]:
    """Σpt, Σp and Σt of each row; `squared` takes Σp² and Σt² instead, as V-Net does."""
    p = sigmoid(prediction) if from_logits else prediction
    return _sums(p, target, tuple(range(1, p.ndim)), squared, None)


def class_overlap(
    prediction: Score[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    weight: Weight[Array, "batch *axes"] | None = None,
    *,
    from_logits: bool = False,
    squared: bool = False,
) -> Sums[dict[str, Array], "batch classes"]:
    """Σpt, Σp and Σt of each row and class; with `from_logits`, p is the softmax over the classes."""
    xp = namespace(prediction)
    p = softmax(prediction, axis=1) if from_logits else prediction
    dense = target if target.ndim == p.ndim else one_hot(target, p, axis=1)
    each = None if weight is None else xp.expand_dims(xp.astype(weight, p.dtype), axis=1)
    return _sums(p, dense, tuple(range(2, p.ndim)), squared, each)


def _sums(p: Array, t: Array, axes: tuple[int, ...], squared: bool, weight: Array | None) -> dict[str, Array]:
    xp = namespace(p)

    def add(x: Array) -> Array:
        x = x if weight is None else xp.where(weight == 0.0, xp.zeros_like(x), x * weight)
        return xp.sum(x, axis=axes, dtype=xp.float64) if axes else x

    return {
        "intersection": add(p * t),
        "prediction": add(p * p if squared else p),
        "target": add(t * t if squared else t),
    }
