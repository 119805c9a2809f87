"""How good rankings are, query by query: what share of the top is relevant, and how far down it stands."""

from collections.abc import Callable

from lossapi.definition import metric
from lossapi.domains import Array
from lossapi.errors import DomainError, EmptyError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.metric_layouts import FINITE, finite, one_weight_a_row
from lossapi.libraries.presets import Preset, sklearn, torchmetrics
from lossapi.maps.rankings import gains, grouped_gains, grouped_rankings, rankings, share

ONE = "one query; a query without relevant items is 0"
ABOVE = f"{ONE}; items scored 0 or below are not retrieved"


def one_query(arguments: Arguments) -> Arguments:
    """torchmetrics takes one query at a time, laid flat, its scores floating-point numbers."""
    prediction, target = arguments["prediction"], arguments["target"]
    xp = namespace(prediction)
    if prediction.shape != target.shape or prediction.size == 0 or not prediction.shape:
        raise ShapeError("preds and target of one shape, not empty", f"{prediction.shape}, {target.shape}", ("target",))
    if not xp.isdtype(prediction.dtype, "real floating"):
        raise DomainError("preds of a floating dtype", f"dtype {prediction.dtype}", ("prediction",))
    return arguments | {name: xp.reshape(arguments[name], (1, -1)) for name in ("prediction", "target")}


def as_torchmetrics(signature: str, above: float | None, prepare: Callable[[Arguments], Arguments]) -> Preset:
    """One of torchmetrics' functions of one query."""
    differs = ONE if above is None else ABOVE
    fixed = {} if above is None else {"above": above}
    return torchmetrics(signature, prepare=prepare, fixed=fixed, differs=differs)


def sklearn_gains(arguments: Arguments) -> Arguments:
    """scikit-learn's queries: two items or more, finite."""
    shapes = [arguments[name].shape for name in ("prediction", "target")]
    if shapes[0] != shapes[1] or len(shapes[1]) != 2 or shapes[1][1] < 2:
        raise ShapeError("y_true and y_score of shape (queries, items), two items or more", str(shapes), ("target",))
    if not shapes[0][0]:
        raise EmptyError("at least one query", "none", ("target",))
    return one_weight_a_row(finite("prediction", "target", "weight")(arguments))


@metric(
    family="retrieval",
    of=[rankings, grouped_rankings],
    like=[as_torchmetrics("retrieval_precision(preds, target, top_k=None, adaptive_k=False)", 0.0, one_query)],
)
def retrieval_precision(sums: dict[str, Array]) -> Array:
    """The share of the first `top_k` items that is relevant, averaged over the queries.

    Formula:
        mean over queries of #(relevant among the top k) / k
    Shapes:
        prediction: scores (batch, items); target: 0/1 of that shape; weight: one per query; or all items in one row,
        (items), and `query`, which one each belongs to
    Convention:
        k counts in full where there are fewer items, unless `adaptive_k`; without top_k it is the number of items. Of
        equal scores the earlier item comes first. Items scored `above` or below that are not retrieved:
        torchmetrics has 0 there, so that negative scores find nothing. `empty_target`: a query without relevant items
        is 0 (neg), 1 (pos) or left out (skip).
    Raises:
        domain: a target that is not 0 or 1; empty: no queries that count
    Source:
        C. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval, 2008, chapter 8
    Example:
        {"prediction": [[0.2, 0.3, 0.5]], "target": [[1, 0, 1]], "top_k": 2} → 0.5
    """
    return share(sums, "of_top")


@metric(
    family="retrieval",
    of=[rankings, grouped_rankings],
    like=[as_torchmetrics("retrieval_recall(preds, target, top_k=None)", 0.0, one_query)],
)
def retrieval_recall(sums: dict[str, Array]) -> Array:
    """The share of the relevant items that is among the first `top_k`, averaged over the queries.

    Formula:
        mean over queries of #(relevant among the top k) / #relevant
    Shapes:
        prediction: scores (batch, items); target: 0/1 of that shape; weight: one per query; or all items in one row,
        (items), and `query`, which one each belongs to
    Convention:
        As `retrieval_precision`.
    Raises:
        domain: a target that is not 0 or 1; empty: no queries that count
    Source:
        C. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval, 2008, chapter 8
    Example:
        {"prediction": [[0.2, 0.3, 0.5]], "target": [[1, 0, 1]], "top_k": 2} → 0.5
    """
    return share(sums, "of_relevant")


@metric(
    family="retrieval",
    of=[rankings, grouped_rankings],
    like=[as_torchmetrics("retrieval_hit_rate(preds, target, top_k=None)", None, one_query)],
)
def retrieval_hit_rate(sums: dict[str, Array]) -> Array:
    """The share of the queries with anything relevant among the first `top_k` items.

    Formula:
        mean over queries of [#(relevant among the top k) > 0]
    Shapes:
        prediction: scores (batch, items); target: 0/1 of that shape; weight: one per query; or all items in one row,
        (items), and `query`, which one each belongs to
    Convention:
        As `retrieval_precision`.
    Raises:
        domain: a target that is not 0 or 1; empty: no queries that count
    Source:
        torchmetrics.functional.retrieval_hit_rate
    Example:
        {"prediction": [[0.2, 0.3, 0.5], [0.9, 0.1, 0.2]], "target": [[1, 0, 1], [0, 1, 0]], "top_k": 2} → 0.5
    """
    return share(sums, "hit")


