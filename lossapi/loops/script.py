"""A map as it was called with symbols: its steps in order, each with the dtype and the shape of what it gives.

The recorder is that of `lossapi.graphs`; a script takes the steps down as they are, where a graph makes nodes of ONNX.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi.errors import Unsupported
from lossapi.graphs.dims import Dim, Size, broadcast, product
from lossapi.graphs.elements import SAME, TRUTH
from lossapi.graphs.graph import Graph

Shape = tuple[Size, ...]


def refused(what: str) -> Unsupported:
    """The error for what no loop is written of."""
    return Unsupported("what one loop can do", what, ("backend",))


@dataclass(frozen=True)
class Step:
    """One step: an operator, the names of what it takes, the dtype and shape of what it gives, and what is `said`."""

    operator: str
    inputs: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: Shape
    said: Any = None


class Script(Graph):
    """Steps by the names of what they give."""

    whole = False
    overlooks_nan = False

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[str, Step] = {}
        self.vectors: dict[str, Shape] = {}

    def input(self, name: str, dtype: Any, shape: Iterable[Size]) -> str:
        """An array, or a number, that comes from outside."""
        return self._noted(f"input {name}", Step("Input", (), np.dtype(dtype), tuple(shape), name))

    def constant(self, value: Any, dtype: Any) -> str:
        """A constant by its value and dtype."""
        array = np.asarray(value, dtype)
        name = f"constant {array.dtype.str} {array.shape} {array.tobytes().hex()}"
        self.vectors.setdefault(name, tuple(array.reshape(-1).tolist()))
        return self._noted(name, Step("Constant", (), array.dtype, array.shape, array))

    def vector(self, sizes: Iterable[Size]) -> str:
        """Sizes, to be read as such."""
        sizes = tuple(sizes)
        name = f"vector {sizes}"
        self.vectors[name] = sizes
        return self._noted(name, Step("Vector", (), np.dtype(np.int64), (len(sizes),), sizes))

    def shaped(self, name: str, shape: tuple[Size, ...]) -> None:
        """Sizes are never asked for at run time."""

    def cast(self, value: str, dtype: Any) -> str:
        """A value in another dtype."""
        return self._taken(Step("Cast", (value,), np.dtype(dtype), self.steps[value].shape))

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """What an operator gives."""
        rule = RULES.get(operator, _elementwise if operator in ELEMENTWISE else None)
        if rule is None or outputs != 1:
            raise refused(operator)
        return self._taken(rule(self, operator, inputs, attributes))

    def all(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Operators of several results are none of a loop."""
        raise refused(operator)

    def body(self) -> Any:
        """A loop within is none of these."""
        raise refused("a loop through time")

    def sizes(self, name: str) -> Shape:
        """What a constant or a vector of sizes holds."""
        if name not in self.vectors:
            raise refused("sizes that depend on values")
        return self.vectors[name]

    def _taken(self, step: Step) -> str:
        """The name of a step, which is the same for the same step."""
        key = step.operator, step.inputs, step.dtype.str, step.shape, str(step.said)
        if key not in self._met:
            self._met[key] = (self._noted(self.name(), step),)
        return self._met[key][0]

    def _noted(self, name: str, step: Step) -> str:
        self.steps.setdefault(name, step)
        return name


MORE = ("Acos", "Asin", "Atan", "Log1p", "Log1pUnit", "Expm1", "Div", "Pow", "Sigmoid", "Relu")
FLOATS = frozenset((*SAME.values(), *MORE))
ELEMENTWISE = FLOATS | frozenset(TRUTH.values())


