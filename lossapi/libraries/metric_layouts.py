"""How other libraries lay out a prediction and a target for a metric: scikit-learn's outputs, torchmetrics' pools,
Keras' samples, TensorFlow 1's elements.

Steps on the arguments of a preset under our names, as in `conventions`.
"""

from math import prod
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DomainError, EmptyError, ParameterError, ShapeError
from lossapi.libraries.conventions import Arguments, Prepare, chosen_axes, common_shape, gathered
from lossapi.libraries.layouts import squeezed

PAIR = ("prediction", "target")
NAN = float("nan")
FINITE = "finite numbers are required, weights have one axis"
POOLED = "every element counts by itself unless there are as many outputs as num_outputs says"
STREAMED = "every element counts by itself; the value alone, of one update; 0 where the weights sum to nothing"


def finite(*names: str) -> Prepare:
    """Refuse NaN and infinities, as scikit-learn does."""

    def check(arguments: Arguments) -> Arguments:
        for name in names:
            array = arguments.get(name)
            if array is None or array.dtype.kind not in "fV" or np.isfinite(array.sum(dtype=np.float64)):
                continue
            wrong = np.argwhere(~np.isfinite(array))
            if len(wrong):
                index = tuple(int(i) for i in wrong[0])
                raise DomainError(f"{name} that is finite", str(array[index]), (name, *index))
        return arguments

    return check


def one_weight_a_row(arguments: Arguments) -> Arguments:
    """scikit-learn's weights: one number, or one for each row."""
    weight, rows = arguments.get("weight"), arguments["target"].shape[:1]
    if weight is None:
        return arguments
    if not weight.any():
        raise EmptyError("a weight that is not zero", "none", ("weight",))
    if weight.shape == rows:
        return arguments
    if weight.ndim == 0:
        return arguments | {"weight": np.broadcast_to(weight, rows)}
    raise ShapeError(f"sample_weight of shape {rows}", f"shape {weight.shape}", ("weight",))


def sklearn_outputs(arguments: Arguments) -> Arguments:
    """scikit-learn's regression targets: (rows) or (rows, outputs), finite; `multioutput` by name or weights."""
    arguments = sklearn_weighed_outputs(arguments)
    if isinstance(arguments.get("multioutput"), list) and arguments["target"].shape[1] == 1:
        raise ParameterError("several outputs for weights of outputs", "one", ("multioutput",))
    return arguments


def sklearn_weighed_outputs(arguments: Arguments) -> Arguments:
    """The same where one output may have a weight too."""
    columns = {name: _column(name, arguments[name]) for name in PAIR}
    arguments = finite(*PAIR, "weight")(arguments | columns)
    arguments = one_weight_a_row(arguments)
    multioutput = arguments.get("multioutput")
    if multioutput is None or isinstance(multioutput, str):
        return arguments
    weights = np.asarray(multioutput, np.float64).reshape(-1).tolist()
    if len(weights) != columns["target"].shape[1]:
        expected = f"{columns['target'].shape[1]} weights of outputs"
        raise ParameterError(expected, str(len(weights)), ("multioutput",))
    return arguments | {"multioutput": weights}


def _column(name: str, array: Array) -> Array:
    if array.ndim not in (1, 2):
        raise ShapeError(f"{name} of shape (rows) or (rows, outputs)", f"shape {array.shape}", (name,))
    return array.reshape(len(array), -1) if array.size else array.reshape(len(array), 1)


def sklearn_column(arguments: Arguments) -> Arguments:
    """The same where scikit-learn takes a single output: as one axis."""
    laid = sklearn_outputs(arguments)
    for name in PAIR:
        if laid[name].shape[1] != 1:
            raise ShapeError("a single output", f"{laid[name].shape[1]} outputs", (name,))
    return laid | {name: laid[name][:, 0] for name in PAIR}


def nan_for_one_row(arguments: Arguments) -> Arguments:
    """scikit-learn answers NaN for a single row where two are needed, whatever it holds, and refuses none at all."""
    if arguments["target"].shape[:1] != (1,):
        return arguments
    given = [name for name in (*PAIR, "weight") if arguments.get(name) is not None]
    return arguments | {name: arguments[name][:0] for name in given} | {"empty": NAN}


def alike(arguments: Arguments) -> Arguments:
    """torchmetrics' pair: of one shape; a mean of nothing is NaN."""
    one, two = (arguments[name] for name in PAIR)
    if one.shape != two.shape:
        raise ShapeError(f"target of shape {one.shape}", f"shape {two.shape}", ("target",))
    return arguments | {"empty": NAN}


def pooled(arguments: Arguments) -> Arguments:
    """torchmetrics' pair laid flat, unless `num_outputs` says how many outputs there are."""
    arguments = alike(arguments)
    outputs: Any = arguments.pop("num_outputs", 1)
    if outputs == 1:
        return arguments | {name: arguments[name].reshape(-1) for name in PAIR}
    return arguments | {"multioutput": "raw_values"}


