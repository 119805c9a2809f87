"""How good an ensemble of predictions is as a distribution."""

from lossapi.definition import metric
from lossapi.domains import Array, Real, Rows
from lossapi.errors import ShapeError
from lossapi.functions import count, namespace
from lossapi.libraries.conventions import Arguments
from lossapi.libraries.presets import torchmetrics


def _ensemble(arguments: Arguments) -> Arguments:
    """torchmetrics takes (rows, members) with two members at least."""
    p = arguments["prediction"]
    if p.ndim != 2 or p.shape[1] < 2 or arguments["target"].shape != p.shape[:1]:
        expected = "preds of shape (rows, members), two members or more, and a target for each row"
        raise ShapeError(expected, f"shapes {p.shape} and {arguments['target'].shape}", ("prediction",))
    return arguments | {"empty": float("nan")}


@metric(
    family="probabilistic",
    like=[torchmetrics("continuous_ranked_probability_score(preds, target)", prepare=_ensemble)],
)
def continuous_ranked_probability_score(
    prediction: Real[Array, "batch *axes members"], target: Real[Array, "batch *axes"], *, fair: bool = False
) -> Rows[Array, "batch *axes"]:
    """How far the distribution of an ensemble is from what came: the absolute error, less half the ensemble's spread.

    Formula:
        mean over i of |x_i - y| - ½ mean over i, j of |x_i - x_j|; with `fair` the latter over i ≠ j alone
    Shapes:
        prediction: (batch, *axes, members); target, weight: (batch, *axes)
    Units:
        the target's unit; of one member it is the absolute error
    Convention:
        As torchmetrics, the ensemble is the distribution: m² pairs. `fair` divides by m (m - 1) pairs, which is
        unbiased for the distribution that the members are drawn from, and needs two of them. Sorted, not compared pair
        by pair, and around the target, so that no digits are lost far from zero.
    Raises:
        empty: no rows, or weights that sum to 0
    Source:
        T. Gneiting, A. Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007,
        doi:10.1198/016214506000001437
    Example:
        {"prediction": [[1.0, 2.0, 3.0], [0.0, 0.0, 4.0]], "target": [2.0, 1.0]} → 0.5
    """
    xp = namespace(prediction)
    gap = xp.sort(prediction - xp.expand_dims(target, axis=-1), axis=-1)
    members = count(gap, axis=-1)
    place = xp.astype(xp.arange(1, gap.shape[-1] + 1), gap.dtype)
    spread = xp.sum((2.0 * place - (members + 1.0)) * gap, axis=-1) / members
    return xp.mean(xp.abs(gap), axis=-1) - spread / (members - 1.0 if fair else members)