def _elementwise(script: Script, operator: str, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    steps = [script.steps[name] for name in inputs]
    dtype = np.dtype(np.bool_) if operator in TRUTH.values() else steps[0].dtype
    return Step(operator, inputs, dtype, broadcast(*(step.shape for step in steps)))


def _where(script: Script, operator: str, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    steps = [script.steps[name] for name in inputs]
    return Step(operator, inputs, steps[1].dtype, broadcast(*(step.shape for step in steps)))


def _clip(script: Script, _: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """A clip is a maximum and a minimum."""
    x, low, high = inputs
    if not (low and high):
        operator, bound = ("Max", low) if low else ("Min", high)
        return _elementwise(script, operator, (x, bound), attributes)
    return _elementwise(script, "Min", (script.add("Max", x, low), high), attributes)


def _reduce(script: Script, operator: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """A reduction over some axes, or all; `said` names those it goes over."""
    step = script.steps[inputs[0]]
    axes = script.sizes(inputs[1]) if len(inputs) > 1 else range(len(step.shape))
    places = tuple(int(axis) for axis in axes if isinstance(axis, int))
    left = (1 if i in places else n for i, n in enumerate(step.shape))
    shape = tuple(n for i, n in enumerate(left) if attributes["keepdims"] or i not in places)
    return Step(operator, inputs[:1], step.dtype, shape, tuple(step.shape[i] for i in places))


def _seen(shape_of: Callable[[Shape, Shape], Shape]) -> Callable[..., Step]:
    """A rule for what shows the same entries in another shape."""

    def rule(script: Script, operator: str, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
        step = script.steps[inputs[0]]
        if step.operator == "Vector" and operator == "Squeeze":
            return Step("Size", (), np.dtype(np.int64), (), script.sizes(inputs[0])[0])
        operator = operator if operator == "Expand" else "Seen"
        return Step(operator, inputs[:1], step.dtype, shape_of(step.shape, script.sizes(inputs[1])))

    return rule


def _unsqueezed(shape: Shape, places: Shape) -> Shape:
    grown = list(shape)
    for place in places:
        grown.insert(int(str(place)), 1)
    return tuple(grown)


def _squeezed(shape: Shape, places: Shape) -> Shape:
    return tuple(size for i, size in enumerate(shape) if i not in places)


def _reshaped(script: Script, _: str, inputs: tuple[str, ...], __: Mapping[str, Any]) -> Step:
    """ONNX's way: 0 keeps the size in its place, -1 is what is left. Entries along their own axes, or all in a row."""
    step = script.steps[inputs[0]]
    kept: list[Size] = [step.shape[i] if size == 0 else size for i, size in enumerate(script.sizes(inputs[1]))]
    if -1 in kept:
        rest: Any = product(size for size in kept if size != -1)
        kept[kept.index(-1)] = product(step.shape) // rest
    laid = step.inputs[0] if step.operator == "Flat" else inputs[0]
    same = [size for size in kept if size != 1] == [size for size in script.steps[laid].shape if size != 1]
    if not same and len(kept) > 1:
        raise refused("entries moved along other axes")
    return Step("Seen" if same else "Flat", (laid,), step.dtype, tuple(kept))


def _picked(script: Script, operator: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """Entries by their places along an axis of size `said`, in a row if these are; or whole rows of a table."""
    x, index = (script.steps[name] for name in inputs)
    if operator == "Gather" and index.operator == "Flat" and len(x.shape) == 1:
        return Step("Flat", (script.add(operator, inputs[0], *index.inputs, **attributes),), x.dtype, index.shape)
    size, axis = x.shape[attributes["axis"]], attributes["axis"]
    shape = index.shape if operator == "GatherElements" else x.shape[:axis] + index.shape + x.shape[axis + 1 :]
    whole = operator == "Gather" and axis == 0 and len(x.shape) > len(index.shape) == 1
    return Step("Rows" if whole else "Pick", inputs, x.dtype, shape, size)


def _put(script: Script, operator: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """An entry set to another value in each slice along an axis; or values added at their places in a vector."""
    x, index = script.steps[inputs[0]], script.steps[inputs[1]]
    axis, reduction = attributes["axis"], attributes.get("reduction", "none")
    if reduction == "add" and len(x.shape) == 1:
        return Step("Added", (inputs[1], inputs[2], inputs[0]), x.dtype, x.shape, x.shape[0])
    if reduction != "none" or index.shape[axis] != 1:
        raise refused("entries added at places")
    return Step("Put", inputs, x.dtype, x.shape, x.shape[axis])


def _product(script: Script, operator: str, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    """The product of two matrices."""
    left, right = (script.steps[name] for name in inputs)
    if len(left.shape) != 2 or len(right.shape) != 2 or left.dtype.kind != "f":
        raise refused("a product of other than two matrices of floating numbers")
    return Step(operator, inputs, left.dtype, (left.shape[0], right.shape[1]), left.shape[1])


def _turned(script: Script, operator: str, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    """A matrix the other way round; of a product, that of its factors in the other order."""
    step = script.steps[inputs[0]]
    if len(step.shape) != 2:
        raise refused("other than two axes in another order")
    if step.operator == operator:
        return script.steps[step.inputs[0]]
    if step.operator == "MatMul":
        right, left = (script.add(operator, each) for each in step.inputs)
        return _product(script, step.operator, (left, right), {})
    return Step(operator, inputs, step.dtype, step.shape[::-1])


def _range(script: Script, _: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """The places along an axis."""
    start, stop = (script.steps[name].said for name in inputs[:2])
    if start != 0 or script.sizes(inputs[2]) != (1,) or not isinstance(stop, Dim | int):
        raise refused("a range that is no axis")
    return Step("Range", (), np.dtype(np.int64), (stop,))


RULES: Mapping[str, Callable[..., Step]] = {
    "Where": _where,
    "Clip": _clip,
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"), _reduce),
    "Unsqueeze": _seen(_unsqueezed),
    "Squeeze": _seen(_squeezed),
    "Reshape": _reshaped,
    "Expand": _seen(lambda _, shape: shape),
    "Gather": _picked,
    "GatherElements": _picked,
    "ScatterElements": _put,
    "Range": _range,
    "MatMul": _product,
    "Transpose": _turned,
}
"""How an operator that is no function of elements is taken down."""
