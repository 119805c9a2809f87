"""Minus the log-probability of a class."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, LogProbability, Real, Rows
from lossapi.libraries import class_axes
from lossapi.libraries.presets import torch
from lossapi.maps.surprise import surprise


@loss(
    family="multiclass",
    like=[
        torch(
            "nll_loss(input, target, weight=None, ignore_index=-100, reduction='mean')",
            {"weight": "class_weight"},
            prepare=class_axes.torch_indices,
            differs="the mean divides by the weights of the classes that came",
        ),
    ],
)
def nll(
    prediction: LogProbability[Array, "batch classes *axes"],
    target: Label[Array, "batch *axes"],
    class_weight: Real[Array, "classes"] | None = None,
) -> Rows[Array, "batch *axes"]:
    """Minus the log-probability that was given to the class that came, from log-probabilities as they are.

    Formula:
        -w_y x_y
    Shapes:
        prediction: (batch, classes, *axes), classes at class_axis; target: (batch, *axes); class_weight: (classes);
        one value per (batch, *axes)
    Units:
        nats
    Convention:
        Nothing is normalised: any real numbers are taken for log-probabilities, so the value may be negative. A
        row's weight is the class weight of its target; `weighted_mean` is PyTorch's mean.
    Raises:
        domain: a label not below the number of classes
    Source:
        R. A. Fisher, On the Mathematical Foundations of Theoretical Statistics, 1922, doi:10.1098/rsta.1922.0009
    Example:
        {"prediction": [[-0.25, -1.5], [-3.0, -0.0625]], "target": [0, 0]} → 1.625
    """
    return surprise(prediction, target, class_weight, 0.0)
