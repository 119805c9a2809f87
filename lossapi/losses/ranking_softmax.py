"""Ranking a list: cross-entropy between its items' relevance and the softmax of their scores."""

from lossapi.definition import loss
from lossapi.domains import Array, Binary, Real, Rows
from lossapi.errors import ParameterError
from lossapi.functions import log_softmax, namespace
from lossapi.libraries.conventions import Arguments, broadcast, floating, steps
from lossapi.libraries.presets import optax
from lossapi.states import Weighted

REDUCTIONS = {None: "none", "none": "none", "mean": "weighted_mean", "sum": "sum"}


def _optax(arguments: Arguments) -> Arguments:
    """Item weights multiply the relevance; reduce_fn is given by name; one list is a batch of one; no list costs 0."""
    reduce_fn, weights = arguments.pop("reduce_fn"), arguments.pop("weights")
    if not isinstance(reduce_fn, str | None) or reduce_fn not in REDUCTIONS:
        raise ParameterError('reduce_fn "mean", "sum" or null', repr(reduce_fn), ("reduce_fn",))
    target = arguments["target"] if weights is None else arguments["target"] * weights
    lists = {name: arguments.get(name) for name in ("prediction", "mask")} | {"target": target}
    if arguments["prediction"].ndim == 1:
        lists = {name: each if each is None else each[None] for name, each in lists.items()}
        arguments["shape"] = ()
    return arguments | lists | {"reduction": REDUCTIONS[reduce_fn], "empty": 0.0}


@loss(
    family="ranking",
    reduction="weighted_mean",
    like=[
        optax(
            "ranking_softmax_loss(logits, labels, *, where=None, weights=None, reduce_fn='mean')",
            {"where": "mask"},
            tensors=("weights",),
            prepare=steps(floating("prediction"), broadcast("prediction", "target", "mask", "weights"), _optax),
            differs='reduce_fn is given by name: "mean", "sum" or null',
        ),
    ],
)
def ranking_softmax(
    prediction: Real[Array, "batch *axes items"],
    target: Real[Array, "batch *axes items"],
    mask: Binary[Array, "batch *axes items"] | None = None,
) -> Rows[Array, "batch *axes"]:
    """How little of the relevant items' worth the softmax of a list's scores puts on them (ListNet).

    Formula:
        -Σ_i y_i log softmax(s)_i over the items of each list
    Shapes:
        prediction, target, mask: (batch, *axes, items); one value per list
    Units:
        nats times the relevance's unit
    Convention:
        Relevance is taken as it is, not normalised over the list. Items with mask 0 are not in their list. A list
        of no items costs 0, and has weight 0 in `weighted_mean`, the default.
    Source:
        Z. Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007,
        doi:10.1145/1273496.1273513
    Example:
        {"prediction": [[2.0, 1.0, 3.0]], "target": [[1.0, 0.0, 0.0]]} → 1.4076059644443804
    """
    xp = namespace(prediction)
    if mask is None:
        surprise = -xp.sum(target * log_softmax(prediction, axis=-1), axis=-1)
        return Weighted(surprise, xp.ones_like(surprise))
    logs = log_softmax(xp.where(mask != 0.0, prediction, -xp.inf * xp.ones_like(prediction)), axis=-1)
    surprise = -xp.sum(xp.where(mask != 0.0, target * logs, xp.zeros_like(logs)), axis=-1)
    return Weighted(surprise, xp.astype(xp.any(mask != 0.0, axis=-1), surprise.dtype))
