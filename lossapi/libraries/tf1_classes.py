"""How TensorFlow 1 lays out classes: an axis by two names, targets by index or dense, classes drawn as samples.

Steps on the arguments of a preset under our names, as in `class_axes`.
"""

from typing import Any

import numpy as np

from lossapi.errors import ParameterError, ShapeError
from lossapi.libraries.class_axes import batched, classes_last, require_shape
from lossapi.libraries.conventions import Arguments, common_shape


def one_axis(arguments: Arguments) -> Any:
    """TensorFlow's `axis`, once called `dim`; not both."""
    axis, old = arguments.pop("axis", None), arguments.pop("dim", None)
    if axis is not None and old is not None:
        raise ParameterError("axis or dim", "both", ("axis",))
    return old if axis is None else axis


def dense(arguments: Arguments) -> Arguments:
    """TensorFlow's targets as distributions; one row of labels serves all rows of logits."""
    axis = one_axis(arguments)
    logits, labels = arguments["prediction"], arguments["target"]
    labels = np.broadcast_to(labels, common_shape((logits, labels), "target"))
    require_shape(labels, logits.shape, "target")
    if not logits.ndim:
        raise ShapeError("logits with a class axis", "one number", ("prediction",))
    axis = -1 if axis is None else axis
    found = {"prediction": classes_last(logits, axis), "target": classes_last(labels, axis), "class_axis": -1}
    return batched(arguments | found)


def sparse(arguments: Arguments) -> Arguments:
    """TensorFlow's targets as indices, with the rank of the logits less one."""
    logits, labels = arguments["prediction"], arguments["target"]
    if not logits.ndim:
        raise ShapeError("logits with a class axis", "one number", ("prediction",))
    require_shape(labels, logits.shape[:-1], "target")
    return batched(arguments | {"class_axis": -1})


def squeezed_sparse(arguments: Arguments) -> Arguments:
    """`losses.…` drops a last axis of one from labels, then from weights whose rank is one above theirs."""
    logits, labels, weight = (arguments[name] for name in ("prediction", "target", "weight"))
    if labels.ndim == logits.ndim and labels.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim == logits.ndim - 2 and logits.shape[-1] == 1:
        logits = logits[..., 0]
    weight = np.asarray(weight)
    if weight.ndim == labels.ndim + 1:
        if weight.shape[-1] != 1:
            raise ShapeError("weights of the labels' rank", f"shape {weight.shape}", ("weight",))
        weight = weight[..., 0]
    return sparse(arguments | {"prediction": logits, "target": labels, "weight": weight})


def sampled(arguments: Arguments) -> Arguments:
    """TensorFlow's sampled losses: (classes, true counts, drawn counts) as `sampled_values`, or drawn by a seed."""
    drop = ("num_true", "num_classes", "sampled_values", "partition_strategy", "num_sampled", "seed")
    true, classes, values, strategy, count, seed = (arguments.pop(name) for name in drop)
    weights, labels = arguments["class_embedding"], arguments["target"]
    if strategy not in ("mod", "div"):
        raise ParameterError("partition_strategy to be 'mod' or 'div'", repr(strategy), ("partition_strategy",))
    if labels.ndim != 2 or labels.shape[1] != true:
        raise ShapeError(f"labels (batch, num_true {true})", f"shape {labels.shape}", ("target",))
    if values is not None:
        return arguments | _sampled_values(values)
    if seed is None:
        raise ParameterError("sampled_values, or a seed to draw them by", "neither", ("seed",))
    if weights.ndim != 2 or not isinstance(classes, int) or classes > weights.shape[0]:
        raise ShapeError(f"weights (num_classes {classes}, dim)", f"shape {weights.shape}", ("class_embedding",))
    bias = arguments["bias"]
    cut = {"class_embedding": weights[:classes], "bias": None if bias is None else bias[:classes]}
    return arguments | cut | {"num_sampled": count, "seed": seed}


def _sampled_values(values: Any) -> Arguments:
    """The three tensors of a candidate sampler."""
    names = ("sampled", "true_expected_count", "sampled_expected_count")
    if not isinstance(values, list | tuple) or len(values) != len(names):
        raise ParameterError(f"sampled_values of {', '.join(names)}", repr(type(values).__name__), ("sampled_values",))
    try:
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}
    except ValueError as error:
        raise ShapeError("tensors of numbers", str(error), ("sampled_values",)) from None
