"""What the first k classes of each row are worth, where each row has some true ones."""

from math import prod
from typing import Literal

from lossapi.definition import metric
from lossapi.domains import Array, PaddedIndex, Real, Weight
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import tf1_stretched
from lossapi.libraries.presets import Preset, tf1
from lossapi.maps.rankings import EmptyTarget, added, descending, over, row_weights, share
from lossapi.parameters import Count
from lossapi.states import Sums as Added

STREAM = "weights=None, metrics_collections=None, updates_collections=None, name=None)"
DIFFERS = "the value alone, of one update; labels of -1 are padding; nothing over nothing is NaN"


def _rows(arguments: Arguments) -> Arguments:
    """tf.metrics: leading axes laid flat, one label a row without its axis, weights over the rows."""
    prediction, target, weight = arguments["prediction"], arguments["target"], arguments["weight"]
    target = target[..., None] if target.ndim == prediction.ndim - 1 else target
    rows = prediction.shape[:-1]
    if target.shape[:-1] != rows or not rows:
        raise ShapeError(f"labels of shape {(*rows, 'labels')}", f"shape {target.shape}", ("target",))
    flat = {name: array.reshape(prod(rows), -1) for name, array in (("prediction", prediction), ("target", target))}
    weight = None if weight is None else tf1_stretched(weight, rows).reshape(-1)
    kept = {name: value for name, value in arguments.items() if not name.endswith("_collections")}
    return kept | flat | {"weight": weight, "empty": float("nan")}


def _scored(arguments: Arguments) -> Arguments:
    """Scores of classes, which are floating-point numbers."""
    xp = namespace(arguments["prediction"])
    floating = xp.isdtype(arguments["prediction"].dtype, "real floating")
    scores = arguments["prediction"] if floating else xp.astype(arguments["prediction"], xp.float64)
    return _rows(arguments | {"prediction": scores})


def _chosen(arguments: Arguments) -> Arguments:
    """Classes that were chosen, as integers; without `k` all of them count."""
    k = arguments["k"]
    return _rows(arguments | {"k": arguments["prediction"].shape[-1] if k is None else k})


def as_tf1(names: str, scores: str, prepare: object) -> list[Preset]:
    """Some tf.metrics functions of the same arguments."""
    k, fixed = ("k=None" if prepare is _chosen else "k"), {"zero_division": "nan"}
    return [
        tf1(
            f"metrics.{name}(labels, {scores}, {k}, class_id=None, {STREAM}",
            {scores: "prediction"},
            prepare=prepare,
            fixed=fixed,
            unchecked=frozenset({"target"}),
            differs=DIFFERS,
        )
        for name in names.split()
    ]


def first_classes(prediction: Array, k: int) -> Array:
    """The k classes of the highest scores; of classes that were chosen already, the first k."""
    if k > prediction.shape[1]:
        raise ParameterError(f"k <= {prediction.shape[1]} (the classes there are)", str(k), ("k",))
    scored = namespace(prediction).isdtype(prediction.dtype, "real floating")
    return (descending(prediction) if scored else prediction)[:, :k]


def among(chosen: Array, target: Array) -> Array:
    """Which of the classes chosen are true."""
    xp = namespace(target)
    return xp.any((chosen[:, :, None] == target[:, None, :]) & (target[:, None, :] >= 0), axis=2)


def different(target: Array) -> Array:
    """How many different classes each row has."""
    xp = namespace(target)
    ordered = xp.sort(target, axis=1)
    fresh = (ordered >= 0) & xp.concat([ordered[:, :1] >= 0, ordered[:, 1:] != ordered[:, :-1]], axis=1)
    return xp.astype(xp.sum(fresh, axis=1), xp.float64)


def top_classes(
    prediction: PaddedIndex[Array, "batch top"] | Real[Array, "batch classes"],
    target: PaddedIndex[Array, "batch length"],
    weight: Weight[Array, "batch"] | None = None,
    *,
    k: Count,
    class_id: int | None = None,
) -> Added:
    """Of the first k classes of each row, how many are true, how many there are, and how many are to be found."""
    xp = namespace(target)
    chosen = first_classes(prediction, k)
    found, picked, wanted = among(chosen, target), chosen >= 0, different(target)
    if class_id is not None:
        found, picked = found & (chosen == class_id), chosen == class_id
        wanted = xp.astype(xp.any(target == class_id, axis=1), xp.float64)
    counts = {"found": xp.sum(xp.astype(found, xp.float64), axis=1), "wanted": wanted}
    return added({**counts, "chosen": xp.sum(xp.astype(picked, xp.float64), axis=1)}, row_weights(target, weight))


