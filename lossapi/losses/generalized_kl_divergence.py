"""How far a predicted measure is from the true one, where neither has to sum to one."""

from lossapi.definition import loss
from lossapi.domains import Array, Measure, NonNegativeReal, Rows
from lossapi.functions import namespace, product, xlogy
from lossapi.libraries.conventions import Arguments, floating, nan_where, steps
from lossapi.libraries.layouts import along_axes
from lossapi.libraries.presets import optax

INFINITY = float("inf")


def _nothing_times_infinity(arguments: Arguments) -> Arguments:
    return nan_where("target", lambda target, logs: (target == 0) & (abs(logs) == INFINITY))(arguments)


PREPARE = steps(
    floating("prediction", "target"),
    _nothing_times_infinity,
    along_axes("prediction", "target", fill=-INFINITY),
)
OPTIONS = {
    "prepare": PREPARE,
    "tensors": ("where",),
    "fixed": {"class_axis": -1, "log_prediction": True},
    "unchecked": frozenset({"prediction", "target"}),
    "differs": "takes logarithms of predictions; a target of 0 under a logarithm of -inf gives NaN",
}


@loss(
    family="distribution",
    like=[
        optax(
            "generalized_kl_divergence(log_predictions, targets, axis=-1, where=None)",
            {"log_predictions": "prediction"},
            **OPTIONS,
        ),
        optax(
            "convex_kl_divergence(log_predictions, targets, axis=-1, where=None)",
            {"log_predictions": "prediction"},
            **OPTIONS,
        ),
    ],
)
def generalized_kl_divergence(
    prediction: Measure[Array, "batch classes *axes"] | Measure[Array, "classes"],
    target: NonNegativeReal[Array, "batch classes *axes"] | NonNegativeReal[Array, "classes"],
    *,
    log_prediction: bool = False,
) -> Rows[Array, "batch *axes"]:
    """What it costs to expect the predicted amounts where the target's amounts come; 0 only where they are the same.

    Formula:
        Σ_c y_c (log y_c - log p_c) + Σ_c p_c - Σ_c y_c, the first term 0 where y_c is 0
    Shapes:
        prediction, target: (batch, classes, *axes), classes at class_axis, or one measure (classes); one value per
        (batch, *axes)
    Units:
        nats, times the amounts' unit
    Convention:
        Of amounts that sum to one it is the Kullback-Leibler divergence. The Bregman divergence of x log x - x.
    Source:
        L. M. Bregman, The Relaxation Method of Finding the Common Point of Convex Sets, 1967,
        doi:10.1016/0041-5553(67)90040-7
    Example:
        {"prediction": [[1.0, 2.0]], "target": [[2.0, 0.0]]} → 2.386294361119891
    """
    xp, axis = namespace(prediction), min(prediction.ndim - 1, 1)
    logs = prediction if log_prediction else xp.log(prediction)
    amounts = xp.exp(prediction) if log_prediction else prediction
    return xp.sum(xlogy(target, target) - product(target, logs) + amounts - target, axis=axis)
