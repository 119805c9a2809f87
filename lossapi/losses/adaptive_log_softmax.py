"""Softmax over many classes in two steps: frequent classes and clusters first, then the classes of a cluster."""

from itertools import pairwise
from typing import Annotated

from annotated_types import Ge, MinLen

from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows
from lossapi.errors import ParameterError, ShapeError
from lossapi.functions import log_softmax, namespace, pick


@loss(family="multiclass")
def adaptive_log_softmax(
    prediction: Real[Array, "batch features"],
    target: Label[Array, "batch"],
    head_weight: Real[Array, "head features"],
    tail_projection: Real[Array, "hidden features"],
    tail_weight: Real[Array, "tail hidden"],
    head_bias: Real[Array, "head"] | None = None,
    *,
    classes: Annotated[int, Ge(2)],
    cutoffs: Annotated[list[Annotated[int, Ge(1)]], MinLen(1)],
) -> Rows[Array, "batch"]:
    """Minus the log-probability of the class that came, under a softmax that spends little on rare classes.

    Classes are sorted by falling frequency. Those below the first of the `cutoffs` are in the head, together with
    one entry for each cluster; cluster i holds the classes from cutoff i on to the next (the last, to `classes`).
    The tail's two layers are those of all clusters in one: `tail_projection` their first layers one below another,
    `tail_weight` their second layers along the diagonal, zero elsewhere, so that a class sees its own cluster's
    hidden units alone.

    Formula:
        -log softmax(H x)_y in the head; -log softmax(H x)_{cluster} - log softmax(W_i P_i x)_{y - cutoff} in cluster i
    Shapes:
        prediction: the layer's input (batch, features); head_weight: (first cutoff + clusters, features); head_bias
        likewise; tail_projection: (hidden units of all clusters, features); tail_weight: (classes - first cutoff,
        hidden units of all clusters); one value per row
    Units:
        nats
    Convention:
        torch.nn.AdaptiveLogSoftmaxWithLoss with head.weight, concatenated tail[i][0].weight, and the block diagonal
        of tail[i][1].weight; its loss is the mean.
    Raises:
        domain: a label not below the number of classes
        parameter, shape: cutoffs that do not rise or do not fit the tensors
    Source:
        E. Grave, A. Joulin, M. Cissé, D. Grangier, H. Jégou, Efficient Softmax Approximation for GPUs, 2017,
        https://arxiv.org/abs/1609.04309
    Example:
        {"prediction": [[1.0]], "target": [2], "classes": 3, "cutoffs": [1], "head_weight": [[1.0], [0.0]],
        "tail_projection": [[1.0]], "tail_weight": [[0.0], [1.0]]} → 1.6265233750364456
    """
    xp = namespace(prediction)
    ends = [*cutoffs, classes]
    if any(one >= two for one, two in pairwise(ends)):
        raise ParameterError(f"rising cutoffs below classes {classes}", str(cutoffs), ("cutoffs",))
    _require_rows(head_weight, cutoffs[0] + len(cutoffs), "head_weight")
    _require_rows(tail_weight, classes - cutoffs[0], "tail_weight")
    logits = xp.matmul(prediction, head_weight.T)
    head = log_softmax(logits if head_bias is None else logits + head_bias, axis=1)
    tail = xp.matmul(xp.matmul(prediction, tail_projection.T), tail_weight.T)
    logs = [head[:, : cutoffs[0]]]
    for i, (low, high) in enumerate(pairwise(ends)):
        within = tail[:, low - cutoffs[0] : high - cutoffs[0]]
        logs.append(log_softmax(within, axis=1) + head[:, cutoffs[0] + i : cutoffs[0] + i + 1])
    return -pick(xp.concat(logs, axis=1), target, axis=1)


def _require_rows(weight: Array, rows: int, name: str) -> None:
    if weight.shape[0] != rows:
        raise ShapeError(f"{name} of {rows} rows, by classes and cutoffs", f"shape {weight.shape}", (name,))
