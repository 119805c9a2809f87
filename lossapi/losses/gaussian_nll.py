"""Negative log-likelihood of targets under a normal distribution whose variance is predicted too."""

from lossapi.definition import loss
from lossapi.domains import Array, NonNegativeReal, Real, Rows
from lossapi.functions import LOG_2PI, clip, namespace, stop_gradient
from lossapi.libraries.layouts import torch_variance
from lossapi.libraries.presets import torch
from lossapi.parameters import NonNegative


@loss(
    family="regression",
    like=[
        torch(
            "gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction='mean')",
            {"var": "variance"},
            prepare=torch_variance,
            fixed={"straight_through": True},
            unchecked=frozenset({"eps"}),
            differs="input and target are broadcast; `var` may also lack the last axis, or have size one in some axis; "
            "the derivative passes `eps` as though it were not there",
        ),
    ],
)
def gaussian_nll(
    prediction: Real[Array, "batch *axes"],
    target: Real[Array, "batch *axes"],
    variance: NonNegativeReal[Array, "batch *axes"] | NonNegativeReal[Array, "batch"] | NonNegativeReal[Array, ""],
    *,
    full: bool = False,
    eps: NonNegative = 1e-6,
    straight_through: bool = False,
) -> Rows[Array, "batch *axes"]:
    """How surprising some targets are if they lie normally around the prediction with the predicted variance.

    Formula:
        ½ (log v + e² / v), v = max(variance, eps), e = prediction - target; `full` adds ½ log 2π
    Shapes:
        prediction, target: (batch, *axes); variance: the same, one per row (batch), or one; one value per element
    Units:
        nats; variance in the square of the prediction's unit
    Convention:
        The constant is left out unless `full`, as in PyTorch. Where the variance is below eps its derivative is 0;
        with `straight_through` it is that of a variance of eps, as PyTorch has it.
    Raises:
        domain: a negative variance
    Source:
        D. A. Nix, A. S. Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994,
        doi:10.1109/ICNN.1994.374138
    Example:
        {"prediction": [1.0, 2.0], "target": [0.0, 2.0], "variance": [1.0, 4.0]} → 0.5965735902799727
    """
    xp = namespace(prediction)
    if 0 < variance.ndim < prediction.ndim:
        variance = xp.reshape(variance, (-1, *(1,) * (prediction.ndim - 1)))
    v = clip(variance, low=eps)
    if straight_through:
        v = variance + stop_gradient(v - variance)
    error = prediction - target
    surprise = 0.5 * (xp.log(v) + error * error / v)
    return surprise + 0.5 * LOG_2PI if full else surprise
