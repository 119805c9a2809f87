"""How other libraries lay out sequences: which axis is time, rows of labels padded, in one piece or sparse.

Like `conventions`, steps on the arguments of a preset under our names; each leaves the batch first, then time, and
labels in rows with -1 behind them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DomainError, DtypeError, ParameterError, ShapeError, TooLarge
from lossapi.libraries.conventions import LARGEST, Arguments, Prepare
from lossapi.libraries.layouts import keras_rows


def torch_sequences(arguments: Arguments) -> Arguments:
    """PyTorch: time first, targets padded or one after another, and a mean of losses per label."""
    frames, lone = arguments["prediction"], {}
    if frames.ndim == 2:
        frames, lone = frames[:, None, :], {"shape": ()}
    if frames.ndim != 3:
        raise ShapeError("log_probs (time, batch, classes) or (time, classes)", f"{frames.shape}", ("prediction",))
    lengths = {name: np.reshape(arguments[name], (-1,)) for name in ("input_length", "target_length")}
    if lengths["target_length"].shape[0] != frames.shape[1]:
        raise ShapeError(f"{frames.shape[1]} lengths", f"{lengths['target_length'].shape[0]}", ("target_length",))
    target = _by_rows(np.astype(arguments["target"], np.int64), lengths["target_length"])
    per_label = arguments["reduction"] == "mean"
    prediction = np.moveaxis(frames, 0, 1)
    return arguments | lengths | lone | {"prediction": prediction, "target": target, "per_label": per_label}


def _by_rows(target: Array, length: Array) -> Array:
    """Targets in rows, those one after another taken apart, and -1 behind each row's length."""
    if length.dtype.kind not in "iu" or length.ndim != 1:
        raise DtypeError("one axis of whole lengths", f"{length.dtype} {length.shape}", ("target_length",))
    if target.ndim == 1:
        total = int(np.sum(length))
        if total != target.shape[0] or np.any(length < 0):
            raise ShapeError(f"{total} targets, the sum of the lengths", f"{target.shape[0]}", ("target",))
        longest = int(np.max(length)) if length.shape[0] else 0
        if longest * length.shape[0] > max(LARGEST, target.size):
            raise TooLarge(f"at most {LARGEST} targets after padding", f"{longest * length.shape[0]}", ("target",))
        places = np.arange(longest)
        first = np.cumulative_sum(length) - length
        index = np.where(places < length[:, None], first[:, None] + places, 0)
        target = np.reshape(np.take(target, np.reshape(index, (-1,))), index.shape) if target.shape[0] else index
    if target.ndim != 2 or target.shape[0] != length.shape[0]:
        raise ShapeError("targets (batch, length) or one after another", f"shape {target.shape}", ("target",))
    return np.where(np.arange(target.shape[1]) < length[:, None], target, -1)


def keras_sequences(arguments: Arguments) -> Arguments:
    """Keras: 0 is the blank and the padding; every frame counts."""
    target, prediction = arguments["target"], arguments["prediction"]
    if target.ndim != 2 or prediction.ndim != 3:
        raise ShapeError("y_true (batch, length) and y_pred (batch, time, classes)", f"{target.shape}", ("target",))
    length = np.sum(np.astype(target != 0, np.int64), axis=1)
    rows = {"target": _by_rows(np.astype(target, np.int64), length), "target_length": length}
    return keras_rows(arguments | rows, prediction.shape[:1])


def optax_sequences(arguments: Arguments) -> Arguments:
    """optax: paddings of 1 mark the frames that are skipped, wherever they are, and how many labels count."""
    frames, labels = arguments.pop("logit_paddings"), arguments.pop("label_paddings")
    prediction, target = arguments["prediction"], arguments["target"]
    if prediction.ndim != 3 or target.ndim != 2 or target.dtype.kind not in "iu":
        raise ShapeError(
            "logits (batch, time, classes), labels (batch, length)", f"{prediction.shape}", ("prediction",)
        )
    if frames.shape != prediction.shape[:2] or labels.shape != target.shape:
        raise ShapeError("paddings of the shapes of their labels and frames", f"{frames.shape}", ("logit_paddings",))
    for name, paddings in (("logit_paddings", frames), ("label_paddings", labels)):
        if not np.all((paddings == 0) | (paddings == 1)):
            raise DomainError("paddings of 0 and 1", "others", (name,))
    order = np.argsort(np.astype(frames, np.int64), axis=1, stable=True)
    length = np.sum(np.astype(labels == 0, np.int64), axis=1)
    return arguments | {
        "prediction": np.take_along_axis(prediction, np.expand_dims(order, axis=2), axis=1),
        "input_length": np.sum(np.astype(frames == 0, np.int64), axis=1),
        "target": _by_rows(target, length),
        "target_length": length,
    }


def tf1_sequences(arguments: Arguments) -> Arguments:
    """TensorFlow 1: time first, labels as rows ended by -1 or sparse, the last class the blank."""
    given = [arguments.pop("inputs"), arguments.pop("prediction")]
    prediction = next((each for each in given if each is not None), None)
    if prediction is None or prediction.ndim != 3 or arguments["input_length"] is None:
        raise ShapeError("inputs of three axes, and sequence_length", "others", ("inputs",))
    prediction = np.moveaxis(prediction, 0, 1) if arguments.pop("time_major") else prediction
    classes = prediction.shape[2]
    arguments = {"blank": classes - 1, **arguments, "prediction": prediction}
    return _tf1_rows(arguments, arguments["blank"] if arguments["blank"] >= 0 else arguments["blank"] + classes)


