"""Losses whose forecast is a projection onto the simplex, so that it gives unlikely classes no weight at all."""

from lossapi.definition import loss
from lossapi.domains import Array, Binary, Label, Real, Rows
from lossapi.errors import ShapeError
from lossapi.functions import clip, namespace, pick, relu
from lossapi.libraries.conventions import Arguments, broadcast, steps
from lossapi.libraries.presets import optax


def _truths(arguments: Arguments) -> Arguments:
    """optax' rule: whatever is not 0 is the positive class."""
    y = arguments["target"]
    return {**arguments, "target": namespace(y).astype(y != 0, arguments["prediction"].dtype)}


def _one_axis(arguments: Arguments) -> Arguments:
    """optax maps over exactly one axis of rows."""
    shape = arguments["prediction"].shape
    if len(shape) != 2:
        raise ShapeError("scores of two axes", f"shape {shape}", ("prediction",))
    return arguments


@loss(
    family="binary",
    like=[
        optax(
            "sparsemax_loss(logits, labels)",
            prepare=steps(broadcast("prediction", "target"), _truths),
            differs="a label that is not 0 counts as 1",
        ),
    ],
)
def sparsemax(
    prediction: Real[Array, "batch *axes"], target: Binary[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """Softplus' sparse twin: exactly 0 once a raw score is 1 on the right side, linear from 1 on the wrong side.

    Formula:
        z = -s where y = 1, s where y = 0;  0 where z ≤ -1, (z + 1)²/4 between, z where z ≥ 1
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Raises:
        domain: a target that is neither 0 nor 1
    Source:
        M. Blondel, A. F. T. Martins, V. Niculae, Learning with Fenchel-Young Losses, 2020,
        https://arxiv.org/abs/1901.02324
    Example:
        {"prediction": [0.5, 3.0], "target": [1, 0]} → 1.53125
    """
    z = (1.0 - 2.0 * target) * prediction
    near = clip(z, low=-1.0, high=1.0) + 1.0
    return 0.25 * near * near + relu(z - 1.0)


@loss(
    family="multiclass",
    like=[
        optax("multiclass_sparsemax_loss(scores, labels)", {"scores": "prediction"}, prepare=_one_axis),
        optax(
            "make_fenchel_young_loss(max_fun)",
            refused="it makes a loss from a Python function, which a request cannot carry; this one is its best "
            "known product, cross-entropy from raw scores the other",
        ),
    ],
)
def multiclass_sparsemax(
    prediction: Real[Array, "batch classes *axes"], target: Label[Array, "batch *axes"]
) -> Rows[Array, "batch *axes"]:
    """Cross-entropy's sparse twin: 0 once the right class's raw score leads every other by 1.

    Formula:
        ½ + ½ Σ_{p_c > 0} (s_c² - τ²) - s_y, with p = max(s - τ, 0) and τ such that Σ p = 1
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes), indices; one value each
    Raises:
        domain: a label not below the number of classes
    Source:
        A. F. T. Martins, R. F. Astudillo, From Softmax to Sparsemax, 2016, https://arxiv.org/abs/1602.02068
    Example:
        {"prediction": [[1.0, 0.5, -1.0], [3.0, 0.0, 0.0]], "target": [0, 1]} → 1.53125
    """
    xp = namespace(prediction)
    p = _projected(prediction)
    ahead = prediction - xp.expand_dims(pick(prediction, target, axis=1), axis=1)
    gained = xp.sum(xp.where(p > 0.0, p * ahead, xp.zeros_like(p)), axis=1)
    return gained + 0.5 * (1.0 - xp.sum(p * p, axis=1))


def _projected(scores: Array) -> Array:
    """The nearest point of the simplex: max(s - τ, 0), where the k largest scores share the excess evenly."""
    xp = namespace(scores)
    s = scores - xp.max(scores, axis=1, keepdims=True)
    ordered = -xp.sort(-s, axis=1)
    rank = xp.cumulative_sum(xp.ones_like(s), axis=1)
    within = 1.0 + rank * ordered > xp.cumulative_sum(ordered, axis=1)
    size = xp.sum(xp.astype(within, s.dtype), axis=1, keepdims=True)
    excess = xp.sum(xp.where(within, ordered, xp.zeros_like(s)), axis=1, keepdims=True) - 1.0
    return relu(s - excess / size)
