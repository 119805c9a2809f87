"""Tweedie deviances: what predicted means cost under the distributions whose variance is a power of the mean."""

from dataclasses import dataclass, replace
from math import prod

from lossapi.domains import Array, Real, Weight
from lossapi.errors import DomainError, ParameterError
from lossapi.functions import namespace, xlogy


def tweedie(target: Array, mean: Array, power: float) -> Array:
    """The deviance of each target from its mean: of a normal (0), Poisson (1) or gamma (2) distribution, or another."""
    xp = namespace(mean)
    if power == 0.0:
        return (target - mean) * (target - mean)
    if power == 1.0:
        return 2.0 * (xlogy(target, target / mean) - target + mean)
    if power == 2.0:
        return 2.0 * (xp.log(mean / target) + target / mean - 1.0)
    one, two = 1.0 - power, 2.0 - power
    held = xp.clip(target, 0.0, None) if power < 0 else target
    return 2.0 * (held**two / (one * two) - target * mean**one / one + mean**two / two)


def require_domain(prediction: Array, target: Array, power: float) -> None:
    """Raise where a mean or a target is none of such a distribution."""
    if 0.0 < power < 1.0:
        raise ParameterError("power up to 0, or 1 and above", f"{power:g}", ("power",))
    if power != 0.0:
        _require(prediction, prediction <= 0.0, "> 0", power, "prediction")
    if 1.0 <= power < 2.0:
        _require(target, target < 0.0, ">= 0", power, "target")
    if power >= 2.0:
        _require(target, target <= 0.0, "> 0", power, "target")


def _require(array: Array, outside: Array, bound: str, power: float, name: str) -> None:
    xp = namespace(array)
    if xp.any(outside):
        worst = float(xp.min(xp.where(outside, array, xp.zeros_like(array))))
        raise DomainError(f"a number {bound} under power {power:g}", f"{worst:g}", (name,))


@dataclass(frozen=True)
class Deviances:
    """Per output Σw, the targets' mean, their deviance from it and from the predictions, under one power.

    A deviance is a Bregman divergence, so that around another mean Σ w d(y, m') = Σ w d(y, m) + W d(m, m'): merging
    is exact, as it is for squares, which are the case of power 0.
    """

    weight: float
    mean: Array
    null: Array
    left: Array
    power: float
    count: int = 0

    def __add__(self, other: "Deviances") -> "Deviances":
        weight, count, left = self.weight + other.weight, self.count + other.count, self.left + other.left
        if self.weight == 0 or other.weight == 0:
            return replace(self if other.weight == 0 else other, count=count, left=left)
        mean = self.mean + (other.mean - self.mean) * (other.weight / weight)
        parts = [each.null + each.weight * tweedie(each.mean, mean, self.power) for each in (self, other)]
        return Deviances(weight, mean, parts[0] + parts[1], left, self.power, count)


def deviances(
    prediction: Real[Array, "batch *outputs"],
    target: Real[Array, "batch *outputs"],
    weight: Weight[Array, "batch"] | None = None,
    *,
    power: float = 0.0,
) -> Deviances:
    """The deviances of each output's targets from their own mean and from the predictions."""
    require_domain(prediction, target, power)
    xp, rows = namespace(prediction), target.shape[0]
    p, y = (xp.reshape(xp.astype(x, xp.float64), (rows, prod(x.shape[1:]))) for x in (prediction, target))
    w = xp.ones((rows, 1)) if weight is None else xp.reshape(xp.astype(weight, xp.float64), (rows, 1))
    total = float(xp.sum(w))
    first = y[:1, :] if rows else xp.zeros((1, y.shape[1]))
    mean = first[0, :] + xp.sum(w * (y - first), axis=0) / (total or 1.0)
    null, left = (xp.sum(w * tweedie(y, each, power), axis=0) for each in (mean, p))
    return Deviances(total, mean, null, left, power, rows)
