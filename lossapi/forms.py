"""Which form each tensor comes in: told by its dtype and its axes, never by its values.

A tensor that may come with a batch or without does as the others of its kind do.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.definition import Primitive
from lossapi.domains import BATCH, CLASSES, Array, Bindings, Spec
from lossapi.errors import DtypeError, ParameterError, ShapeError
from lossapi.signature import Input, Map


def ways(each: Input) -> int:
    """In how many forms a tensor may come: those with one say what the axes of the others are."""
    return len(each.forms.specs)


def fitting_map(definition: Primitive, tensors: Mapping[str, Array], parameters: Mapping[str, Any]) -> Map:
    """The first of its maps whose axes the tensors have; where none fits, the first, which then says why."""
    maps = definition.maps_for(parameters)
    return maps[0] if len(maps) == 1 else next((each for each in maps if fits(each, tensors)), maps[0])


def fits(mapping: Map, tensors: Mapping[str, Array]) -> bool:
    """Whether the ranks of the tensors are those that a map takes together."""
    met = Bindings()
    for each in sorted(mapping.inputs, key=ways):
        given = tensors.get(each.name)
        if given is None:
            if each.optional:
                continue
            return False
        shape = np.shape(given)
        spec = next((spec for spec in each.forms.specs if _fits(spec, len(shape), met)), None)
        if spec is None and not (shape == () and _lone(each)):
            return False
        if spec is not None and spec.variadic is not None:
            met.setdefault(spec.axes[spec.variadic], shape[len(spec.axes) - 1 :])
    return True


def recognise(each: Input, array: Array, bindings: Bindings) -> tuple[Array, Spec, bool]:
    """The form that an array has by dtype and shape, never by its values; a lone number is a batch of one."""
    fitting = [spec for spec in each.forms.specs if _fits(spec, array.ndim, bindings)]
    for spec in fitting:
        if spec.domain.accepts(array.dtype):
            return array, spec, False
    if fitting:
        wanted = f"{each.name}: {fitting[0].domain.meaning} as integers"
        raise DtypeError(wanted, f"dtype {array.dtype}", (each.name,))
    lone = _lone(each)
    if array.ndim or lone is None:
        wanted = " or ".join(str(spec) for spec in each.forms.specs)
        raise ShapeError(f"{each.name} with axes {wanted}", f"shape {array.shape}", (each.name,))
    lone.domain.check_dtype(each.name, array)
    return array.reshape(1), lone, True


def turned(each: Input, array: Array, parameters: Mapping[str, Any]) -> Array:
    """The axis that `axis` points at moved last; a lone vector is a batch of one."""
    axis = parameters.get("axis")
    if axis is None or not each.forms.specs[0].batched:
        return array
    moved = _moved(each.name, array, axis, array.ndim - 1, "axis")
    return moved[None] if moved.ndim == 1 else moved


def _lone(each: Input) -> Spec | None:
    """The form in which a lone number is a batch of one."""
    return next((s for s in each.forms.specs if s.axes == (BATCH, "*axes")), None)


def _fits(spec: Spec, rank: int, bindings: Bindings) -> bool:
    """Whether the rank fits, given how many axes `*axes` stands for in a tensor met before."""
    if not spec.fits_rank(rank):
        return False
    met = None if spec.variadic is None else bindings.get(spec.axes[spec.variadic])
    return not isinstance(met, tuple) or rank - len(spec.axes) + 1 == len(met)


def arrange(name: str, array: Array, spec: Spec, parameters: Mapping[str, Any]) -> Array:
    """Move the axis that `class_axis` points at to where the kernel expects it."""
    if spec.axes[1:2] == (CLASSES,):
        return _moved(name, array, parameters.get("class_axis", 1), 1, "class_axis")
    return array


def _moved(name: str, array: Array, source: int, to: int, parameter: str) -> Array:
    if not -array.ndim <= source < array.ndim:
        raise ParameterError(f"{parameter} within the {array.ndim} axes of {name}", str(source), (parameter,))
    return array if source % array.ndim == to else np.moveaxis(array, source, to)
