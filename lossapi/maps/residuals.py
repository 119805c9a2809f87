"""What is left of the target after the prediction: sums and moments per output."""

from math import prod
from typing import Literal

from lossapi.domains import Array, Real, Sums, Weight
from lossapi.functions import namespace
from lossapi.states import Moments

MultiOutput = Literal["raw_values", "uniform_average"]


def residuals(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ|e| and Σe² of each output."""
    xp = namespace(prediction)
    error = prediction - target
    return {"absolute": xp.abs(error), "squared": error * error}


def target_moments(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
) -> Moments:
    """The target's second moments per output, with Σe and Σe²."""
    xp = namespace(prediction)
    rows, outputs = target.shape[0], prod(target.shape[1:])
    error = xp.reshape(xp.astype(prediction - target, xp.float64), (rows, outputs))
    each = error if weight is None else error * xp.reshape(weight, (rows, 1))
    sums = {"error": xp.sum(each, axis=0), "squared": xp.sum(each * error, axis=0)}
    return Moments.of(xp.reshape(target, (rows, outputs)), weight, sums)


def over_outputs(values: Array, multioutput: MultiOutput) -> Array:
    """One value per output, or their mean."""
    return values if multioutput == "raw_values" else namespace(values).mean(values)
