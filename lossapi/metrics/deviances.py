"""Tweedie deviances and the share of them that a prediction spares."""

from lossapi.definition import metric
from lossapi.domains import Array, NonNegativeReal, Real, Sums
from lossapi.errors import DomainError, EmptyError
from lossapi.functions import namespace
from lossapi.libraries.conventions import Arguments, steps
from lossapi.libraries.metric_layouts import FINITE, nan_for_one_row, pooled, sklearn_column
from lossapi.libraries.presets import sklearn, torchmetrics
from lossapi.maps.deviances import Deviances, deviances, require_domain, tweedie
from lossapi.maps.residuals import MultiOutput, mean_of, over_outputs, require_weight
from lossapi.open_domains import PositiveReal

ONE = f"one output; {FINITE}"


def _integral_power(arguments: Arguments) -> Arguments:
    """torchmetrics takes any two tensors of one shape."""
    return pooled(arguments) | {"power": float(arguments["power"])}


def _varied(arguments: Arguments) -> Arguments:
    """scikit-learn fails where all targets are alike."""
    target = arguments["target"]
    if target.shape[0] > 1 and namespace(target).all(target == target[0]):
        raise DomainError("targets that are not all alike", f"{target[0]:g} throughout", ("target",))
    return arguments


def tweedie_deviances(
    prediction: Real[Array, "batch *outputs"], target: Real[Array, "batch *outputs"], *, power: float = 0.0
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σd of each output."""
    require_domain(prediction, target, power)
    return {"deviance": tweedie(target, prediction, power)}


@metric(
    family="regression",
    of=tweedie_deviances,
    like=[
        sklearn(
            "mean_tweedie_deviance(y_true, y_pred, sample_weight=None, power=0)", prepare=sklearn_column, differs=ONE
        ),
        torchmetrics(
            "tweedie_deviance_score(preds, targets, power=0.0)", {"targets": "target"}, prepare=_integral_power
        ),
    ],
)
def tweedie_deviance(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """What predicted means cost where the variance is a power of the mean: 0 normal, 1 Poisson, 2 gamma, 3 inverse.

    Formula:
        Σ w d(y, p) / Σ w; d = 2 (max(y, 0)^(2-k) / ((1-k)(2-k)) - y p^(1-k) / (1-k) + p^(2-k) / (2-k)), k the power;
        (y - p)² at 0, 2 (y log(y/p) - y + p) at 1, 2 (log(p/y) + y/p - 1) at 2
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's to the power 2 - k
    Convention:
        As scikit-learn. Between 1 and 2 the distribution is compound Poisson, with a mass at 0.
    Raises:
        parameter: a power between 0 and 1; domain: a prediction that is not above 0, unless the power is 0, or a target
        below 0 (power from 1) or not above 0 (power from 2); empty: no rows, or weights that sum to 0
    Source:
        B. Jørgensen, The Theory of Dispersion Models, 1997; sklearn.metrics.mean_tweedie_deviance
    Example:
        {"prediction": [0.5, 0.5, 2.0, 2.0], "target": [2.0, 0.0, 1.0, 4.0], "power": 1.0} → 1.4260151319598084
    """
    return over_outputs(mean_of(sums, "deviance"), multioutput)


def poisson_deviances(
    prediction: PositiveReal[Array, "batch *outputs"], target: NonNegativeReal[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ2(y log(y/p) - y + p) of each output."""
    return {"deviance": tweedie(target, prediction, 1.0)}


@metric(
    family="regression",
    of=poisson_deviances,
    like=[sklearn("mean_poisson_deviance(y_true, y_pred, sample_weight=None)", prepare=sklearn_column, differs=ONE)],
)
def poisson_deviance(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """What predicted rates of counts cost, 0 where each is the count itself.

    Formula:
        Σ w 2 (y log(y/p) - y + p) / Σ w, y log y being 0 where y is
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        the target's unit
    Convention:
        The Tweedie deviance of power 1, as in scikit-learn.
    Raises:
        domain: a rate that is not above 0, a negative target; empty: no rows, or weights that sum to 0
    Source:
        J. Nelder, R. Wedderburn, Generalized Linear Models, 1972, doi:10.2307/2344614
    Example:
        {"prediction": [0.5, 0.5, 2.0, 2.0], "target": [2.0, 0.0, 1.0, 4.0]} → 1.4260151319598084
    """
    return over_outputs(mean_of(sums, "deviance"), multioutput)


def gamma_deviances(
    prediction: PositiveReal[Array, "batch *outputs"], target: PositiveReal[Array, "batch *outputs"]
) -> Sums[dict[str, Array], "batch *outputs"]:
    """Σ2(log(p/y) + y/p - 1) of each output."""
    return {"deviance": tweedie(target, prediction, 2.0)}


@metric(
    family="regression",
    of=gamma_deviances,
    like=[sklearn("mean_gamma_deviance(y_true, y_pred, sample_weight=None)", prepare=sklearn_column, differs=ONE)],
)
def gamma_deviance(sums: dict[str, Array], *, multioutput: MultiOutput = "uniform_average") -> Array:
    """What predicted means of positive amounts cost; being off by a factor costs the same at every size.

    Formula:
        Σ w 2 (log(p/y) + y/p - 1) / Σ w
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Units:
        none
    Convention:
        The Tweedie deviance of power 2, as in scikit-learn.
    Raises:
        domain: a prediction or target that is not above 0; empty: no rows, or weights that sum to 0
    Source:
        J. Nelder, R. Wedderburn, Generalized Linear Models, 1972, doi:10.2307/2344614
    Example:
        {"prediction": [0.5, 0.5, 2.0, 2.0], "target": [2.0, 0.5, 1.0, 4.0]} → 1.0568528194400546
    """
    return over_outputs(mean_of(sums, "deviance"), multioutput)


@metric(
    family="regression",
    of=deviances,
    like=[
        sklearn(
            "d2_tweedie_score(y_true, y_pred, sample_weight=None, power=0)",
            prepare=steps(sklearn_column, _varied, nan_for_one_row),
            differs=f"{ONE}; one row is NaN, not an error, but targets that are all alike are",
        )
    ],
)
def d2_tweedie_score(state: Deviances, *, multioutput: MultiOutput = "uniform_average") -> Array:
    """The share of the Tweedie deviance that a prediction spares, against always predicting the mean; R² at power 0.

    Formula:
        1 - Σ w d(y, p) / Σ w d(y, ȳ)
    Shapes:
        prediction, target: (batch, *outputs); weight: (batch)
    Convention:
        As scikit-learn: a constant target is -Infinity if missed, NaN if met. Merged exactly: a deviance is a Bregman
        divergence, so that the mean may move.
    Raises:
        as tweedie_deviance; empty: fewer than two rows
    Source:
        T. Hastie, R. Tibshirani, M. Wainwright, Statistical Learning with Sparsity, 2015, (3.11)
    Example:
        {"prediction": [0.5, 0.5, 2.0, 4.0], "target": [2.0, 0.0, 1.0, 4.0], "power": 1.0} → 0.3101093997380908
    """
    if state.count < 2:
        raise EmptyError("at least two rows for D²", str(state.count))
    require_weight(state.weight)
    return over_outputs(1.0 - state.left / namespace(state.left).asarray(state.null), multioutput)
