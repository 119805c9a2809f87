"""The angle between prediction and target, whatever their lengths: as a similarity and as a distance."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.errors import ParameterError
from lossapi.functions import namespace, unit
from lossapi.libraries.conventions import Arguments, chosen_axes, floating, negated, require_lengths, steps
from lossapi.libraries.layouts import along_axes, keras_along, squeeze_weight
from lossapi.libraries.presets import keras, optax, tf1
from lossapi.parameters import NonNegative


def _length_from_square(arguments: Arguments) -> Arguments:
    """optax bounds the squared length, from below."""
    epsilon = arguments.pop("epsilon")
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float):
        raise ParameterError("epsilon: a number", repr(epsilon), ("epsilon",))
    return arguments | {"eps": max(epsilon, 0.0) ** 0.5}


def _kept_axis(arguments: Arguments) -> Arguments:
    """TensorFlow 1 needs `axis`, or `dim` as it was once called, and leaves a size of one there."""
    axis, dim = arguments["axis"], arguments.pop("dim")
    if (axis is None) == (dim is None):
        raise ParameterError("axis", "nothing" if axis is None else "both axis and dim", ("axis",))
    axis = dim if axis is None else axis
    shape = arguments["prediction"].shape
    (place,) = chosen_axes((axis,), len(shape))
    kept = tuple(1 if i == place else n for i, n in enumerate(shape))
    return squeeze_weight(place)(arguments | {"axis": axis, "shape": kept})


OPTAX = steps(
    floating("prediction", "target"),
    require_lengths("prediction", "target"),
    along_axes("prediction", "target"),
    _length_from_square,
)


@loss(
    family="regression",
    like=[
        *keras(
            "cosine_similarity(y_true, y_pred, axis=-1)",
            "CosineSimilarity",
            prepare=keras_along,
            differs="several axes, or all, may be summed over",
        ),
        optax(
            "cosine_similarity(predictions, targets, epsilon=0.0, axis=-1, where=None)",
            prepare=steps(OPTAX, negated),
            tensors=("where",),
            differs="the cosine itself, not minus it; a zero vector, or none, gives NaN unless epsilon, which is the "
            "least squared length",
        ),
    ],
)
def cosine_similarity(
    prediction: Real[Array, "batch *axes dim"] | Real[Array, "dim"],
    target: Real[Array, "batch *axes dim"] | Real[Array, "dim"],
    *,
    axis: int = -1,
    eps: NonNegative = 1e-7,
) -> Rows[Array, "batch *axes"]:
    """Minus the cosine of the angle between prediction and target: -1 where they point the same way, 1 opposite.

    Formula:
        -Σ p y / (max(‖p‖, eps) · max(‖y‖, eps)), summed over `axis`
    Shapes:
        prediction, target: (batch, *axes, dim), dim at `axis`; one value per (batch, *axes)
    Units:
        none: minus a cosine, in [-1, 1]
    Convention:
        The sign of a loss, as in keras.losses; Keras' metric and optax' function of the same name are the cosine
        itself. A zero vector gives 0, as in Keras.
    Source:
        keras.losses.cosine_similarity, https://keras.io/api/losses/regression_losses/
    Example:
        {"prediction": [[3.0, 4.0], [1.0, 0.0]], "target": [[4.0, 3.0], [0.0, 2.0]]} → -0.48
    """
    return -namespace(prediction).sum(unit(prediction, floor=eps) * unit(target, floor=eps), axis=-1)


@loss(
    family="regression",
    like=[
        tf1(
            "losses.cosine_distance(labels, predictions, axis=None, weights=1.0, "
            "reduction='weighted_sum_by_nonzero_weights', dim=None)",
            prepare=_kept_axis,
            fixed={"normalize": False},
            differs="takes prediction and target for unit vectors; the axis stays, with size one",
        ),
        optax(
            "cosine_distance(predictions, targets, epsilon=0.0, axis=-1, where=None)",
            prepare=OPTAX,
            tensors=("where",),
            differs="a zero vector, or none, gives NaN unless epsilon, the least squared length",
        ),
    ],
)
def cosine_distance(
    prediction: Real[Array, "batch *axes dim"] | Real[Array, "dim"],
    target: Real[Array, "batch *axes dim"] | Real[Array, "dim"],
    *,
    axis: int = -1,
    normalize: bool = True,
    eps: NonNegative = 1e-7,
) -> Rows[Array, "batch *axes"]:
    """One minus the cosine of the angle between prediction and target: 0 where they point the same way, 2 opposite.

    Formula:
        1 - Σ p y / (max(‖p‖, eps) · max(‖y‖, eps)), summed over `axis`; without `normalize`, 1 - Σ p y
    Shapes:
        prediction, target: (batch, *axes, dim), dim at `axis`; one value per (batch, *axes)
    Units:
        none: in [0, 2] under `normalize`
    Convention:
        Lengths are divided out, as in optax and SciPy; TensorFlow 1 expects unit vectors and does not. A zero
        vector is at distance 1.
    Source:
        scipy.spatial.distance.cosine
    Example:
        {"prediction": [[3.0, 4.0], [1.0, 0.0]], "target": [[4.0, 3.0], [0.0, 2.0]]} → 0.52
    """
    if normalize:
        prediction, target = unit(prediction, floor=eps), unit(target, floor=eps)
    return 1.0 - namespace(prediction).sum(prediction * target, axis=-1)
