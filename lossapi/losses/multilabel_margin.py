"""Margin loss of rows that belong to several classes."""

from lossapi.definition import loss
from lossapi.domains import Array, PaddedIndex, Real, Rows
from lossapi.functions import count, namespace, relu
from lossapi.libraries.conventions import Arguments, floating, same_shape, steps, unbatched
from lossapi.libraries.presets import torch


def _one_number(arguments: Arguments) -> Arguments:
    """PyTorch takes a number for a row of one class."""
    pair = {name: arguments[name] for name in ("prediction", "target")}
    if all(array.size == 1 and array.ndim < 2 for array in pair.values()):
        pair = {name: namespace(array).reshape(array, (1,)) for name, array in pair.items()}
    return arguments | pair


@loss(
    family="multilabel",
    like=[
        torch(
            "multilabel_margin_loss(input, target, reduction='mean')",
            prepare=steps(
                floating("prediction"),
                _one_number,
                same_shape("prediction", "target"),
                unbatched(1, "prediction", "target"),
            ),
            differs="the mean and the sum of an empty batch, which are uninitialised memory there, are NaN and 0",
        ),
    ],
)
def multilabel_margin(
    prediction: Real[Array, "batch classes"], target: PaddedIndex[Array, "batch length"]
) -> Rows[Array, "batch"]:
    """How far the scores of classes that do not apply reach into the margin 1 below those that do.

    Formula:
        (1/C) Σ_{a applies} Σ_{c does not} max(0, 1 - (s_a - s_c))
    Shapes:
        prediction: (batch, classes), classes at class_axis; target: (batch, length), the indices of the classes
        that apply, then -1; one value per row
    Convention:
        The first -1 ends a row's list, whatever follows; a row that begins with -1 costs 0. A class listed twice
        counts twice as one that applies.
    Raises:
        domain: an index below -1, or not below the number of classes
    Source:
        A. Elisseeff, J. Weston, A Kernel Method for Multi-Labelled Classification, 2001,
        https://papers.nips.cc/paper/1964-a-kernel-method-for-multi-labelled-classification
    Example:
        {"prediction": [[0.25, 0.5, 0.0, 1.0]], "target": [[3, 0, -1, 1]]} → 0.625
    """
    xp = namespace(prediction)
    listed = xp.cumulative_sum(xp.astype(target < 0, prediction.dtype), axis=1) == 0.0
    index = xp.where(listed, target, xp.zeros_like(target))
    place = xp.reshape(xp.arange(prediction.shape[1]), (1, 1, -1))
    named = xp.expand_dims(listed, axis=2) & (xp.expand_dims(index, axis=2) == place)
    spared = xp.any(named, axis=1, keepdims=True)
    ahead = xp.expand_dims(xp.take_along_axis(prediction, index, axis=1), axis=2)
    short = relu(1.0 - ahead + xp.expand_dims(prediction, axis=1))
    counted = xp.astype(xp.expand_dims(listed, axis=2) & ~spared, prediction.dtype)
    return xp.sum(short * counted, axis=(1, 2)) / count(prediction, axis=1)
