"""Losses that are quadratic near the target and linear beyond it."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import namespace
from lossapi.libraries.conventions import broadcast, floating, promoted, steps, zero_target
from lossapi.libraries.layouts import torch_pair
from lossapi.libraries.presets import keras, optax, tf1, torch
from lossapi.parameters import NonNegative, Positive


@loss(
    family="regression",
    like=[
        torch(
            "huber_loss(input, target, reduction='mean', delta=1.0, weight=None)",
            prepare=steps(floating("prediction"), torch_pair),
            differs="a mean divides by the number of elements, weighted or not; input and target are broadcast",
        ),
        *keras(
            "huber(y_true, y_pred, delta=1.0)",
            "Huber",
            mean_axes=1,
            unchecked=frozenset({"delta"}),
            differs="the function averages over the last axis alone; any `delta` is taken",
        ),
        tf1(
            "losses.huber_loss(labels, predictions, weights=1.0, delta=1.0, "
            "reduction='weighted_sum_by_nonzero_weights')",
            unchecked=frozenset({"delta"}),
            differs="divides by the number of weights other than zero; computes in float32; any `delta` is taken",
        ),
        optax(
            "huber_loss(predictions, targets=None, delta=1.0)",
            prepare=steps(floating("prediction"), zero_target, broadcast("prediction", "target")),
            unchecked=frozenset({"delta"}),
            differs="never reduced; without targets, of the predictions themselves; any `delta` is taken",
        ),
    ],
)
def huber(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, delta: Positive = 1.0
) -> Rows[Array, "batch *axes"]:
    """Quadratic within `delta` of the target, linear beyond it: squared error that an outlier cannot dominate.

    Formula:
        e = prediction - target;  ½ e² where |e| ≤ δ, else δ |e| - ½ δ²
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the square of the prediction's unit; `delta` in the prediction's unit
    Convention:
        δ → ∞ gives half the squared error; huber / δ → absolute error as δ → 0. Smooth L1 with β = δ is huber / δ.
    Errata:
        Often printed without the squares, and with the sum inside the condition; the condition is per element.
    Source:
        P. J. Huber, Robust Estimation of a Location Parameter, 1964, doi:10.1214/aoms/1177703732
    Example:
        {"prediction": [0.0, 3.0], "target": [0.0, 0.0], "delta": 1.0} → 1.25
    """
    xp = namespace(prediction)
    error = xp.abs(prediction - target)
    near = xp.minimum(error, delta)
    return near * (error - 0.5 * near)


@loss(
    family="regression",
    like=[
        torch(
            "smooth_l1_loss(input, target, reduction='mean', beta=1.0)",
            prepare=steps(promoted("prediction", "target"), torch_pair),
            differs="input and target are broadcast",
        ),
    ],
)
def smooth_l1(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, beta: NonNegative = 1.0
) -> Rows[Array, "batch *axes"]:
    """Absolute error with its kink rounded off within `beta` of the target: the box-regression loss of detectors.

    Formula:
        e = prediction - target;  ½ e²/β where |e| < β, else |e| - ½ β
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the prediction's unit, and so has `beta`
    Convention:
        huber(δ = β) / β; β = 0 is the absolute error exactly, as in PyTorch.
    Source:
        R. Girshick, Fast R-CNN, 2015, https://arxiv.org/abs/1504.08083
    Example:
        {"prediction": [0.5, 3.0], "target": [0.0, 0.0], "beta": 2.0} → 1.03125
    """
    xp = namespace(prediction)
    error = xp.abs(prediction - target)
    if beta == 0:
        return error
    near = xp.minimum(error, beta)
    return near * (error - 0.5 * near) / beta
