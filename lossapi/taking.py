"""A tensor as a map takes it: held to its domain, and cast."""

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DomainError
from lossapi.plan import Bound, Plan, Readable

UNSIGNED, MOST_INDEX = np.dtype(np.uint64), 2**63 - 1


def held(plan: Plan, bound: Bound, array: Array, unchecked: frozenset[str]) -> Array:
    """A chunk of a tensor as the map takes it."""
    if bound.name in plan.bounds and bound.name.partition(".")[0] not in unchecked:
        check(plan, bound, array)
    return cast(plan, bound, array)


def check(plan: Plan, bound: Bound, array: Array) -> None:
    """Hold a chunk to its domain; a fault is placed in the tensor as it was given, whatever its layout here."""
    domain, bounds = bound.spec.domain, plan.bounds[bound.name]
    if not domain.holds(array, bounds):
        entering = bound.given != plan.parameters["ignore_index"] if bound.name == plan.true_label else True
        domain.check(bound.name, np.where(entering, bound.given, 0), bounds)


def cast(plan: Readable, bound: Bound, array: Array) -> Array:
    """Labels as indices; everything else in the dtype of the computation."""
    if bound.spec.domain.kind == "label":
        if array.dtype == UNSIGNED:
            _require_index(bound, array)
        return array.astype(np.intp, copy=False)
    return array if array.dtype == plan.dtype else array.astype(plan.dtype)


def _require_index(bound: Bound, array: Array) -> None:
    """Refuse the labels that would be negative as an index."""
    if array.size and array.max() > MOST_INDEX:
        place = tuple(int(i) for i in np.argwhere(bound.given > MOST_INDEX)[0])
        raise DomainError(f"{bound.spec.domain.meaning} < 2**63", str(bound.given[place]), (bound.name, *place))
