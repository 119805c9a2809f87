"""The logistic loss of a score against a sign."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows, Sign
from lossapi.functions import namespace, softplus
from lossapi.libraries.conventions import floating, steps, stretched
from lossapi.libraries.presets import torch


@loss(
    family="binary",
    like=[
        torch(
            "soft_margin_loss(input, target, reduction='mean')",
            fixed={"overflow": True},
            prepare=steps(floating("prediction"), stretched("target")),
            unchecked=frozenset({"target"}),
            differs="infinite where exp(-y s) overflows the dtype (float32: from -y s = 89), where the loss is -y s",
        ),
    ],
)
def soft_margin(
    prediction: Real[Array, "batch *axes"], target: Sign[Array, "batch *axes"], *, overflow: bool = False
) -> Rows[Array, "batch *axes"]:
    """The logistic loss for targets of -1 and 1: a hinge with its corner rounded off.

    Formula:
        log(1 + exp(-y s)), target y = -1 or 1, raw score s
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        nats
    Convention:
        Never overflows: it grows like |s|. With `overflow` it is infinite where exp(-y s) is, as in PyTorch.
        The same number as binary cross-entropy from raw scores against the target (y + 1)/2.
    Raises:
        domain: a target that is neither -1 nor 1
    Source:
        J. Friedman, T. Hastie, R. Tibshirani, Additive Logistic Regression, 2000, doi:10.1214/aos/1016218223
    Example:
        {"prediction": [0.0, 2.0], "target": [1, -1], "reduction": "sum"} → 2.820075191602918
    """
    xp = namespace(prediction)
    z = -target * prediction
    return xp.maximum(softplus(z), xp.log(xp.exp(z))) if overflow else softplus(z)
