"""Margin losses over classes that count every class too near, not the nearest alone."""

from typing import Literal

from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows
from lossapi.errors import DtypeError, ShapeError
from lossapi.functions import count, namespace, one_hot, pick, relu
from lossapi.libraries.conventions import Arguments, floating, steps
from lossapi.libraries.presets import torch
from lossapi.states import Weighted


def _torch(arguments: Arguments) -> Arguments:
    """PyTorch: labels of int64, weights of the scores' dtype, and one row may come without a batch."""
    x, y, weight = (arguments[name] for name in ("prediction", "target", "class_weight"))
    if y.dtype.name != "int64":
        raise DtypeError("target of dtype int64", f"dtype {y.dtype}", ("target",))
    if weight is not None and (weight.ndim != 1 or weight.dtype != x.dtype):
        raise ShapeError(f"weight of one axis and {x.dtype}", f"{weight.dtype} {weight.shape}", ("class_weight",))
    if x.ndim == 2 and y.ndim == 1:
        return arguments
    row = {"prediction": namespace(x).reshape(x, (1, -1))} if x.ndim < 2 else {}
    return arguments | row | {"target": namespace(y).reshape(y, (-1,)), "shape": y.shape}


@loss(
    family="multiclass",
    like=[
        torch(
            "multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction='mean')",
            {"weight": "class_weight"},
            prepare=steps(floating("prediction"), _torch),
            differs="the mean and the sum of an empty batch, which are uninitialised memory there, are NaN and 0",
        ),
    ],
)
def multi_margin(
    prediction: Real[Array, "batch classes"],
    target: Label[Array, "batch"],
    class_weight: Real[Array, "classes"] | None = None,
    *,
    p: Literal[1, 2] = 1,
    margin: float = 1.0,
) -> Rows[Array, "batch"]:
    """How far the other classes' scores reach into the margin below the right class's, averaged over the classes.

    Formula:
        (1/C) Σ_{c≠y} w_y max(0, m - s_y + s_c)^p
    Shapes:
        prediction: (batch, classes), classes at class_axis; target: (batch), indices; class_weight: (classes)
    Convention:
        The sum is divided by the number of classes C, the right one included; the weight is that of the right
        class and is not raised to p. A row's weight is its class weight, so `weighted_mean` divides by their sum.
    Raises:
        domain: a label not below the number of classes
    Source:
        J. Weston, C. Watkins, Support Vector Machines for Multi-Class Pattern Recognition, 1999,
        https://www.esann.org/sites/default/files/proceedings/legacy/es1999-461.pdf
    Example:
        {"prediction": [[0.25, 0.5, 1.0], [2.0, 0.0, 0.5]], "target": [1, 0]} → 0.375
    """
    xp = namespace(prediction)
    short = relu(prediction - xp.expand_dims(pick(prediction, target, axis=1), axis=1) + margin)
    other = one_hot(target, prediction, axis=1) == 0.0
    each = xp.where(other, short if p == 1 else short * short, xp.zeros_like(short))
    each = xp.sum(each, axis=1) / count(prediction, axis=1)
    if class_weight is None:
        return each
    own = xp.take(class_weight, target, axis=0)
    return Weighted(each * own, own)
