"""A map traced: from the ranks and dtypes of its tensors to a model with symbolic axes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lossapi.domains import Forms, Spec
from lossapi.gradients import vjp
from lossapi.graphs.dims import Dim, Size
from lossapi.graphs.graph import Graph, information, under_construction
from lossapi.graphs.symbol import Shape, Symbol
from lossapi.signature import Function, Input, read_map
from lossapi.states import Weighted

Layout = Mapping[str, tuple[Any, Shape]]
"""The dtype and the symbolic shape of each tensor that is there."""


def layout(inputs: Sequence[Input], given: Mapping[str, tuple[Any, int]]) -> dict[str, tuple[Any, Shape]]:
    """Symbolic shapes for tensors of some dtypes and ranks, by the axes of the forms that they have."""
    laid: dict[str, tuple[Any, Shape]] = {}
    trailing: dict[str, int] = {}
    for each in inputs:
        if each.name not in given:
            continue
        dtype, rank = given[each.name]
        spec = recognised(each, np.dtype(dtype), rank, trailing)
        if spec.variadic is not None:
            trailing.setdefault(spec.axes[spec.variadic], rank - len(spec.axes) + 1)
        laid[each.name] = np.dtype(dtype), symbolic(spec, rank)
    return laid


def recognised(each: Input, dtype: Any, rank: int, trailing: Mapping[str, int]) -> Spec:
    """The form that a tensor of this dtype and rank has."""
    for spec in each.forms.specs:
        met = None if spec.variadic is None else trailing.get(spec.axes[spec.variadic])
        if spec.fits_rank(rank) and spec.domain.accepts(dtype) and met in (None, rank - len(spec.axes) + 1):
            return spec
    raise TypeError(f"{each.name} has no form of {rank} axes")


def symbolic(spec: Spec, rank: int) -> Shape:
    """The axes of a form as sizes: `batch`, `classes`, `axis_0`, …; a number is that size."""
    shape: list[Size] = []
    for axis in spec.axes:
        if axis.startswith("*"):
            stem = "axis" if axis == "*axes" else axis.removeprefix("*")
            shape += [Dim.named(f"{stem}_{i}") for i in range(rank - len(spec.axes) + 1)]
        else:
            shape.append(int(axis) if axis.isdigit() else Dim.named(axis))
    return tuple(shape)


def named(value: Any) -> dict[str, Symbol]:
    """The arrays of a map's result by name: a value, with its weight where it brings one, or its sums."""
    if isinstance(value, Weighted):
        return {"value": value.value, "weight": value.weight}
    if not isinstance(value, Mapping):
        return {"value": value}
    assert "value" not in value, "sums under the name of rows"
    return dict(value)


def restored(names: Sequence[str], arrays: Sequence[Any]) -> Any:
    """A map's result from its arrays."""
    if names[0] == "value":
        return Weighted(*arrays) if len(names) > 1 else arrays[0]
    return dict(zip(names, arrays, strict=True))


@dataclass(frozen=True)
class Model:
    """A map as a model, the parameters that are inputs of it, and the names of what it gives."""

    bytes: bytes
    numbers: tuple[str, ...]
    outputs: tuple[str, ...]


T = TypeVar("T")


def freest(trace: Callable[[Sequence[str]], T], parameters: Mapping[str, Any]) -> T:
    """What a trace gives with as many numbers for inputs as the text traced allows."""

    def attempt(*numbers: str) -> T | Exception:
        try:
            return trace(numbers)
        except Exception as error:  # a text may do anything that a symbol does not stand
            return error

    floats = [name for name, value in parameters.items() if type(value) is float]
    made = attempt(*floats)
    if isinstance(made, Exception) and floats:
        made = attempt(*(name for name in floats if not isinstance(attempt(name), Exception)))
    if isinstance(made, Exception):
        made = attempt()
    if isinstance(made, Exception):
        raise made
    return made


def traced(
    function: Function,
    names: Sequence[str],
    kinds: Iterable[tuple[str, str, int]],
    parameters: Mapping[str, Any],
    numbers: Sequence[str],
    back: "Back | None" = None,
) -> Model:
    """A map called with tensors of these names, dtypes and ranks; the parameters in `numbers` become inputs.

    Or the way back through it: from its tensors and the cotangents of its results to those of its inputs.
    """
    mapping, graph = read_map(function), Graph()
    own = () if mapping.weight is None else (Input("weight", Forms((mapping.weight,), True)),)
    laid = layout(mapping.inputs + own, {name: (np.dtype(char), rank) for name, char, rank in kinds})
    with under_construction(graph):
        given = {name: Symbol(graph.input(name, *each), *each) for name, each in laid.items()}
        free = {name: Symbol(graph.input(name, np.float64, ()), np.float64, (), weak=True) for name in numbers}
        arrays, values = {name: given.get(name) for name in names}, {**parameters, **free}
        if back is None:
            results = named(function(*arrays.values(), **values))
        else:
            out, pullback = vjp(function, arrays, values, back.wrt)
            results = pullback(back.cotangents(graph, out))
        outputs = [information(graph.add("Identity", each.full()), each.dtype, each.shape) for each in results.values()]
    model = graph.model(outputs, name=function.__name__)
    return Model(model.SerializeToString(), tuple(numbers), tuple(results))


@dataclass(frozen=True)
class Back:
    """What a gradient is asked for: by which inputs, and the results that have a cotangent, in full or one for all."""

    wrt: tuple[str, ...]
    seeds: tuple[tuple[str, bool], ...]

    def cotangents(self, graph: Graph, out: Any) -> Any:
        """The cotangents as inputs of the graph, in the form of the map's result."""
        full, results = dict(self.seeds), named(out)

        def cotangent(name: str, result: Symbol) -> Symbol | None:
            shape = result.shape if full.get(name) else ()
            of = f"cotangent of {name}"
            return Symbol(graph.input(of, result.dtype, shape), result.dtype, shape) if name in full else None

        return restored(tuple(results), [cotangent(name, result) for name, result in results.items()])
