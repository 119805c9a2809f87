"""A map's signature, read once: the tensors it takes, in which forms, what it gives, its parameters.

A *map* takes tensors (positional) and parameters (keyword-only). Its return annotation says what comes out:

    Rows[Array, "batch *axes"]           one value per row; the reductions, weights and masks are done for it
    Sums[dict, "batch classes"]          named sums per row; the axes `batch` and `*axes` are added over
    a State class                        the chunk's state itself
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Any

from lossapi.domains import BATCH, CLASSES, Family, Forms, Spec
from lossapi.parameters import Field, read_parameters

Function = Callable[..., Any]


@dataclass(frozen=True)
class Input:
    """One tensor of a definition: the forms in which it may come, and its default."""

    name: str
    forms: Forms
    default: Any = None

    @property
    def optional(self) -> bool:
        """Whether a request may leave it out."""
        return self.forms.optional or self.default is not None

    @property
    def family(self) -> Family | None:
        """What groups of tensors it may be, where it is not one tensor."""
        domain = getattr(self.forms.specs[0], "domain", None)
        return domain if isinstance(domain, Family) else None


@dataclass(frozen=True)
class Map:
    """A function from tensors to rows, sums or a state."""

    function: Function
    inputs: tuple[Input, ...]
    output: Any
    parameters: Mapping[str, Field]
    weight: Spec | None
    public: tuple[Input, ...]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The axes of what comes out; a state has none."""
        return self.output.axes if isinstance(self.output, Spec) else ()

    @cached_property
    def gives(self) -> str:
        """`rows`, `sums` or `state`."""
        return self.output.domain.name if isinstance(self.output, Spec) else "state"

    @cached_property
    def loose(self) -> frozenset[str]:
        """The tensors it needs that may come with a batch or, all alike, without."""
        needed = {i.name: {BATCH in spec.axes for spec in i.forms.specs} for i in self.inputs if not i.optional}
        return frozenset(name for name, batched in needed.items() if len(batched) > 1)

    @cached_property
    def by_class(self) -> bool:
        """Whether its tensors have a class axis."""
        return any(CLASSES in spec.axes for each in self.inputs for spec in each.forms.specs)


def merged_inputs(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """Inputs of one name as one, with every form that any of them has."""
    merged: dict[str, Input] = {}
    for each in inputs:
        met = merged.setdefault(each.name, each)
        new = [spec for spec in each.forms.specs if spec not in met.forms.specs]
        forms = Forms((*met.forms.specs, *new), met.forms.optional or each.forms.optional)
        merged[each.name] = Input(each.name, forms, met.default)
    return tuple(merged.values())


def read_map(function: Function) -> Map:
    """Read a map's signature; a positional argument called `weight` says that it applies the weights itself."""
    signature = inspect.signature(function)
    inputs = []
    for argument in signature.parameters.values():
        if argument.kind is argument.POSITIONAL_OR_KEYWORD:
            annotation = argument.annotation
            forms = annotation if isinstance(annotation, Forms) else Forms((annotation,))
            default = None if argument.default is argument.empty else argument.default
            inputs.append(Input(argument.name, forms, default))
    own = next((i.forms.specs[0] for i in inputs if i.name == "weight"), None)
    public = tuple(i for i in inputs if i.name != "weight")
    function, tensors = taken_apart(function, public)
    return Map(function, tensors, signature.return_annotation, read_parameters(function), own, public)


def taken_apart(function: Function, inputs: tuple[Input, ...]) -> tuple[Function, tuple[Input, ...]]:
    """A function of groups of tensors as one of all their members, of which some will be there."""
    flat = tuple(part for each in inputs for part in parts_of(each))
    if flat == inputs:
        return function, inputs

    @wraps(function)
    def call(*arrays: Any, **parameters: Any) -> Any:
        given = {each.name: array for each, array in zip(flat, arrays, strict=True)}
        return function(*(regrouped(each, given) for each in inputs), **parameters)

    return call, flat


def parts_of(each: Input) -> list[Input]:
    """The tensors of a group by names such as `p.normal.loc`; one tensor as it is."""
    domain = each.family
    if domain is None:
        return [each]
    return [Input(f"{each.name}.{name}", replace(forms, optional=True)) for name, forms in domain.members.items()]


def regrouped(each: Input, given: Mapping[str, Any]) -> Any:
    """What a kernel is given for one of its arguments: an array, or a group's members and their kind."""
    domain = each.family
    if domain is None:
        return given[each.name]
    there = {tuple(part.name.split(".")[1:]): given[part.name] for part in parts_of(each)}
    there = {name: array for name, array in there.items() if array is not None}
    return {domain.tag: next(iter(there))[0], **{member: array for (_, member), array in there.items()}}