@metric(
    family="ranking",
    of=top_classes,
    like=[
        *as_tf1("precision_at_k sparse_precision_at_k", "predictions", _scored),
        *as_tf1("precision_at_top_k", "predictions_idx", _chosen),
    ],
)
def precision_at_k(sums: dict[str, Array], *, zero_division: Literal[0, 1, "nan"] = 0) -> Array:
    """The share of the first k classes of all rows that is true.

    Formula:
        Σ w #(true among the first k) / Σ w k; with `class_id`, of the rows that have this class among their first k
    Shapes:
        prediction: scores (batch, classes), or classes already chosen (batch, top) as integers; target: true classes
        (batch, length), padded with -1; weight: one per row
    Convention:
        Over all rows at once (micro), as tf.metrics. Of equal scores the earlier class comes first. Integers are chosen
        classes, never scores.
    Raises:
        domain: a label without a score; parameter: more k than classes; empty: no rows
    Source:
        tf.compat.v1.metrics.precision_at_k
    Example:
        {"prediction": [[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], "target": [[1, 2], [1, -1]], "k": 2} → 0.5
    """
    return over(sums["found"], sums["chosen"], float(zero_division))


@metric(
    family="ranking",
    of=top_classes,
    like=[
        *as_tf1("recall_at_k", "predictions", _scored),
        *as_tf1("recall_at_top_k", "predictions_idx", _chosen),
    ],
)
def recall_at_k(sums: dict[str, Array], *, zero_division: Literal[0, 1, "nan"] = 0) -> Array:
    """The share of the true classes of all rows that is among the first k.

    Formula:
        Σ w #(true among the first k) / Σ w #true; with `class_id`, of the rows of which this class is true
    Shapes:
        prediction: scores (batch, classes), or classes already chosen (batch, top) as integers; target: true classes
        (batch, length), padded with -1; weight: one per row
    Convention:
        Over all rows at once (micro), as tf.metrics; a class that a row names twice counts once. Of equal scores the
        earlier class comes first. Integers are chosen classes, never scores.
    Raises:
        domain: a label without a score; parameter: more k than classes; empty: no rows
    Source:
        tf.compat.v1.metrics.recall_at_k
    Example:
        {"prediction": [[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], "target": [[1, 2], [1, -1]], "k": 1} → 0.3333333333333333
    """
    return over(sums["found"], sums["wanted"], float(zero_division))


def average_precisions(
    prediction: PaddedIndex[Array, "batch top"] | Real[Array, "batch classes"],
    target: PaddedIndex[Array, "batch length"],
    weight: Weight[Array, "batch"] | None = None,
    *,
    k: Count,
    empty_target: EmptyTarget = "neg",
) -> Added:
    """Each row's average precision among its first k classes."""
    xp = namespace(target)
    found, wanted = xp.astype(among(first_classes(prediction, k), target), xp.float64), different(target)
    reached = xp.cumulative_sum(found, axis=1) / xp.arange(1, k + 1)
    possible = xp.clip(wanted, 1.0, float(k))
    score = xp.sum(found * reached, axis=1) / possible
    each = row_weights(target, weight)
    if empty_target == "skip":
        each = xp.where(wanted > 0, each, xp.zeros_like(each))
    score = xp.where(wanted > 0, score, 1.0 if empty_target == "pos" else 0.0)
    return added({"average": score}, each)


def _averaged(arguments: Arguments) -> Arguments:
    """TensorFlow's average of a row without labels is NaN."""
    laid = _scored(arguments)
    xp = namespace(laid["target"])
    lost = xp.any(xp.all(laid["target"] < 0, axis=1))
    return laid | {"weight": xp.full(laid["target"].shape[0], xp.nan)} if lost else laid


@metric(
    family="ranking",
    of=average_precisions,
    like=[
        tf1(
            f"metrics.{name}(labels, predictions, k, {STREAM}",
            prepare=_averaged,
            unchecked=frozenset({"target"}),
            differs="the value alone, of one update; labels of -1 are padding; a row without labels gives NaN",
        )
        for name in ("average_precision_at_k", "sparse_average_precision_at_k")
    ],
)
def average_precision_at_k(sums: dict[str, Array]) -> Array:
    """The precision at the place of each true class among the first k, summed over these, averaged over rows (MAP@k).

    Formula:
        mean over rows of Σ_{i ≤ k, class i true} #(true among the first i) / i / min(k, #true)
    Shapes:
        prediction: scores (batch, classes), or classes already chosen (batch, top) as integers; target: true classes
        (batch, length), padded with -1; weight: one per row
    Convention:
        Divides by the true classes that could be among the first k, as tf.metrics. Of equal scores the earlier class
        comes first. `empty_target`: a row without true classes is 0 (neg), 1 (pos) or left out (skip).
    Raises:
        domain: a label without a score; parameter: more k than classes; empty: no rows that count
    Source:
        tf.compat.v1.metrics.average_precision_at_k
    Example:
        {"prediction": [[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], "target": [[1, 2], [2, -1]], "k": 2} → 0.75
    """
    return share(sums, "average")
