"""The loss whose best constant is a quantile."""

from lossapi.definition import loss
from lossapi.domains import Array, Real, Rows
from lossapi.maps.errors import tilted
from lossapi.parameters import Fraction


@loss(family="regression")
def pinball(
    prediction: Real[Array, "batch *axes"], target: Real[Array, "batch *axes"], *, quantile: Fraction = 0.5
) -> Rows[Array, "batch *axes"]:
    """Asks for a quantile: at 0.9, falling short of the target costs nine times what exceeding it costs.

    Formula:
        max(q e, (q - 1) e), e = target - prediction
    Shapes:
        prediction, target: (batch, *axes); one value per element
    Units:
        the prediction's unit
    Convention:
        The quantile is scikit-learn's `alpha` and TensorFlow Addons' `tau`. At 0.5 it is half the absolute error.
    Source:
        R. Koenker, G. Bassett, Regression Quantiles, 1978, doi:10.2307/1913643
    Example:
        {"prediction": [1.0, 3.0], "target": [2.0, 2.0], "quantile": 0.9} → 0.5
    """
    return tilted(target - prediction, quantile)
