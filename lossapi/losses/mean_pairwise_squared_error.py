"""Squared error of the differences between the elements of a row, blind to a shift of the whole row."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.functions import count, namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.layouts import tf1_row_weights
from lossapi.libraries.presets import tf1


def _weighed_rows(arguments: Arguments) -> Arguments:
    """TensorFlow's weights of elements: their sum weighs the row."""
    return tf1_row_weights(arguments, "weights of elements of which some are 0 change what the pairs are divided by")


@loss(
    family="regression",
    reduction="sum",
    like=[
        tf1(
            "losses.mean_pairwise_squared_error(labels, predictions, weights=1.0)",
            reduction="sum",
            prepare=_weighed_rows,
            differs="always summed over the batch; weights of elements are added up to one per row, none of them 0",
        ),
    ],
)
def mean_pairwise_squared_error(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"]
) -> Rows[Array, "batch"]:
    """Whether the elements of a row stand to each other as they should, wherever the row as a whole lies.

    Formula:
        per row the mean of ((p_i - p_j) - (y_i - y_j))² over its pairs = 2 Σ(e - ē)² / (n - 1), e = p - y
    Shapes:
        prediction, target: (batch, *axes); one value per row of the batch, over its n elements
    Units:
        the square of the prediction's unit
    Convention:
        A mean within the row; the rows are summed unless `reduction` says otherwise, as in TensorFlow 1 whatever
        the name says. A row of one element has no pairs and costs 0.
    Source:
        D. Eigen, C. Puhrsch, R. Fergus, Depth Map Prediction from a Single Image using a Multi-Scale Deep Network,
        2014, https://arxiv.org/abs/1406.2283
    Example:
        {"prediction": [[1.0, 2.0, 4.0]], "target": [[1.0, 1.0, 1.0]]} → 4.666666666666667
    """
    xp = namespace(prediction)
    error = prediction - target
    axes = tuple(range(1, error.ndim))
    n = count(error, axis=axes)
    if n < 2.0:
        return 0.0 * xp.sum(error, axis=axes)
    spread = error - xp.mean(error, axis=axes, keepdims=True)
    return 2.0 / (n - 1.0) * xp.sum(spread * spread, axis=axes)
