"""Cross-entropy of a linear layer's logits, the layer included."""

from lossapi.definition import loss
from lossapi.domains import Array, Label, Probability, Real, Rows
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import namespace
from lossapi.libraries import class_axes
from lossapi.libraries.conventions import Arguments, Shape, floating, same_dtype, steps
from lossapi.libraries.presets import torch
from lossapi.maps.surprise import of_logits
from lossapi.parameters import Fraction


def _of_logits(arguments: Arguments) -> Arguments:
    """PyTorch's rules for the target hold for the logits; -100 is ignored, and `options` save memory alone."""
    features, weight, ignored = (arguments[name] for name in ("prediction", "linear_weight", "ignore_index"))
    if features.ndim not in (1, 2) or weight.ndim < 2 or (features.ndim == 1 and weight.ndim > 2):
        shapes = f"shapes {features.shape} and {weight.shape}"
        raise ShapeError("input (batch, features) or, for (classes, features), (features)", shapes, ("prediction",))
    logits: Shape = (*features.shape[:-1], *weight.shape[:-1])
    if ignored is None and not class_axes.is_dense(arguments, logits):
        arguments |= {"ignore_index": -100}
    elif ignored is not None and class_axes.is_dense(arguments, logits):
        raise ParameterError("ignore_index only with class indices", str(ignored), ("ignore_index",))
    rest = {name: value for name, value in arguments.items() if name != "options"}
    return class_axes.batched(class_axes.torch_targets(rest, logits))


@loss(
    family="multiclass",
    like=[
        torch(
            "linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction='mean', "
            "ignore_index=None, label_smoothing=0.0, options=None)",
            {"weight": "class_weight"},
            prepare=steps(floating("prediction"), same_dtype("prediction", "linear_weight"), _of_logits),
            differs="options say how PyTorch saves memory, and change no number; the mean of index targets divides by "
            "the weights of their classes",
        ),
    ],
)
def linear_cross_entropy(
    prediction: Real[Array, "batch features"],
    linear_weight: Real[Array, "classes *axes features"],
    target: Label[Array, "batch *axes"] | Probability[Array, "batch classes *axes"],
    linear_bias: Real[Array, "classes *axes"] | None = None,
    class_weight: Real[Array, "classes"] | None = None,
    *,
    label_smoothing: Fraction = 0.0,
) -> Rows[Array, "batch *axes"]:
    """Cross-entropy of the logits that a last linear layer would give, from its input and its weights.

    Formula:
        -Σ_c w_c y_c log softmax(W x + b)_c; y ← y(1 - a) + a/C
    Shapes:
        prediction: the layer's input (batch, features); linear_weight: (classes, *axes, features); linear_bias:
        (classes, *axes); target: (batch, *axes), or (batch, classes, *axes); one value per (batch, *axes)
    Units:
        nats
    Convention:
        The cross-entropy from logits in all else. The logits of a chunk of rows alone are ever held, so that many
        classes need little memory.
    Raises:
        domain: a label not below the number of classes
    Source:
        E. Wijmans, B. Huval, A. Hertzberg, V. Koltun, P. Krähenbühl, Cut Your Losses in Large-Vocabulary Language
        Models, 2024, https://arxiv.org/abs/2411.09009
    Example:
        {"prediction": [[1.0, 2.0]], "linear_weight": [[1.0, 0.0], [0.0, 1.0]], "target": [1]} → 0.31326168751822286
    """
    xp = namespace(prediction, linear_weight)
    flat = xp.reshape(linear_weight, (-1, linear_weight.shape[-1]))
    logits = xp.reshape(xp.matmul(prediction, flat.T), (-1, *linear_weight.shape[:-1]))
    logits = logits if linear_bias is None else logits + linear_bias
    return of_logits(logits, target, class_weight, label_smoothing)
