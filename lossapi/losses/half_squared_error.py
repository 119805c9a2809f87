"""Half the squared error, whose derivative is the error itself."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.libraries.conventions import floating
from lossapi.libraries.presets import optax, tf1


@loss(
    family="regression",
    like=[
        tf1(
            "nn.l2_loss(t)",
            {"t": "prediction"},
            reduction="sum",
            prepare=floating("prediction"),
            differs="of one tensor, always summed",
        ),
        optax(
            "l2_loss(predictions, targets=None)",
            prepare=floating("prediction"),
            differs="never reduced; without targets, half the square itself",
        ),
    ],
)
def half_squared_error(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"] | None = None
) -> Rows[Array, "batch *axes"]:
    """Half of the squared difference; without a target, half of the square: the penalty of weight decay.

    Formula:
        ½ e², e = prediction - target
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        half the square of the prediction's unit
    Convention:
        The half makes the derivative e. TensorFlow sums over all elements; optax never reduces.
    Source:
        C. M. Bishop, Pattern Recognition and Machine Learning, 2006, equation 3.12
    Example:
        {"prediction": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "reduction": "sum"} → 7.0
    """
    error = prediction if target is None else prediction - target
    return 0.5 * error * error
