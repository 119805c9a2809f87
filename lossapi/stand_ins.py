"""Arrays of the right ranks and dtypes where no numbers are known yet: a model is made for their forms."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array, Spec
from lossapi.errors import ShapeError, UnknownKey, nearest
from lossapi.request import as_call
from lossapi.signature import Input, merged_inputs

Shapes = Mapping[str, Sequence[str]]


def stand_ins(definition: Definition, shapes: Shapes, like: Mapping[str, Array], dtype: str) -> dict[str, Array]:
    """The example's tensors, those that were given, or ones of the axes that were named; all real ones in a dtype."""
    known = {each.name: each for each in tensors(definition)}
    for name in (*shapes, *like):
        if name not in known:
            raise UnknownKey(nearest(name, known), f"unknown key {name!r}", (name,))
    found = {name: np.asarray(array) for name, array in like.items()}
    if not like and all(known[name].optional and "." not in name for name in shapes):
        found = example(definition)
    sizes = {name: 2 + place for place, name in enumerate(dict.fromkeys(a for axes in shapes.values() for a in axes))}
    sizes |= axis_sizes(known.values(), found)
    found |= {name: named(known[name], axes, sizes) for name, axes in shapes.items()}
    return {name: array.astype(dtype) if array.dtype.kind == "f" else array for name, array in found.items()}


def tensors(definition: Definition) -> tuple[Input, ...]:
    """The tensors of a definition, those of groups by names of their own such as `p.normal.loc`."""
    if not isinstance(definition, Primitive):
        return definition.inputs
    return merged_inputs(each for mapping in definition.maps for each in mapping.inputs) + definition.reading_inputs


def example(definition: Definition) -> dict[str, Array]:
    """The tensors of the docstring's example."""
    request, _ = definition.document.example
    given = {key: tensor(value) if key in definition.input_names else value for key, value in request.items()}
    return dict(as_call(definition, given).tensors)


def axis_sizes(inputs: Iterable[Input], arrays: Mapping[str, Array]) -> dict[str, int]:
    """The sizes of the axes that come before any `*axes`."""
    sizes: dict[str, int] = {}
    for each in inputs:
        array = arrays.get(each.name)
        spec = None if array is None else form(each, array.ndim, array.dtype.kind)
        if array is not None and spec is not None:
            for axis, size in zip(spec.axes[: spec.variadic], array.shape, strict=False):
                sizes.setdefault(axis, size)
    return sizes


def form(each: Input, rank: int, kind: str) -> Spec | None:
    """The first form of a rank that holds integers or real numbers."""
    fitting = [spec for spec in each.forms.specs if spec.fits_rank(rank)]
    return next((spec for spec in fitting if spec.domain.kind == "real" or kind in "iu"), None)


def named(each: Input, axes: Sequence[str], sizes: Mapping[str, int]) -> Array:
    """An array with axes of these names, in the dtype of the form that has as many of them."""
    spec = next((spec for spec in each.forms.specs if spec.fits_rank(len(axes))), None)
    if spec is None:
        wanted = " or ".join(str(spec) for spec in each.forms.specs)
        raise ShapeError(f"{each.name} with axes {wanted}", ", ".join(axes), (each.name,))
    shape = tuple(int(axis) if axis.isdigit() else sizes[axis] for axis in axes)
    return np.zeros(shape, np.int64 if spec.domain.kind == "label" else np.float64)
