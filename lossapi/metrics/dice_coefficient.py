"""The dice coefficient of (soft) masks."""

from lossapi.definition import metric, row_mode
from lossapi.domains import Array
from lossapi.maps.overlap import overlap
from lossapi.parameters import NonNegative


@metric(family="segmentation", of=overlap, rows=row_mode("per_sample"))
def dice_coefficient(
    sums: dict[str, Array], *, smooth_numerator: NonNegative = 1e-8, smooth_denominator: NonNegative = 1e-8
) -> Array:
    """How much a predicted mask overlaps the true one: 2|X∩Y| / (|X| + |Y|), from 0 to 1.

    Formula:
        (2 Σpt + a) / (Σp + Σt + b) = 2 tp / (2 tp + fp + fn) for hard predictions
    Shapes:
        prediction, target: (batch, *axes); pooled over everything, or the mean over rows with per_sample
    Convention:
        One minus the dice loss of the same smoothing; nothing predicted and nothing there is 1 by default.
    Source:
        L. R. Dice, Measures of the Amount of Ecologic Association Between Species, 1945, doi:10.2307/1932409
    Example:
        {"prediction": [1, 0, 1, 0], "target": [1, 1, 0, 0], "smooth_numerator": 0.0, "smooth_denominator": 0.0} → 0.5
    """
    overlapping = 2.0 * sums["intersection"] + smooth_numerator
    return overlapping / (sums["prediction"] + sums["target"] + smooth_denominator)
