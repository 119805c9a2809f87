"""The fold as one expression: mask, map, weigh, reduce and read, on arrays of any namespace, without cuts.

What `chunks` and `readings` do in steps with NumPy's totals, for graphs: of symbols it is a model, of traced symbols
a model that can be run backwards.
"""

from collections.abc import Mapping
from typing import Any

from lossapi.domains import BATCH, Array
from lossapi.functions import namespace
from lossapi.plan import Plan
from lossapi.states import WEIGHT, Weighted


def weight_axes(plan: Plan) -> tuple[str, ...]:
    """The axes of the weights: what the map weighs itself, or what has one value for each row."""
    return plan.map.weight.axes if plan.map.weight and not plan.by_row else plan.sum_axes


def value_of(plan: Plan, tensors: Mapping[str, Array], weight: Array | None, reduction: str) -> Any:
    """The value of a plan for tensors in the map's layout."""
    taken, mask = _ignoring(plan, tensors)
    arrays = {each.name: taken.get(each.name) for each in plan.map.inputs}
    given = {name: value for name, value in plan.parameters.items() if name in plan.map.parameters}
    if plan.map.weight is not None:
        arrays["weight"] = _own_weight(plan, None if plan.by_row else weight, mask, taken)
        weight = weight if plan.by_row else None
    out = plan.map.function(*arrays.values(), **given)
    if plan.map.gives == "rows":
        return reduced(out, weight, mask if plan.map.weight is None else None, reduction)
    if plan.definition.for_rows(plan.parameters):
        row = _ones(next(iter(out.values())), ())
        return reduced(_read(plan, {**out, WEIGHT: row}, tensors), weight, mask, reduction)
    return _read(plan, _added(plan, out, weight), tensors)


def _ignoring(plan: Plan, tensors: Mapping[str, Array]) -> tuple[Mapping[str, Array], Array | None]:
    """The tensors with 0 for labels that are ignored, and which are not; the last labels are the true ones."""
    ignored = plan.parameters.get("ignore_index")
    labels = [bound.name for bound in plan.tensors if bound.spec.domain.name == "label"]
    if ignored is None or not labels:
        return tensors, None
    label = tensors[labels[-1]]
    xp, mask = namespace(label), label != ignored
    return {**tensors, labels[-1]: xp.where(mask, label, xp.zeros_like(label))}, mask


def _own_weight(plan: Plan, weight: Array | None, mask: Array | None, tensors: Mapping[str, Array]) -> Array | None:
    """The weight for a map that weighs itself, the mask folded in."""
    if mask is None:
        return weight
    real = next(tensors[b.name] for b in plan.tensors if b.spec.domain.kind == "real")
    xp = namespace(mask)
    own = xp.astype(mask, real.dtype)
    return own if weight is None else xp.where(mask, weight, xp.zeros_like(own))


def reduced(out: Any, weight: Array | None, mask: Array | None, reduction: str) -> Array:
    """The reduction of rows, one value each."""
    value, own = out if isinstance(out, Weighted) else (out, None)
    xp = namespace(value)
    if mask is not None:
        mask = xp.any(mask, axis=tuple(range(value.ndim, mask.ndim))) if mask.ndim > value.ndim else mask
        value = xp.where(mask, value, xp.zeros_like(value))
    weighted = _weighed(value, weight)
    if reduction == "none":
        return weighted
    if reduction == "mean" and mask is None:
        return xp.mean(weighted)
    total = xp.sum(weighted, dtype=xp.float64)
    return total if reduction == "sum" else total / divisor(value, own, weight, mask, reduction)


def divisor(value: Array, own: Array | None, weight: Array | None, mask: Array | None, reduction: str) -> Array:
    """What a reduction divides the sum by."""
    xp = namespace(value)
    entered = xp.ones_like(value) if mask is None else xp.astype(mask, value.dtype)
    if reduction == "batch_mean":
        rest = tuple(range(1, value.ndim))
        return xp.sum(xp.max(entered, axis=rest) if rest else entered, dtype=xp.float64)
    if reduction == "mean":
        return xp.sum(entered, dtype=xp.float64)
    weights = _weighed(entered if own is None else own, weight)
    if mask is not None:
        weights = xp.where(mask, weights, xp.zeros_like(weights))
    if reduction == "nonzero_mean":
        weights = xp.astype(weights != 0.0, value.dtype)
    return xp.sum(weights, dtype=xp.float64)


def _added(plan: Plan, out: Mapping[str, Array], weight: Array | None) -> dict[str, Array]:
    """Sums per row added over the rows, and the total weight of the rows beside them."""
    one = next(iter(out.values()))
    trailing = one.ndim - sum(axis != "*axes" for axis in plan.map.axes)
    axes = tuple(range(sum(1 if axis == BATCH else trailing for axis in plan.sum_axes)))
    xp = namespace(one)
    total = {name: xp.sum(_weighed(each, weight), axis=axes, dtype=xp.float64) for name, each in out.items()}
    return {**total, WEIGHT: xp.sum(_weighed(_ones(one, axes), weight), dtype=xp.float64)}


def _ones(x: Array, axes: tuple[int, ...]) -> Array:
    """1 over some of the axes, which come first."""
    return namespace(x).ones_like(x[(..., *(0,) * (x.ndim - len(axes)))])


def _weighed(x: Array, weight: Array | None) -> Array:
    """Each row times its weight."""
    if weight is None or weight.ndim == x.ndim:
        return x if weight is None else x * weight
    return x * namespace(x).expand_dims(weight, axis=tuple(range(weight.ndim, x.ndim)))


def _read(plan: Plan, sums: Mapping[str, Array], tensors: Mapping[str, Array]) -> Any:
    """The definition's reading of the sums."""
    reading = plan.definition.reading
    assert reading is not None
    given = {name: value for name, value in plan.parameters.items() if name in plan.definition.reading_parameters}
    return reading(dict(sums), *(tensors.get(each.name) for each in plan.definition.reading_inputs), **given)
