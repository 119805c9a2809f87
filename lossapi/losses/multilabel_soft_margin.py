"""Cross-entropy of several yes/no labels a row, averaged over the labels."""

from lossapi.definition import loss
from lossapi.domains import Array, Probability, Real, Rows
from lossapi.functions import count, namespace, softplus
from lossapi.libraries.conventions import Arguments, floating, steps, stretched, unbatched
from lossapi.libraries.presets import torch


def _stretched(arguments: Arguments) -> Arguments:
    """PyTorch stretches targets and weights to the scores; one weight per class may stay as it is."""
    weight = arguments["class_weight"]
    if weight is not None and weight.ndim != 1:
        arguments = stretched("class_weight")(arguments)
    return stretched("target")(arguments)


@loss(
    family="multilabel",
    like=[
        torch(
            "multilabel_soft_margin_loss(input, target, weight=None, reduction='mean')",
            {"weight": "class_weight"},
            fixed={"class_axis": -1},
            prepare=steps(floating("prediction"), _stretched, unbatched(1, "prediction", "target")),
            unchecked=frozenset({"target"}),
        ),
    ],
)
def multilabel_soft_margin(
    prediction: Real[Array, "batch classes *axes"],
    target: Probability[Array, "batch classes *axes"],
    class_weight: Real[Array, ""] | Real[Array, "classes"] | Real[Array, "batch classes *axes"] | None = None,
) -> Rows[Array, "batch *axes"]:
    """How surprised independent forecasts of several labels were, on average over the labels, from raw scores.

    Formula:
        -(1/C) Σ_c w_c (y_c log σ(s_c) + (1 - y_c) log(1 - σ(s_c))), σ the sigmoid
    Shapes:
        prediction, target: (batch, classes, *axes), classes at class_axis; class_weight: a number, (classes) or
        like prediction; one value per (batch, *axes)
    Units:
        nats
    Convention:
        The weighted sum over the labels is divided by their number C, not by the sum of the weights.
    Raises:
        domain: a target outside [0, 1]
    Source:
        torch.nn.MultiLabelSoftMarginLoss, https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiLabelSoftMarginLoss.html
    Example:
        {"prediction": [[0.0, 0.0]], "target": [[1, 0]]} → 0.6931471805599453
    """
    surprise = softplus(prediction) - prediction * target
    if class_weight is not None and class_weight.ndim == 1:
        class_weight = namespace(prediction).reshape(class_weight, (-1, *(1,) * (prediction.ndim - 2)))
    weighted = surprise if class_weight is None else surprise * class_weight
    return namespace(prediction).sum(weighted, axis=1) / count(prediction, axis=1)
