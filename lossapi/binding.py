"""Tensors meet a definition: axis sizes that must agree, the dtype to compute in, weights lined up with rows.

What comes out is a `Plan`: arrays in the kernel's own layout, ready to be cut along `batch`.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from operator import attrgetter
from typing import Any

import numpy as np

from lossapi.definition import Primitive
from lossapi.domains import BATCH, CLASSES, Array, Bindings
from lossapi.errors import DtypeError, ParameterError, ShapeError, UnknownKey, nearest
from lossapi.forms import arrange, fitting_map, recognise, turned
from lossapi.groups import apart
from lossapi.libraries.conventions import Align
from lossapi.memo import Memo
from lossapi.parameters import check
from lossapi.plan import Bound, Plan
from lossapi.signature import Input

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
PLANS: Memo[Plan] = Memo(1024)
"""Plans without their arrays, to be filled anew."""

ARRAYS = (np.ndarray, np.generic)
_itemsize = attrgetter("itemsize")


def planned(
    definition: Primitive,
    tensors: Mapping[str, Array],
    parameters: Mapping[str, Any],
    weight: Array | None = None,
    mean_axes: int = 0,
    shape: tuple[int, ...] | None = None,
    align: Align | None = None,
    unchecked: frozenset[str] = frozenset(),
) -> Plan:
    """Check the parameters and lay the tensors out; a plan is made once for equal shapes, dtypes and parameters."""
    if definition.grouped:
        tensors = apart(definition, tensors)
    key = (definition, mean_axes, shape, align, unchecked, *alike(tensors, parameters, weight))
    known = PLANS.get(key)
    if known is not None:
        return known.filled(tensors, weight)
    tensors = {name: each for name, each in tensors.items() if each is not None}
    given = check(definition.parameters, parameters, unchecked)
    made = bind(definition, tensors, given, weight, mean_axes, shape, align)
    if align is None or weight is None:
        PLANS.put(key, made.hollow(tensors))
    return made


def alike(tensors: Mapping[str, Array], parameters: Mapping[str, Any], weight: Array | None = None) -> tuple[Any, ...]:
    """What a plan depends on, where no tensor or parameter is a list; equal numbers of unlike types are unlike."""
    key: list[Any] = [None if weight is None else _kind(weight)]
    for name, each in tensors.items():
        if type(each) is np.ndarray:
            key += name, each.shape, each.dtype
        elif each is not None:
            key += name, *_kind(each)
    for name, value in parameters.items():
        key += name, type(value), value
    return tuple(key)


def _kind(tensor: Array) -> tuple[Any, Any]:
    return (tensor.shape, tensor.dtype) if isinstance(tensor, ARRAYS) else (type(tensor), tensor)


def bind(
    definition: Primitive,
    tensors: Mapping[str, Array],
    parameters: Mapping[str, Any],
    weight: Array | None = None,
    mean_axes: int = 0,
    shape: tuple[int, ...] | None = None,
    align: Align | None = None,
) -> Plan:
    """Lay the tensors out for the kernel, or say what does not fit."""
    tensors = apart(definition, tensors)
    mapping = fitting_map(definition, tensors, parameters)
    bound, absent = [], []
    bindings: Bindings = {CLASSES: 1} if CLASSES in mapping.axes and not mapping.by_class else {}
    _require_known(tensors, definition)
    for each in definition.bound_in_order(mapping):
        array = tensors.get(each.name)
        if array is None and each.default is not None:
            array = np.asarray(each.default, np.float64)
        if array is None:
            absent.append(_allow_absence(each))
            continue
        given = np.asarray(array)
        array, spec, lone = recognise(each, turned(each, given, parameters), bindings)
        shape = () if lone else shape
        array = arrange(each.name, array, spec, parameters)
        spec.bind(each.name, array.shape, bindings)
        bound.append(Bound(each.name, spec, array, given))
    _require_sizes(bindings)
    _require_alike([b for b in bound if b.name in mapping.loose])
    _require_label_target(bound, parameters)
    plan = Plan(
        definition=definition,
        map=mapping,
        tensors=tuple(bound),
        absent=tuple(absent),
        parameters=parameters,
        bindings=bindings,
        dtype=compute_dtype(_widening(bound, tensors)),
        weight=None,
        mean_axes=mean_axes,
        shape=shape,
    )
    if weight is not None:
        if mapping.gives == "state" and mapping.weight is None:
            raise ParameterError(f"no weight, which {definition.name} does not take", "a weight", ("weight",))
        weight = np.asarray(weight)
        plan = replace(plan, weighs_within=not plan.by_row or (align is None and prod(weight.shape[1:]) > 1))
        plan = replace(plan, weight=_aligned(weight, plan, align))
    return _flattened(plan) if _elementwise(plan) else plan


def _widening(bound: list[Bound], tensors: Mapping[str, Array]) -> list[Array]:
    """The tensors that were given, without those that are one number for all rows: such a one is like a parameter."""
    given = [b for b in bound if tensors.get(b.name) is not None]
    return [b.array for b in given if b.spec.axes] or [b.array for b in given]


def compute_dtype(arrays: list[Array]) -> np.dtype[Any]:
    """The widest floating dtype among the inputs; half precisions compute in float32, integers alone in float64."""
    floating = [a.dtype for a in arrays if a.dtype.kind in "fV"]
    widest = max(floating, key=_itemsize, default=DOUBLE)
    return SINGLE if widest.itemsize < SINGLE.itemsize else widest


def _require_known(tensors: Mapping[str, Array], definition: Primitive) -> None:
    known = definition.bound_names
    for name, array in tensors.items():
        if name in known and isinstance(array, Mapping):
            raise ParameterError(f"{name} as one tensor", "an object", (name,))
        if name not in known:
            raise UnknownKey(nearest(name, definition.input_names), f"unknown key {name!r}", (name,))


def _allow_absence(each: Input) -> str:
    if not each.optional:
        raise ParameterError(f"tensor {each.name}", "nothing", (each.name,))
    return each.name


def _require_sizes(bindings: Bindings) -> None:
    for axis, size in bindings.items():
        if size == 0 and axis not in (BATCH, "length"):
            raise ShapeError(f"at least one entry along axis {axis}", "0")


def _require_alike(loose: list[Bound]) -> None:
    for each in loose[1:]:
        if each.cut != loose[0].cut:
            other = (
                f"axes {each.spec} like {loose[0].name}" if loose[0].cut else f"no batch, as {loose[0].name} has none"
            )
            raise ShapeError(f"{each.name} with {other}", f"shape {each.given.shape}", (each.name,))


def _require_label_target(bound: list[Bound], parameters: Mapping[str, Any]) -> None:
    if parameters.get("ignore_index") is not None and not any(b.spec.domain.name == "label" for b in bound):
        raise ParameterError("ignore_index only with labels", "a target without labels", ("ignore_index",))


def _elementwise(plan: Plan) -> bool:
    """Whether every element stands alone, so that the arrays may be cut anywhere."""
    every = (BATCH, "*axes")
    full = [b for b in plan.tensors if b.spec.axes]
    sums = plan.map.gives == "sums" and not plan.definition.for_rows(plan.parameters)
    return (
        (plan.map.axes == every or (sums and plan.sum_axes == (BATCH,)))
        and (plan.map.weight is None or plan.map.weight.axes == every)
        and max((b.array.ndim for b in full), default=0) > 1
        and all(b.spec.axes == every for b in full)
        and plan.parameters.get("axis") is None
        and plan.mean_axes == 0
        and (plan.weight is None or plan.weight.size == 1 or plan.weight.shape == full[0].array.shape)
    )


def _flattened(plan: Plan) -> Plan:
    tensors = tuple(b._replace(array=b.array.reshape(-1)) if b.spec.axes else b for b in plan.tensors)
    shape = next(b.array.shape for b in plan.tensors if b.spec.axes)
    weight = None if plan.weight is None else plan.weight.reshape(-1)
    bindings: Bindings = {BATCH: prod(shape), "*axes": ()}
    kept = shape if plan.shape is None else plan.shape
    return replace(plan, tensors=tensors, weight=weight, bindings=bindings, shape=kept)


def _aligned(weight: Array, plan: Plan, align: Align | None) -> Array:
    """A weight lined up with the rows from the left: one per row of the batch, or one per element, or a number.

    Where another library's rows take the weights' shape, a single row is spread over them.
    """
    if weight.dtype.kind not in "fuibV":
        raise DtypeError("weight as numbers", f"dtype {weight.dtype}", ("weight",))
    shape = plan.weight_shape
    if prod(shape) == 1 and weight.shape == plan.shape:
        return weight
    weight = align(weight, shape) if align else weight
    aligned = weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
    if len(aligned.shape) != len(shape) or any(w not in (1, n) for w, n in zip(aligned.shape, shape, strict=True)):
        raise ShapeError(f"weight broadcastable to shape {shape}", f"shape {weight.shape}", ("weight",))
    return aligned
