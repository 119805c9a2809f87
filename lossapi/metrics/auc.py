"""The area below any curve that is given by its points."""

from dataclasses import dataclass, replace

from lossapi.definition import metric
from lossapi.domains import Array, Real
from lossapi.errors import DomainError, EmptyError
from lossapi.functions import namespace
from lossapi.libraries.presets import sklearn
from lossapi.maps.scores import trapezoid


def points(x: Real[Array, "points"], y: Real[Array, "points"]) -> "Points":
    """The points as they are."""
    return Points(x, y, x.shape[0])


@dataclass(frozen=True)
class Points:
    """The points of one curve: not to be cut, for they stand in an order."""

    x: Array
    y: Array
    count: int

    def __add__(self, other: "Points") -> "Points":
        xp = namespace(self.x)
        joined = {name: xp.concat([getattr(self, name), getattr(other, name)]) for name in ("x", "y")}
        return replace(self, **joined, count=self.count + other.count)


@metric(family="classification", of=points, like=[sklearn("auc(x, y)")])
def auc(found: Points) -> Array:
    """The area below the straight lines through given points, such as those of a ROC curve.

    Formula:
        Σ (x_i+1 - x_i) (y_i+1 + y_i) / 2, and minus that where x falls
    Shapes:
        x, y: (points)
    Convention:
        As scikit-learn: x must rise or fall throughout.
    Raises:
        domain: x both rises and falls
    Source:
        sklearn.metrics.auc
    Example:
        {"x": [0.0, 0.5, 1.0], "y": [0.0, 0.75, 1.0]} → 0.625
    """
    xp = namespace(found.x)
    if found.count < 2:
        raise EmptyError("at least two points", str(found.count), ("x",))
    steps = found.x[1:] - found.x[:-1]
    if xp.any(steps < 0) and xp.any(steps > 0):
        raise DomainError("x that rises or falls throughout", "both", ("x",))
    area = trapezoid(found.y, found.x)
    return -area if xp.any(steps < 0) else area
