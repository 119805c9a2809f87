"""A small computation that was met before: what its shapes, parameters and options decide was decided then.

Its tensors are mapped, folded and read by the same functions as ever; only which these are, and that one chunk holds
all rows, is known.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lossapi import chunks, readings, taking
from lossapi.domains import Array
from lossapi.errors import LossError
from lossapi.memo import Memo
from lossapi.plan import Bound, Plan, laid_out


class Again(NamedTuple):
    """A plan without its arrays, and for each input of its map what is left to do where it is given, if anything."""

    plan: Plan
    inputs: tuple[tuple[str, Bound | None], ...]
    absent: Mapping[str, Array | None]
    reduction: str
    unchecked: frozenset[str]
    empty: float | None

    def read(self, tensors: Mapping[str, Array]) -> tuple[Any, int]:
        """The value of tensors of the same shapes and dtypes, and how many rows or elements entered."""
        plan, reduction, taken = self.plan, self.reduction, []
        for name, bound in self.inputs:
            array = tensors.get(name)
            if array is None:
                array = self.absent[name]
            elif bound is not None:
                array = self._taken(bound, np.asarray(array))
            taken.append(array)
        try:
            out = plan.map.function(*taken, **plan.map_parameters)
        except LossError as error:
            raise chunks.placed(plan, 0, error) from None
        state = chunks.alone(plan, chunks.folded(plan, out, None, None, reduction == "none"))
        return readings.read(plan, state, reduction, self.empty)

    def _taken(self, bound: Bound, given: Array) -> Array:
        plan = self.plan
        array = given if bound.array is bound.given else laid_out(plan, bound, given)
        if bound.name in plan.ready:
            return array
        return taking.held(plan, bound._replace(array=array, given=given), array, self.unchecked)


MET: Memo[Again] = Memo(1024)
"""The computations that are known, by what decided them."""


def learn(
    key: tuple[Any, ...],
    plan: Plan,
    tensors: Mapping[str, Array],
    reduction: str,
    unchecked: frozenset[str],
    empty: float | None,
) -> None:
    """Know a computation from now on that comes a second time, unless weights, masks or several chunks come in."""
    pieces = chunks.cuts(plan)
    apart = plan.weight is not None or plan.true_label is not None or bool(plan.definition.reading_inputs)
    if apart or len(pieces) > 1 or not MET.keeps(key):
        return
    if key not in plan.known:
        plan.known[key] = True
        return
    given = {name for name, array in tensors.items() if array is not None}
    hollow = plan.hollow(given)
    bound = {each.name: each for each in hollow.tensors if each.name in given}
    taken = chunks.prepared(plan, pieces[0], unchecked).tensors
    inputs = tuple((name, _left(plan, bound.get(name))) for name in taken)
    absent = {name: array for name, array in taken.items() if name not in given}
    MET.put(key, Again(hollow, inputs, absent, reduction, unchecked, empty))


def _left(plan: Plan, bound: Bound | None) -> Bound | None:
    """What an input is bound to, unless it is an array that is taken as it was given."""
    if bound is None or (bound.name in plan.ready and bound.array is bound.given and bound.array.ndim):
        return None
    return bound
