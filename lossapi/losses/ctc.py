"""Connectionist temporal classification: a sequence of labels against frames that are not aligned with it."""

from collections.abc import Callable
from typing import Annotated

from annotated_types import Ge

from lossapi.definition import loss
from lossapi.domains import Array, Length, PaddedIndex, Real, Rows, Time
from lossapi.errors import ParameterError
from lossapi.functions import clip, count, logaddexp, logsumexp, namespace, stop_gradient
from lossapi.libraries.conventions import floating, steps
from lossapi.libraries.presets import keras, optax, tf1, torch
from lossapi.libraries.sequences import (
    keras_sequences,
    optax_sequences,
    padded,
    tf1_second_sequences,
    tf1_sequences,
    torch_sequences,
)
from lossapi.scans import scan

IMPOSSIBLE = -1e30
"""The log of a path that cannot be: finite, so that no slope turns into NaN, and far below any that can be."""

Lattice = tuple[Array, Array]
"""The logs of all paths so far that end in the blank before each label or at the end, and in each label."""


@loss(
    family="sequence",
    like=[
        torch(
            "ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', "
            "zero_infinity=False)",
            {
                "log_probs": "prediction",
                "targets": "target",
                "input_lengths": "input_length",
                "target_lengths": "target_length",
            },
            fixed={"normalize": False, "softmax_gradient": True},
            prepare=steps(floating("prediction"), torch_sequences),
            differs="time comes first; takes log-probabilities and does not normalise them; the mean is of each "
            "loss over its number of labels; its gradient is that of the raw "
            "scores behind the log-probabilities, and 0 where it is infinite (NaN there)",
        ),
        *keras(
            "ctc(y_true, y_pred)",
            "CTC",
            prepare=keras_sequences,
            differs="0 is the blank and the padding, and every frame counts; an impossible alignment is infinite, "
            "as on its PyTorch backend (about 1e5 on JAX and NumPy)",
        ),
        optax(
            "ctc_loss(logits, logit_paddings, labels, label_paddings, *, blank_id=0, log_epsilon=-1e5)",
            {"blank_id": "blank", "log_epsilon": "log_zero"},
            tensors=("logit_paddings", "label_paddings"),
            prepare=steps(floating("prediction"), optax_sequences),
            differs="paddings instead of lengths; an impossible alignment costs about -log_epsilon",
        ),
        optax(
            "ctc_loss_with_forward_probs(logits, logit_paddings, labels, label_paddings, *, blank_id=0, "
            "log_epsilon=-1e5)",
            {"blank_id": "blank", "log_epsilon": "log_zero"},
            tensors=("logit_paddings", "label_paddings"),
            prepare=steps(floating("prediction"), optax_sequences),
            differs="gives the loss alone, the first of the three arrays there",
        ),
        tf1(
            "nn.ctc_loss(labels, inputs=None, sequence_length=None, preprocess_collapse_repeated=False, "
            "ctc_merge_repeated=True, ignore_longer_outputs_than_inputs=False, time_major=True, logits=None)",
            {
                "sequence_length": "input_length",
                "preprocess_collapse_repeated": "collapse",
                "ctc_merge_repeated": "merge_repeated",
                "ignore_longer_outputs_than_inputs": "ignore",
            },
            tensors=("inputs",),
            sparse=("labels",),
            prepare=steps(padded("target"), tf1_sequences),
            differs="the last class is the blank, time comes first; labels sparse, or dense with -1 behind each row",
        ),
        tf1(
            "nn.ctc_loss_v2(labels, logits, label_length, logit_length, logits_time_major=True, unique=None, "
            "blank_index=None)",
            {
                "label_length": "target_length",
                "logit_length": "input_length",
                "logits_time_major": "time_major",
                "blank_index": "blank",
            },
            sparse=("labels",),
            prepare=tf1_second_sequences,
            differs="time comes first; an impossible alignment of dense labels is infinite (some 700 there); "
            "`unique` only hastens and is ignored",
        ),
    ],
)
def ctc(
    prediction: Real[Array, "batch time classes"],
    target: PaddedIndex[Array, "batch length"],
    input_length: Time[Array, "batch"] | None = None,
    target_length: Length[Array, "batch"] | None = None,
    *,
    blank: Annotated[int, Ge(0)] = 0,
    zero_infinity: bool = False,
    normalize: bool = True,
    merge_repeated: bool = True,
    per_label: bool = False,
    softmax_gradient: bool = False,
    log_zero: float | None = None,
) -> Rows[Array, "batch"]:
    """How surprised a frame-by-frame forecast is by a sequence of labels, over all ways to align them.

    A path names one class, or the blank, for each frame; without repetitions and then without blanks it reads as
    the target. The probabilities of all paths that do are added, by the forward algorithm in logs.

    Formula:
        -log Σ_paths Π_t p_t(path_t), p = softmax(prediction)
    Shapes:
        prediction: (batch, time, classes), raw scores or log-probabilities alike; target: (batch, length), labels
        and then padding; input_length, target_length: (batch); one value per sequence
    Units:
        nats
    Convention:
        A row of targets ends at its first -1, or at target_length; input_length counts the frames, all by default.
        Infinite where no path fits (too few frames), or 0 with `zero_infinity`. `normalize` false takes
        log-probabilities as they are, as PyTorch does. `per_label` divides a loss by its number of labels, at
        least 1: PyTorch's mean. `merge_repeated` false is TensorFlow's variant in which a repeated label is two.
        `softmax_gradient` adds to the gradient by log-probabilities what a log-softmax behind them would, as PyTorch
        does; the value stays the same. `log_zero` is what the log of an impossible step is taken for (optax: -1e5).
        A blank among the targets is a label like any other.
    Errata:
        TensorFlow 1 wants its labels sparse and its scores time first, takes the last class for the blank, and
        gives one loss per sequence, unreduced. The article's name lacks a space: connectionist temporal.
    Raises:
        domain: a label not below the number of classes, a length beyond its axis
    Source:
        A. Graves et al., Connectionist Temporal Classification, 2006, doi:10.1145/1143844.1143891
    Example:
        {"prediction": [[[0.0, 0.0], [0.0, 0.0]]], "target": [[1]]} → 0.2876820724517809
    """
    xp = namespace(prediction)
    if blank >= count(prediction, axis=2):
        raise ParameterError("blank < the number of classes", str(blank), ("blank",))
    labels, length = _labels(target, target_length, blank)
    raw = softmax_gradient and not normalize  # behind scores that are normalised here a log-softmax adds nothing
    frames = _frames(_sloped(prediction) if raw else prediction, labels, input_length, blank, normalize)
    nothing = xp.full_like(frames[0, :, 1:-1], IMPOSSIBLE if log_zero is None else log_zero)
    start = (xp.concat([xp.zeros_like(frames[0, :, :1]), nothing], axis=1), nothing)
    blanks, ends = scan(frames, _step(labels, merge_repeated, log_zero), start)
    reached = xp.concat([blanks[:, :1], logaddexp(blanks[:, 1:], ends)], axis=1)
    value = -xp.squeeze(xp.take_along_axis(reached, xp.expand_dims(length, axis=1), axis=1), axis=1)
    if log_zero is None:
        value = xp.where(value > -0.5 * IMPOSSIBLE, xp.full_like(value, 0.0 if zero_infinity else xp.inf), value)
    return value / xp.astype(xp.maximum(length, xp.ones_like(length)), value.dtype) if per_label else value


