"""Some rows of a plan: the same computation over them alone, without checking and laying out anew."""

from dataclasses import replace
from typing import Any

from lossapi.domains import BATCH, Array
from lossapi.errors import Unsupported
from lossapi.plan import Plan


def rows_of(plan: Plan) -> int:
    """How many rows the tensors have, one value or several each; an error where rows see each other."""
    if plan.batch is None:
        raise Unsupported("a loss or metric whose rows do not see each other", plan.definition.name)
    return plan.shape[0] if plan.shape else plan.batch


def select(plan: Plan, index: Any) -> Plan:
    """The plan of the rows that `index` takes, a slice or an array of places."""
    rows = rows_of(plan)

    def taken(array: Array) -> Array:
        if len(array) == rows:
            return array[index]
        return array.reshape(rows, -1)[index].reshape(-1)  # every element is a row of its own

    arrays = {bound.name: taken(bound.array) for bound in plan.tensors if bound.cut}
    tensors = tuple(
        bound._replace(array=arrays[bound.name], given=arrays[bound.name]) if bound.cut else bound
        for bound in plan.tensors
    )
    batch = len(next(iter(arrays.values())))
    weight = plan.weight
    if weight is not None and weight.ndim and len(weight) == plan.batch:
        weight = taken(weight)
    width = (plan.batch or 0) // max(rows, 1)
    shape = (batch // max(width, 1), *plan.shape[1:]) if plan.shape else plan.shape
    return replace(plan, tensors=tensors, weight=weight, shape=shape, bindings={**plan.bindings, BATCH: batch})
