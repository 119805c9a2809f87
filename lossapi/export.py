"""Definition → ONNX model: the loss in full, its reduction and reading included, and its gradient if asked for.

    export(find("huber"), {"delta": 2.0})  →  inputs prediction, target, weight (optional); output value

Axes are symbolic and named as the definition names them. Which form each tensor has, and how many axes `*axes` stands
for, is as in the definition's example unless `shapes` says otherwise: {"prediction": ["batch", "classes", "height"]}.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import to_json

from lossapi import __version__, expression, parameters
from lossapi.backends import providers
from lossapi.binding import bind
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.errors import LossError, ParameterError, Unsupported
from lossapi.functions import namespace
from lossapi.gradients import vjp
from lossapi.graphs.dims import Dim
from lossapi.graphs.graph import Graph, information, under_construction
from lossapi.graphs.symbol import Shape, Symbol, number
from lossapi.graphs.trace import symbolic
from lossapi.plan import Bound, Plan, arranged
from lossapi.stand_ins import stand_ins, tensors
from lossapi.summands import summands

DTYPES = ("float32", "float64")
LEAST_OPSET, LATEST_OPSET = 18, 23
OPTIONS = ("dtype", "opset", "gradient", "reduction", "weight")


class Part(NamedTuple):
    """One loss of a model: its coefficient, its plan, and the tensors whose values it brings itself."""

    coefficient: float
    plan: Plan
    own: frozenset[str]


@dataclass(frozen=True)
class Options:
    """What a model is to be like: `shapes` names the axes of tensors, `like` has arrays of the ranks and dtypes meant.

    Tensors that may be missing are inputs of the model where one of these has them.
    """

    dtype: str = "float32"
    opset: int = LEAST_OPSET
    gradient: bool = False
    reduction: str | None = None
    weight: bool = False
    shapes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    like: Mapping[str, Array] = field(default_factory=dict)

    def check(self, definition: Definition) -> None:
        """Raise at the first option that no model can have."""
        if self.dtype not in DTYPES:
            raise ParameterError(f"dtype to be one of {', '.join(DTYPES)}", repr(self.dtype), ("dtype",))
        if type(self.opset) is not int or not LEAST_OPSET <= self.opset <= LATEST_OPSET:
            raise ParameterError(f"opset from {LEAST_OPSET} to {LATEST_OPSET}", repr(self.opset), ("opset",))
        for name in ("gradient", "weight"):
            if type(getattr(self, name)) is not bool:
                raise ParameterError(f"{name} to be true or false", repr(getattr(self, name)), (name,))
        if self.reduction is not None and self.reduction not in definition.reductions:
            known = ", ".join(definition.reductions) or "none (a metric has its own)"
            raise ParameterError(f"reduction to be one of {known}", repr(self.reduction), ("reduction",))


def export(definition: Definition, given: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """The model of a definition under some parameters, an `onnx.ModelProto`; options are the fields of `Options`."""
    providers.require_onnx()
    wanted = Options(**options)
    wanted.check(definition)
    values = parameters.check(definition.parameters, given or {})
    terms = list(
        _terms(definition, stand_ins(definition, wanted.shapes, wanted.like, wanted.dtype), values, given or {})
    )
    try:
        model = _model(definition, terms, wanted)
    except LossError:
        raise
    except Exception as error:  # a kernel may do anything that a symbol does not stand
        what = f"{definition.name}, which cannot be traced ({type(error).__name__}: {error})"
        raise Unsupported("a definition that can be written as a graph", what) from error
    model.metadata_props.extend(metadata(definition, values, wanted))
    return model


def as_model(definition: Definition, request: Mapping[str, Any]) -> bytes:
    """The model for a flat request: options, parameters, and tensors with their axes (`target: batch,classes`)."""
    shapes = {each.name: _axes(each.name, request[each.name]) for each in tensors(definition) if each.name in request}
    options = {name: request[name] for name in OPTIONS if name in request}
    given = {name: value for name, value in request.items() if name not in shapes and name not in options}
    return bytes(export(definition, given, **options, shapes=shapes).SerializeToString())


def _axes(name: str, text: Any) -> tuple[str, ...]:
    if not isinstance(text, str | int):
        raise ParameterError(f"{name}: the names of its axes, with commas", repr(text), (name,))
    return tuple(each.strip() for each in str(text).split(",") if each.strip())


@cache
def traceable(definition: Definition, *, gradient: bool = False) -> str | None:
    """Why a definition has no graph, or none of its gradient; None where it has one."""
    request, _ = definition.document.example
    given = {name: value for name, value in request.items() if name in definition.fields}
    try:
        export(definition, given, gradient=gradient)
    except LossError as error:
        return str(error)
    return None


def _terms(
    definition: Definition, given: Mapping[str, Array], values: Mapping[str, Any], said: Mapping[str, Any]
) -> Iterator[Part]:
    """The plan of a definition, or those of the losses that it adds up."""
    if isinstance(definition, Primitive):
        yield Part(1.0, bind(definition, given, values), frozenset())
    elif isinstance(definition, Combination):
        for each in summands(definition, given, values, said):
            inner = parameters.check(each.definition.parameters, each.parameters)
            for part in _terms(each.definition, each.tensors, inner, each.parameters):
                yield Part(each.coefficient * part.coefficient, part.plan, part.own | each.own)


def _model(definition: Definition, parts: Sequence[Part], wanted: Options) -> Any:
    """The graph of a definition, built and named."""
    graph = Graph(wanted.opset, wanted.dtype, brief=True)
    with under_construction(graph):
        given = _inputs(graph, parts, wanted)
        weights = [_weight(graph, part.plan, given, wanted) if wanted.weight else None for part in parts]

        def value(*arrays: Array) -> Any:
            named = dict(zip(given, arrays, strict=True))
            total: Any = 0.0
            for part, weight in zip(parts, weights, strict=True):
                seen = {b.name: _seen(part.plan, b, named[b.name], wanted) for b in part.plan.tensors}
                reduction = wanted.reduction or part.plan.definition.default_reduction
                found = _value(part.plan, seen, weight, reduction)
                if len(parts) == 1:
                    return found
                _require_one_value(found, wanted)
                total = total + part.coefficient * found
            return total

        outputs = _with_gradient(definition, value, given) if wanted.gradient else {"value": value(*given.values())}
        said = [_output(graph, name, array.astype(wanted.dtype)) for name, array in outputs.items()]
    return graph.model(said, name=definition.name, document=definition.document.summary)


def _value(plan: Plan, tensors: Mapping[str, Array], weight: Array | None, reduction: str) -> Any:
    """The value as a graph; a text that asks for sizes, to refuse them, cannot be one."""
    try:
        return expression.value_of(plan, tensors, weight, reduction)
    except LossError as error:
        raise TypeError(f"it asks for sizes, which may be given for axes: {error}") from error


def _with_gradient(definition: Definition, value: Callable[..., Any], given: Mapping[str, Symbol]) -> dict[str, Symbol]:
    """The value, and its derivative (the sum's, of rows) by each real input; 0 by those that it does not depend on."""
    if not definition.differentiable:
        raise Unsupported("a definition with a derivative", f"{definition.name}, which has none", ("gradient",))
    wrt = [name for name, array in given.items() if array.dtype.kind == "f" and array.value == name]
    out, pullback = vjp(value, given, {}, wrt)
    found = pullback(1.0)
    if not found:
        what = f"{definition.name}, which is constant around every input"
        raise Unsupported("a definition with a derivative", what, ("gradient",))
    return {"value": out} | {f"gradient_{name}": found.get(name, np.zeros_like(given[name])) for name in wrt}


def _require_one_value(found: Array, wanted: Options) -> None:
    """Rows of several losses have no sum unless all have the same."""
    if found.ndim:
        raise ParameterError("a reduction to one value", repr(wanted.reduction), ("reduction",))


def _inputs(graph: Graph, parts: Sequence[Part], wanted: Options) -> dict[str, Symbol]:
    """The tensors of all parts; what is a label to one is given as one to all."""
    bound: dict[str, tuple[Part, Bound]] = {}
    for part in parts:
        for each in part.plan.tensors:
            if each.name not in bound or each.spec.domain.kind == "label":
                bound[each.name] = part, each
    return {name: _input(graph, part, each, wanted) for name, (part, each) in bound.items()}


def _seen(plan: Plan, bound: Bound, array: Array, wanted: Options) -> Array:
    """A tensor as the map sees it."""
    array = array if bound.spec.domain.kind == "label" else namespace(array).astype(array, wanted.dtype)
    return arranged(plan, bound, array)


def _output(graph: Graph, name: str, array: Symbol) -> Any:
    graph.called(array.full(), name)
    return information(name, array.dtype, array.shape)


def _input(graph: Graph, part: Part, bound: Bound, wanted: Options) -> Symbol:
    """One tensor as it is given; a number of the definition's own, unless it is asked for."""
    plan = part.plan
    each = next(i for i in plan.map.inputs + plan.definition.reading_inputs if i.name == bound.name)
    if bound.name in part.own:
        return number(bound.given)
    if each.default is not None and bound.name not in {**wanted.shapes, **wanted.like}:
        return number(each.default, wanted.dtype)
    dtype = np.dtype(np.int64 if bound.spec.domain.kind == "label" else wanted.dtype)
    shape = _shape(plan, bound, wanted.shapes.get(bound.name))
    graph.input(bound.name, dtype, shape)
    return Symbol(bound.name, dtype, shape)


def _shape(plan: Plan, bound: Bound, names: Sequence[str] | None) -> Shape:
    """The axes of a tensor as it is given: by the names asked for, or the definition's own."""
    if names:
        return tuple(int(name) if name.isdigit() else Dim.named(name) for name in names)
    places = range(bound.given.ndim)
    seen = arranged(plan, bound, np.broadcast_to(0, [place + 2 for place in places])).shape
    axes = symbolic(bound.spec, len(seen))
    return tuple(axes[seen.index(place + 2)] for place in places)


def _weight(graph: Graph, plan: Plan, given: Mapping[str, Symbol], wanted: Options) -> Symbol | None:
    """Weights; each of their axes is that of what they weigh, or of size one."""
    sizes: dict[str, Shape] = {}
    for bound in plan.tensors:
        shape = arranged(plan, bound, given[bound.name]).shape
        rest = len(shape) - len(bound.spec.axes) + 1
        for place, axis in enumerate(bound.spec.axes):
            start = place if bound.spec.variadic is None or place <= bound.spec.variadic else place + rest - 1
            sizes.setdefault(axis, shape[start : start + (rest if axis.startswith("*") else 1)])
    shape = tuple(size for axis in expression.weight_axes(plan) for size in sizes[axis])
    if not shape:
        return None
    held = tuple(Dim.named(f"weight_{place}") for place in range(len(shape)))
    graph.input("weight", wanted.dtype, held)
    return Symbol("weight", wanted.dtype, shape, held=held)


def metadata(definition: Definition, values: Mapping[str, Any], wanted: Options) -> list[Any]:
    """What a model says of itself."""
    from onnx import StringStringEntryProto

    said = {
        "name": definition.name,
        "kind": definition.kind,
        "version": __version__,
        "parameters": to_json(dict(values)).decode(),
        "reduction": wanted.reduction or definition.default_reduction,
        "formula": definition.document.sections.get("Formula", ""),
    }
    return [StringStringEntryProto(key=key, value=value) for key, value in said.items()]
