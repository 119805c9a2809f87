"""A graph under construction: its inputs, constants and nodes, each kept once, and the model they make."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from lossapi.graphs.dims import Dim, Size, terms

OPSET = 18
"""The least set of operators in which every node means what it means here."""


class Graph:
    """Nodes in order; what has been computed once, constants and sizes included, is not computed again.

    `wide` is the dtype that totals are kept in: float64, or the model's own where it is to have no other. `brief` takes
    one operator even where several run faster. `whole` says that there are operators for a softmax as a whole,
    `overlooks_nan` that extremes take no notice of NaN, `by_axes` that values are added at places told axis by axis.
    """

    whole = True
    overlooks_nan = True
    by_axes = False

    def __init__(self, opset: int = OPSET, wide: Any = np.float64, *, brief: bool = False) -> None:
        self.opset, self.wide, self.brief = opset, np.dtype(wide), brief
        self.inputs: list[Any] = []
        self.constants: dict[Any, Any] = {}
        self.nodes: list[Any] = []
        self.axes: dict[str, tuple[str, int]] = {}
        self._met: MutableMapping[Any, tuple[str, ...]] = {}
        self._shaped: MutableMapping[tuple[Size, ...], str] = {}
        self._made = 0

    def name(self) -> str:
        """A name not given yet."""
        self._made += 1
        return f"v{self._made}"

    def input(self, name: str, dtype: Any, shape: Iterable[Size]) -> str:
        """A tensor that comes from outside."""
        shape = tuple(shape)
        self.inputs.append(information(name, dtype, shape))
        for place, size in enumerate(shape):
            if isinstance(size, Dim):
                self.axes.setdefault(size.name, (name, place))
        self.shaped(name, shape)
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """A constant by its value and dtype."""
        from onnx import numpy_helper

        array = np.asarray(value, dtype)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, self.name())
        return str(self.constants[key].name)

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """What an operator gives for these inputs; of several outputs, the last."""
        from onnx import helper

        key = operator, inputs, tuple((name, _hashable(value)) for name, value in attributes.items())
        if key not in self._met:
            self._met[key] = tuple(self.name() for _ in range(outputs))
            self.nodes.append(helper.make_node(operator, inputs, self._met[key], **attributes))
        return self._met[key][-1]

    def cast(self, value: str, dtype: Any) -> str:
        """A value in another dtype."""
        return self.add("Cast", value, to=onnx_type(dtype))

    def all(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Every output of an operator, never taken for one met before."""
        from onnx import helper

        names = tuple(self.name() for _ in range(outputs))
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def shaped(self, name: str, shape: tuple[Size, ...]) -> None:
        """Note a value that has a shape, to ask it at run time."""
        self._shaped.setdefault(shape, name)

    def called(self, value: str, name: str) -> None:
        """A value under another name, that of an output."""
        bodies = any(attribute.HasField("g") for node in self.nodes for attribute in node.attribute)
        made = any(value in node.output for node in self.nodes)
        if not made or bodies or any(each.name == name for each in self.inputs):
            from onnx import helper

            self.nodes.append(helper.make_node("Identity", [value], [name]))
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if each == value else each for each in names]

    def vector(self, sizes: Iterable[Size]) -> str:
        """Sizes as a vector of integers: a constant where all are known."""
        sizes = tuple(sizes)
        if all(isinstance(size, int) for size in sizes):
            return self.constant(sizes, np.int64)
        if sizes in self._shaped:
            return self.add("Shape", self._shaped[sizes])
        parts = [self._entry(size) for size in sizes]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def _entry(self, size: Size) -> str:
        """A size as a vector of one."""
        total = ""
        for term, factor in terms(size).items():
            entry = self.constant([factor], np.int64) if factor != 1 or not term else ""
            for axis in term:
                name, place = self.axes[axis]
                each = self.add("Shape", name, start=place, end=place + 1)
                entry = self.add("Mul", entry, each) if entry else each
            total = self.add("Add", total, entry) if total else entry
        return total or self.constant([0], np.int64)

    @contextmanager
    def body(self) -> Iterator[list[Any]]:
        """Nodes made here go to a graph of their own, that of a loop; it sees everything made before."""
        outer = self.nodes, self._met, self._shaped
        self.nodes, self._met, self._shaped = [], ChainMap({}, self._met), ChainMap({}, self._shaped)
        try:
            yield self.nodes
        finally:
            self.nodes, self._met, self._shaped = outer

    def model(self, outputs: Sequence[Any], *, name: str, document: str = "") -> Any:
        """The finished model."""
        from onnx import helper

        opsets = [helper.make_opsetid("", self.opset)]
        constants = list(self.constants.values())
        graph = helper.make_graph(self.nodes, name, self.inputs, list(outputs), constants, doc_string=document)
        version = helper.find_min_ir_version_for(opsets)
        return helper.make_model(graph, opset_imports=opsets, ir_version=version, producer_name="lossapi")


_current: ContextVar[Graph] = ContextVar("graph")


@contextmanager
def under_construction(graph: Graph) -> Iterator[Graph]:
    """Have functions of arrays add their nodes to this graph."""
    token = _current.set(graph)
    try:
        yield graph
    finally:
        _current.reset(token)


def current() -> Graph:
    """The graph under construction."""
    return _current.get()


def information(name: str, dtype: Any, shape: Iterable[Size]) -> Any:
    """What a model says of a tensor: its name, type and symbolic shape."""
    from onnx import helper

    sizes = [size.name if isinstance(size, Dim) else size for size in shape]
    return helper.make_tensor_value_info(name, onnx_type(dtype), sizes)


def onnx_type(dtype: Any) -> int:
    """ONNX's number for a dtype."""
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value if isinstance(value, int | float) else id(value)