def columns(arguments: Arguments) -> Arguments:
    """torchmetrics' pair of one or two axes, with one value for each output."""
    arguments = alike(arguments)
    if arguments["prediction"].ndim > 2:
        raise ShapeError("one or two axes", f"shape {arguments['prediction'].shape}", ("prediction",))
    return arguments


def keras_samples(arguments: Arguments) -> Arguments:
    """Keras' pair for a metric: the mean of a last axis for each sample, weighted by what stands left of it."""
    target, prediction = map(np.atleast_1d, squeezed(arguments["target"], arguments["prediction"]))
    return _samples(arguments, target, prediction, 1)


def keras_elements(arguments: Arguments) -> Arguments:
    """Keras' pair for a metric of elements."""
    target, prediction = map(np.atleast_1d, squeezed(arguments["target"], arguments["prediction"]))
    return _samples(arguments, target[..., None], prediction[..., None], 1)


def _samples(arguments: Arguments, target: Array, prediction: Array, own: int) -> Arguments:
    """The last axes are each sample's own, the others are laid flat, and their weights with them."""
    shape = common_shape((target, prediction), "target")
    rows, flat = shape[:-own], (prod(shape[:-own]), *shape[-own:])
    laid = {
        "target": np.broadcast_to(target, shape).reshape(flat),
        "prediction": np.broadcast_to(prediction, shape).reshape(flat),
    }
    weight = arguments.get("weight")
    if weight is not None:
        samples, weight = squeezed(np.broadcast_to(np.float32(0), rows), weight)
        weight = leftwards(weight, samples.shape).reshape(-1) if rows else weight.sum()[None]
    return arguments | laid | {"weight": weight}


def keras_vectors(arguments: Arguments) -> Arguments:
    """Keras' pair for a metric of vectors along `axis`: that comes last, the other axes are laid flat."""
    target, prediction = map(np.atleast_1d, squeezed(arguments["target"], arguments["prediction"]))
    shape = common_shape((target, prediction), "target")
    axes = chosen_axes(arguments.pop("axis"), len(shape))
    target, prediction = (gathered(np.broadcast_to(each, shape), axes) for each in (target, prediction))
    return _samples(arguments, target, prediction, 1)


def leftwards(weight: Array, shape: tuple[int, ...]) -> Array:
    """Weights stretched to a shape, their axes being its first."""
    if not shape:
        return weight
    try:
        return np.broadcast_to(weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim)), shape)
    except ValueError:
        raise ShapeError(f"sample_weight broadcastable to {shape}", f"shape {weight.shape}", ("weight",)) from None


def tf1_elements(arguments: Arguments) -> Arguments:
    """As tf.metrics: a last axis of one is dropped where ranks differ, weights are stretched, elements laid flat."""
    target, prediction, weight = arguments["target"], arguments["prediction"], arguments["weight"]
    if prediction.ndim == target.ndim + 1 and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    elif target.ndim == prediction.ndim + 1 and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape != prediction.shape:
        raise ShapeError(f"labels of shape {prediction.shape}", f"shape {target.shape}", ("target",))
    size = prod(prediction.shape)
    weight = None if weight is None else tf1_stretched(weight, prediction.shape).reshape(-1)
    if weight is not None and not weight.sum() > 0.0:
        size = 0
    flat = {"target": target.reshape(-1)[:size], "prediction": prediction.reshape(-1)[:size]}
    kept = {name: value for name, value in arguments.items() if not name.endswith("_collections")}
    return kept | flat | {"weight": None if weight is None else weight[:size]}


def tf1_stretched(weight: Array, shape: tuple[int, ...]) -> Array:
    """Weights in the shape of the elements: one number, or sizes that are theirs or one."""
    if weight.ndim == len(shape) + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    elif weight.ndim + 1 == len(shape) and weight.ndim:
        weight = weight[..., None]
    if weight.ndim not in (0, len(shape)) or any(n not in (1, m) for n, m in zip(weight.shape, shape, strict=False)):
        raise ShapeError(f"one weight, or weights broadcastable to {shape}", f"shape {weight.shape}", ("weight",))
    return np.broadcast_to(weight, shape)


def tf1_values(arguments: Arguments) -> Arguments:
    """The values of tf.metrics laid flat, with their weights; none where these sum to nothing."""
    values, weight = arguments["values"], arguments["weight"]
    weight = None if weight is None else tf1_stretched(weight, values.shape).reshape(-1)
    size = 0 if weight is not None and not weight.sum() > 0.0 else values.size
    kept = {name: value for name, value in arguments.items() if not name.endswith("_collections")}
    return kept | {"values": values.reshape(-1)[:size], "weight": None if weight is None else weight[:size]}


def keras_values(arguments: Arguments) -> Arguments:
    """Keras' values laid flat, their weights stretched over what stands right of them."""
    values, weight = arguments["values"], arguments["weight"]
    if weight is not None:
        values, weight = squeezed(values, weight)
        weight = leftwards(weight, values.shape).reshape(-1)
    return arguments | {"values": values.reshape(-1), "weight": weight}
