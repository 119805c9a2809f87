"""One minus the dice coefficient of a soft prediction and a target."""

from lossapi.definition import loss
from lossapi.domains import Array
from lossapi.libraries.presets import keras, optax
from lossapi.maps.overlap import overlap
from lossapi.maps.sets import UNCHECKED, keras_sets, optax_masks
from lossapi.parameters import NonNegative


@loss(
    family="segmentation",
    of=overlap,
    like=[
        *keras(
            "dice(y_true, y_pred, axis=None)",
            "Dice",
            prepare=keras_sets,
            fixed={"smooth_numerator": 0.0, "smooth_denominator": 1e-7},
            unchecked=UNCHECKED,
            differs="1e-7 in the denominator alone; sums run along axis",
        ),
        optax(
            "binary_dice_loss(predictions, targets, smooth=1.0, apply_sigmoid=True)",
            {"apply_sigmoid": "from_logits"},
            prepare=optax_masks,
            unchecked=UNCHECKED,
            differs="each image by itself; twice its smooth in numerator and denominator here",
        ),
    ],
)
def dice(
    sums: dict[str, Array], *, smooth_numerator: NonNegative = 1e-8, smooth_denominator: NonNegative = 1e-8
) -> Array:
    """How little a predicted mask overlaps the true one: 1 - 2|X∩Y| / (|X| + |Y|), on probabilities.

    Formula:
        1 - (2 Σpt + a) / (Σp + Σt + b), a = smooth_numerator, b = smooth_denominator
    Shapes:
        prediction, target: (batch, *axes); pooled over everything, or one value per row with per_sample
    Convention:
        The smoothing term stands in both places (1e-8, 1e-8: nothing predicted and nothing there costs 0), or in
        the denominator alone (0, 1e-5: it costs 1). Keras: 0, 1e-7. MONAI: 1e-5 in both, image by image
        (per_sample). optax: 2 in both, image by image. segmentation-models-pytorch: neither, but a denominator of at
        least 1e-7, and nothing there costs 0 whatever was predicted. `squared` sums the squares in the denominator,
        as V-Net does. Weights weigh the points within the sums, or the rows with per_sample.
    Errata:
        |X| + |Y| is often called the union, which it is not; and a function called dice coefficient that returns
        this loss. Minimising it on probabilities is a surrogate for F1, equal to it for hard predictions only.
    Source:
        F. Milletari, N. Navab, S.-A. Ahmadi, V-Net, 2016, https://arxiv.org/abs/1606.04797
    Example:
        {"prediction": [0.9, 0.2, 0.6, 0.1], "target": [1, 0, 1, 0]} → 0.21052631523545702
    """
    overlapping = 2.0 * sums["intersection"] + smooth_numerator
    return 1.0 - overlapping / (sums["prediction"] + sums["target"] + smooth_denominator)