def _tf1_rows(arguments: Arguments, blank: int) -> Arguments:
    """Rows that are too long are a fault, or cost 0; a blank among the labels ends them."""
    collapse, ignore = arguments.pop("collapse", False), arguments.pop("ignore", False)
    target, frames = arguments["target"], arguments["input_length"]
    size = np.sum(np.astype(target >= 0, np.int64), axis=1)
    if size.shape != frames.shape or frames.dtype.kind not in "iu":
        raise ShapeError(f"sequence_length of shape {size.shape}", f"shape {frames.shape}", ("input_length",))
    if not np.all(size > 0):
        raise DomainError("at least one label in every row", "an empty row", ("target",))
    long = (size > frames) | (frames == 0)
    if not ignore and np.any(size > frames):
        raise DomainError("as many frames as labels, or more", "fewer", ("input_length",))
    kept = (target >= 0) & (target != blank)
    if np.any(kept[:, 1:] & (target[:, :-1] == blank)):
        raise DomainError("no label after a blank", "one", ("target",))
    if collapse:
        kept = kept & np.concat([kept[:, :1], target[:, 1:] != target[:, :-1]], axis=1)
    rows = packed(target, kept & ~long[:, None])
    return arguments | {"target": rows, "input_length": np.where(long, 0, frames), "blank": blank}


def tf1_second_sequences(arguments: Arguments) -> Arguments:
    """Dense labels with lengths, the blank 0 unless said; sparse ones as in the first version."""
    arguments.pop("unique")
    if not isinstance(arguments["blank"], int | None):
        raise ParameterError("blank_index as a whole number", repr(arguments["blank"]), ("blank",))
    if arguments["target_length"] is None or isinstance(arguments["target"], Mapping):
        if arguments["blank"] is None:
            raise ParameterError("blank_index with sparse labels", "nothing", ("blank",))
        return tf1_sequences(padded("target")({"inputs": None, **arguments, "target_length": None}))
    prediction, blank = arguments["prediction"], arguments["blank"] or 0
    if prediction.ndim != 3:
        raise ShapeError("logits of three axes", f"shape {prediction.shape}", ("prediction",))
    prediction = np.moveaxis(prediction, 0, 1) if arguments.pop("time_major") else prediction
    target = _by_rows(arguments["target"], arguments["target_length"])
    blank = blank if blank >= 0 else blank + prediction.shape[2]
    return arguments | {"prediction": prediction, "target": target, "blank": blank}


def padded(name: str) -> Prepare:
    """Rows of labels, given dense or as TensorFlow's `{"indices", "values", "dense_shape"}`: each row's, then -1."""

    def lay_out(arguments: Arguments) -> Arguments:
        labels = _densified(name, arguments[name]) if isinstance(arguments[name], Mapping) else arguments[name]
        if labels.ndim != 2 or labels.dtype.kind not in "iu":
            raise ShapeError(f"{name} as rows of whole numbers", f"{labels.dtype} {labels.shape}", (name,))
        return arguments | {name: packed(labels, labels >= 0)}

    return lay_out


def packed(labels: Array, kept: Array) -> Array:
    """The entries that are kept moved to the front of their rows, in order, and -1 behind them."""
    order = np.argsort(~kept, axis=1, stable=True)
    return np.take_along_axis(np.where(kept, labels, -1), order, axis=1)


def _densified(name: str, sparse: Mapping[str, Any]) -> Array:
    """A sparse tensor of two axes as rows, -1 where nothing is said."""
    if set(sparse) != {"indices", "values", "dense_shape"}:
        raise ParameterError("indices, values and dense_shape", ", ".join(map(str, sparse)), (name,))
    indices, values, shape = (np.asarray(sparse[key]) for key in ("indices", "values", "dense_shape"))
    indices = indices.reshape(-1, 2) if indices.size == 0 else indices
    if shape.shape != (2,) or indices.shape != (values.size, 2) or values.ndim != 1:
        raise ShapeError("indices (n, 2), values (n), dense_shape (2)", f"{indices.shape}, {values.shape}", (name,))
    if any(each.size and each.dtype.kind not in "iu" for each in (indices, values, shape)):
        raise DtypeError("a sparse tensor of whole numbers", f"dtype {values.dtype}", (name,))
    if shape.min() < 0 or (indices < 0).any() or (indices >= shape).any():
        raise ShapeError("indices within dense_shape", f"dense_shape {shape.tolist()}", (name, "indices"))
    rows = int(indices[:, 1].max()) + 1 if len(indices) else 0
    if int(shape[0]) * rows > LARGEST:
        raise TooLarge(f"at most {LARGEST} elements after padding", f"{int(shape[0]) * rows}", (name,))
    dense = np.full((int(shape[0]), rows), -1, np.int64)
    dense[indices[:, 0], indices[:, 1]] = values
    return dense