@metric(
    family="retrieval",
    of=[rankings, grouped_rankings],
    like=[as_torchmetrics("retrieval_reciprocal_rank(preds, target, top_k=None)", 0.0, one_query)],
)
def retrieval_reciprocal_rank(sums: dict[str, Array]) -> Array:
    """One over the place of the first relevant item, averaged over the queries (MRR).

    Formula:
        mean over queries of 1 / (place of the first relevant item), 0 where none is among the top k
    Shapes:
        prediction: scores (batch, items); target: 0/1 of that shape; weight: one per query; or all items in one row,
        (items), and `query`, which one each belongs to
    Convention:
        As `retrieval_precision`.
    Raises:
        domain: a target that is not 0 or 1; empty: no queries that count
    Source:
        E. Voorhees, The TREC-8 Question Answering Track Report, 1999
    Example:
        {"prediction": [[0.2, 0.3, 0.5]], "target": [[0, 1, 0]]} → 0.5
    """
    return share(sums, "reciprocal")


@metric(
    family="retrieval",
    of=[rankings, grouped_rankings],
    like=[as_torchmetrics("retrieval_average_precision(preds, target, top_k=None)", 0.0, one_query)],
)
def retrieval_average_precision(sums: dict[str, Array]) -> Array:
    """The precision at the place of each relevant item, averaged over these items, then over the queries (MAP).

    Formula:
        mean over queries of mean over relevant items among the top k of #(relevant up to there) / place
    Shapes:
        prediction: scores (batch, items); target: 0/1 of that shape; weight: one per query; or all items in one row,
        (items), and `query`, which one each belongs to
    Convention:
        As `retrieval_precision`. Divides by the relevant items that were found, as torchmetrics;
        `average_precision_at_k` divides by those that could be.
    Raises:
        domain: a target that is not 0 or 1; empty: no queries that count
    Source:
        C. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval, 2008, chapter 8
    Example:
        {"prediction": [[0.2, 0.3, 0.5]], "target": [[1, 0, 1]]} → 0.8333333333333333
    """
    return share(sums, "average")


@metric(
    family="ranking",
    of=[gains, grouped_gains],
    like=[
        sklearn(
            "dcg_score(y_true, y_score, k=None, log_base=2, sample_weight=None, ignore_ties=False)",
            {"y_score": "prediction", "k": "top_k"},
            prepare=sklearn_gains,
            unchecked=frozenset({"target"}),
            differs=f"{FINITE}; with ignore_ties the order of equal scores is not said",
        )
    ],
)
def dcg(sums: dict[str, Array]) -> Array:
    """Gains of the items, discounted by the place at which they stand, summed per query and averaged over queries.

    Formula:
        mean over queries of Σ over the top k of gain / log_base(place + 1)
    Shapes:
        prediction: scores (batch, items); target: relevance of that shape; weight: one per query; or all items in one
        row, (items), and `query`, which one each belongs to
    Convention:
        As scikit-learn: the gain is the relevance (`gain` exp2: 2^relevance - 1), and items of equal score share the
        mean of their discounts, unless `ignore_ties` leaves them in their order.
    Raises:
        domain: a negative relevance; empty: no queries, or weights that sum to 0
    Source:
        K. Järvelin, J. Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, 2002, doi:10.1145/582415.582418
    Example:
        {"prediction": [[0.1, 0.2, 0.3]], "target": [[0.0, 1.0, 2.0]]} → 2.6309297535714573
    """
    return share(sums, "gain")


@metric(
    family="retrieval",
    of=[gains, grouped_gains],
    like=[
        sklearn(
            "ndcg_score(y_true, y_score, k=None, sample_weight=None, ignore_ties=False)",
            {"y_score": "prediction", "k": "top_k"},
            prepare=sklearn_gains,
            differs=f"{FINITE}; with ignore_ties the order of equal scores is not said",
        ),
        torchmetrics(
            "retrieval_normalized_dcg(preds, target, top_k=None)",
            prepare=one_query,
            unchecked=frozenset({"target"}),
            differs="one query",
        ),
    ],
)
def ndcg(sums: dict[str, Array]) -> Array:
    """The discounted gain of a ranking as a share of the best one's: 1 where relevance only falls from top to bottom.

    Formula:
        mean over queries of DCG / (DCG of the items by falling relevance), 0 where that is 0
    Shapes:
        prediction: scores (batch, items); target: relevance of that shape; weight: one per query; or all items in one
        row, (items), and `query`, which one each belongs to
    Convention:
        As scikit-learn and torchmetrics: see `dcg`. Others take 2^relevance - 1 for the gain (`gain` exp2).
    Raises:
        domain: a negative relevance; empty: no queries, or weights that sum to 0
    Source:
        K. Järvelin, J. Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, 2002, doi:10.1145/582415.582418
    Example:
        {"prediction": [[0.3, 0.2, 0.1]], "target": [[0.0, 1.0, 2.0]]} → 0.6199062332840657
    """
    return share(sums, "of_best")