def _labels(target: Array, length: Array | None, blank: int) -> Lattice:
    """The labels, the blank where a row has ended, and how many there are."""
    xp = namespace(target)
    listed = xp.cumulative_sum(xp.astype(target < 0, xp.int64), axis=1) == 0
    if length is not None:
        listed = listed & (xp.expand_dims(xp.arange(target.shape[1]), axis=0) < xp.expand_dims(length, axis=1))
    return xp.where(listed, target, xp.full_like(target, blank)), xp.sum(xp.astype(listed, xp.int64), axis=1)


def _frames(prediction: Array, labels: Array, length: Array | None, blank: int, normalize: bool) -> Array:
    """Per frame and row the log-probabilities of the blank and of the labels, then 1 while the sequence lasts."""
    xp = namespace(prediction)
    total = logsumexp(prediction, axis=2, keepdims=True) if normalize else 0.0
    spoken = xp.take_along_axis(prediction, xp.expand_dims(labels, axis=1), axis=2) - total
    alive = xp.ones_like(prediction[:, :, :1])
    if length is not None:
        place = xp.reshape(xp.arange(prediction.shape[1]), (1, -1, 1))
        alive = xp.astype(place < xp.reshape(length, (-1, 1, 1)), prediction.dtype)
    logs = xp.concat([prediction[:, :, blank : blank + 1] - total, spoken, alive], axis=2)
    return xp.moveaxis(clip(logs, low=IMPOSSIBLE), 1, 0)


def _sloped(logs: Array) -> Array:
    """Log-probabilities as they are, with the slope of their total probability taken off."""
    xp = namespace(logs)
    total = xp.sum(xp.exp(logs), axis=2, keepdims=True)
    return logs - (total - stop_gradient(total))


def _step(labels: Array, merge: bool, log_zero: float | None) -> Callable[[Lattice, Array], Lattice]:
    """One frame of the forward algorithm: stay, or come from what stands before; between like labels from the blank."""
    xp = namespace(labels)
    repeated = xp.concat([xp.zeros_like(labels[:, :1], dtype=xp.bool), labels[:, 1:] == labels[:, :-1]], axis=1)

    def step(lattice: Lattice, frame: Array) -> Lattice:
        blanks, ends = lattice
        reached = xp.concat([blanks[:, :1], logaddexp(blanks[:, 1:], ends)], axis=1)
        before = reached[:, :-1]
        if merge:
            before = logaddexp(ends, _unrepeated(blanks, ends, before, repeated, log_zero))
        alive = frame[:, -1:] > 0.0
        said, spoken = reached + frame[:, :1], before + frame[:, 1:-1]
        return xp.where(alive, said, blanks), xp.where(alive, spoken, ends)

    return step


def _unrepeated(blanks: Array, ends: Array, before: Array, repeated: Array, log_zero: float | None) -> Array:
    """From where a label may be reached: the blank before it, or the label before it if that is another."""
    xp = namespace(before)
    if log_zero is None:
        return xp.where(repeated, blanks[:, :-1], before)
    direct = ends[:, :-1] + log_zero * xp.astype(repeated[:, 1:], ends.dtype)
    return xp.concat([blanks[:, :1], logaddexp(blanks[:, 1:-1], direct)], axis=1)
