"""Triplets: an anchor nearer to its like than to its unlike, by a margin."""

from typing import Any, Literal

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.errors import ParameterError, ShapeError, Unsupported
from lossapi.functions import clip, namespace, unit
from lossapi.libraries.conventions import Arguments, broadcast, chosen_axes, floating, gathered, steps, unbatched
from lossapi.libraries.presets import optax, torch
from lossapi.parameters import NonNegative

TRIPLET = ("anchor", "positive", "negative")
Distance = Literal["minkowski", "euclidean", "squared_euclidean", "manhattan", "chebyshev", "cosine"]
ORDERS = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": float("inf")}


def _torchs(arguments: Arguments) -> Arguments:
    """PyTorch wants tensors of one rank and a positive margin; an infinite p is the largest difference."""
    if len({arguments[name].ndim for name in TRIPLET}) > 1:
        raise ShapeError("anchor, positive and negative with as many axes", "unlike numbers", ("positive",))
    margin = arguments["margin"]
    if isinstance(margin, int | float) and margin <= 0:
        raise ParameterError("margin > 0", repr(margin), ("margin",))
    p: Any = arguments.get("p")
    return {**arguments, "p": None, "distance": "chebyshev"} if p in (float("inf"), "Infinity") else arguments


def _by_name(arguments: Arguments) -> Arguments:
    """The distance is a function there and a name here; without one it is PyTorch's pairwise distance."""
    if arguments["distance"] in (None, "pairwise_distance"):
        return {**arguments, "distance": "euclidean"}
    return {**arguments, "eps": 0.0}


def _optaxs(arguments: Arguments) -> Arguments:
    """optax raises differences to the power as they are, so that only even degrees give a distance."""
    p, axis = arguments["p"], arguments.pop("axis")
    if not isinstance(p, int | float) or p % 2 or not p:
        raise Unsupported("an even norm_degree (no absolute value is taken before the power)", repr(p), ("p",))
    axes = chosen_axes(axis, arguments["anchor"].ndim)
    return {**arguments, **{name: gathered(arguments[name], axes) for name in TRIPLET}, "p": float(p)}


@loss(
    family="face",
    like=[
        torch(
            "triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction='mean')",
            prepare=steps(_torchs, unbatched(1, *TRIPLET), broadcast(*TRIPLET)),
        ),
        torch(
            "triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, "
            "swap=False, reduction='mean')",
            {"distance_function": "distance"},
            prepare=steps(_torchs, _by_name, unbatched(1, *TRIPLET), broadcast(*TRIPLET)),
            differs="the distance function is given by name: pairwise_distance, or one that `distance` lists",
        ),
        optax(
            "triplet_margin_loss(anchors, positives, negatives, axis=-1, norm_degree=2, margin=1.0, eps=1e-6)",
            {
                "anchors": "anchor",
                "positives": "positive",
                "negatives": "negative",
                "norm_degree": "p",
                "eps": "root_eps",
            },
            fixed={"eps": 0.0},
            prepare=steps(floating(*TRIPLET), broadcast(*TRIPLET), _optaxs, unbatched(1, *TRIPLET)),
            differs="eps is added under the root; an odd or broken norm_degree is refused, since without the "
            "absolute value the sum of powers is no distance",
        ),
    ],
)
def triplet_margin(
    anchor: Real[Array, "batch *axes dim"],
    positive: Real[Array, "batch *axes dim"],
    negative: Real[Array, "batch *axes dim"],
    *,
    margin: float = 1.0,
    distance: Distance = "minkowski",
    p: float = 2.0,
    eps: float = 1e-6,
    root_eps: NonNegative = 0.0,
    swap: bool = False,
) -> Rows[Array, "batch *axes"]:
    """How far an anchor is from being nearer to its positive than to its negative by the margin.

    Formula:
        max(0, d(a, p) - d(a, n) + m)
    Shapes:
        anchor, positive, negative: (batch, *axes, dim); one value per (batch, *axes)
    Units:
        the distance's unit, and so has `margin`
    Convention:
        `distance` is minkowski (Σ|x|^p)^(1/p) under the parameter p, euclidean (p = 2), manhattan (p = 1),
        chebyshev (the largest difference), squared_euclidean, or cosine (1 - cosine). `eps` is added to every
        difference first, as PyTorch does, cosine aside; `root_eps` under the root, as optax does. With `swap`,
        d(a, n) is d(p, n) where that is smaller. No mining: the triplets are those given.
    Source:
        F. Schroff, D. Kalenichenko, J. Philbin, FaceNet, 2015, https://arxiv.org/abs/1503.03832;
        swap: V. Balntas et al., Learning local feature descriptors with triplets, 2016, doi:10.5244/C.30.119
    Example:
        {"anchor": [[0.0, 0.0]], "positive": [[3.0, 4.0]], "negative": [[0.0, 5.5]], "eps": 0.0} → 0.5
    """
    near = _apart(anchor, positive, distance, p, eps, root_eps)
    far = _apart(anchor, negative, distance, p, eps, root_eps)
    if swap:
        far = namespace(anchor).minimum(far, _apart(positive, negative, distance, p, eps, root_eps))
    return clip(margin + near - far, low=0.0)


def _apart(x: Array, y: Array, distance: str, p: float, eps: float, root_eps: float) -> Array:
    """How far apart rows are, by the distance of that name."""
    xp = namespace(x)
    if distance == "cosine":
        return 1.0 - xp.sum(unit(x, floor=1e-8) * unit(y, floor=1e-8), axis=-1)
    apart = x - y + eps if eps else x - y
    if distance == "squared_euclidean":
        return xp.sum(apart * apart, axis=-1)
    order = ORDERS.get(distance, p)
    if root_eps:
        return (xp.sum(xp.abs(apart) ** order, axis=-1) + root_eps) ** (1.0 / order)
    return xp.linalg.vector_norm(apart, axis=-1, ord=order)
