"""From a map to the loop that computes it: as it is, back through it, or folded with weights, masks and bounds.

Folded, the loop gives the total of the weighted rows instead of the rows, and with it the gradients of that total, so
that each entry is read once. Sums are added up by one loop; another goes back from their cotangents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossapi.domains import Forms
from lossapi.errors import Unsupported
from lossapi.gradients import vjp
from lossapi.graphs import elements, reductions, shapes
from lossapi.graphs.dims import Dim, product
from lossapi.graphs.graph import under_construction
from lossapi.graphs.symbol import Shape, Symbol, symbol
from lossapi.graphs.trace import Back, freest, layout, named
from lossapi.loops import across, moments
from lossapi.loops.courses import Courses
from lossapi.loops.frame import ROWS
from lossapi.loops.library import text_of
from lossapi.loops.script import Script, refused
from lossapi.loops.writer import Sink
from lossapi.signature import Function, Input, read_map
from lossapi.states import Columns, Weighted

Kinds = tuple[tuple[str, str, int], ...]
Bounded = tuple[str, bool, bool, tuple[float, ...]]
"""An input, whether it has a least and a largest number, and the few that it may be, if it is so."""

WEIGHT, MASK, SCALE = "weight of rows", "mask of rows", "scale of gradients"
GRADIENT, BEHIND = "gradient {}", "behind {}"
"""Gradients of a total, and of the weights that rows bring."""


@dataclass(frozen=True)
class Fold:
    """How rows become totals.

    `weight` is the dtype of the weights and which of their axes are those of the rows (the others are of size 1);
    `mask` whether some rows do not enter; `mean_axes` how many trailing axes are averaged first; `keep` whether the
    rows are wanted themselves; `wrt` what the total is differentiated by, and `behind` whether the weights that rows
    bring are too; `bounds` which inputs have a least and a largest number, or only a few. Of sums `over` says how many
    of their first axes are added over, none where each row has its own; with `wrt` their cotangents are given, and the
    gradients alone are wanted.
    """

    weight: tuple[str, tuple[bool, ...]] | None = None
    mask: bool = False
    mean_axes: int = 0
    keep: bool = False
    wrt: tuple[str, ...] = ()
    behind: bool = False
    bounds: tuple[Bounded, ...] = ()
    over: int | None = None


@dataclass(frozen=True)
class Task:
    """What a loop is wanted for: a map, the names of its tensors, their dtypes and ranks, and what is done with it."""

    function: Function
    names: tuple[str, ...]
    kinds: Kinds
    back: Back | None = None
    fold: Fold | None = None


@dataclass(frozen=True)
class Loop:
    """A loop's text, and what it takes and gives, in order; `axes` says where the size of each axis is to be seen.

    Of the `sums` that it adds up those that keep axes are among its outputs, the others among its totals.
    """

    text: str
    arrays: tuple[tuple[str, np.dtype[Any], Shape], ...]
    outputs: tuple[tuple[str, np.dtype[Any], Shape], ...]
    numbers: tuple[str, ...]
    axes: Mapping[str, tuple[str, int]]
    totals: int
    sums: tuple[str, ...]
    free: tuple[str, ...]


def recorded(task: Task, parameters: Mapping[str, Any]) -> Loop:
    """The loop for a task; those numbers are parameters of it that the map's text allows."""
    return freest(lambda free: Recorder(task, free).loop(parameters), parameters)


@dataclass
class Recorder:
    """One map being recorded."""

    task: Task
    free: Sequence[str]
    script: Script = field(default_factory=Courses)
    inputs: dict[str, tuple[Any, Shape]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    outputs: list[tuple[str, Any, Shape]] = field(default_factory=list)
    sums: tuple[str, ...] = ()

    def loop(self, parameters: Mapping[str, Any]) -> Loop:
        """The map recorded and written."""
        task, mapping = self.task, read_map(self.task.function)
        own = () if mapping.weight is None else (Input("weight", Forms((mapping.weight,), True)),)
        laid = layout(mapping.inputs + own, {name: (np.dtype(char), rank) for name, char, rank in task.kinds})
        with under_construction(self.script):
            given = {name: self.array(name, *each) for name, each in laid.items()}
            values = {**parameters, **{name: self.number(name) for name in self.free}}
            self.record({name: given.get(name) for name in task.names}, values)
        try:
            return self.written(self.sinks)
        except Unsupported:
            sinks = [self.peeled(sink) for sink in self.sinks]
            if sinks == self.sinks:
                raise
            return self.written(sinks)

    def written(self, sinks: Sequence[Sink]) -> Loop:
        """The loop that gives what is wanted."""
        axes = {
            size.name: (name, i)
            for name, (_, shape) in reversed(self.inputs.items())
            for i, size in enumerate(shape)
            if isinstance(size, Dim)
        }
        results = [name for name, _, _ in self.outputs]
        shapes = [shape for _, shape in self.inputs.values()]
        text = text_of(self.script, shapes, sinks, (list(self.inputs), results, self.numbers, list(axes)))
        arrays = tuple((name, dtype, shape) for name, (dtype, shape) in self.inputs.items())
        totals = sum(sink.kind == "total" and sink.kept is None for sink in sinks)
        return Loop(text, arrays, tuple(self.outputs), tuple(self.numbers), axes, totals, self.sums, tuple(self.free))

    def peeled(self, sink: Sink) -> Sink:
        """Sums as totals of what they are sums of; they are in double precision either way."""
        name = sink.value
        summed = sink.kind == "total" or (self.task.fold is not None and self.script.steps[name].dtype == np.float64)
        while summed and self.script.steps[name].operator in ("ReduceSum", "Seen", "Cast"):
            step = self.script.steps[name]
            if step.operator == "Cast" and step.dtype != np.float64:
                break
            name = step.inputs[0]
        if name == sink.value or sink.kind == "total":
            return replace(sink, value=name)
        return replace(sink, kind="total", value=name, kept=self.script.steps[sink.value].shape)

    def record(self, arrays: Mapping[str, Symbol | None], values: Mapping[str, Any]) -> None:
        """The map called, and what is wanted of it."""
        task = self.task
        if task.fold is not None:
            (self.folded if task.fold.over is None else self.summed)(task.fold, arrays, values)
        elif task.back is None:
            self.wanted(named(task.function(*arrays.values(), **values)))
        else:
            out, pullback = vjp(task.function, arrays, values, task.back.wrt)
            self.wanted(pullback(task.back.cotangents(self.noting(), out)))

    def folded(self, fold: Fold, arrays: Mapping[str, Symbol | None], values: Mapping[str, Any]) -> None:
        """Rows to totals, and their gradients."""
        call = self.task.function
        pullback: Any = None
        if fold.wrt:
            out, pullback = vjp(call, arrays, values, fold.wrt)
        else:
            out = call(*arrays.values(), **values)
        value, own = out if isinstance(out, Weighted) else (out, None)
        self.bounds(fold)
        if own is not None:
            self.wanted({"weight": own})
        averaged = tuple(range(value.ndim - fold.mean_axes, value.ndim))
        size: Any = product(value.shape[i] for i in averaged)
        rows = elements.divide(reductions.sum(value, axis=averaged), size) if averaged else value
        weight, mask = self.entering(fold, rows.shape)
        rows = rows if mask is None else elements.where(mask, rows, 0.0)
        rows = rows if weight is None else elements.multiply(rows, weight)
        if fold.keep:
            self.wanted({"value": rows})
        else:
            self.sinks.append(Sink("total", "value", symbol(rows).full()))
        if fold.wrt:
            flow = self.flow(value, rows.shape, weight, mask, size)
            self.gradients(GRADIENT, pullback(flow if own is None else Weighted(flow, None)), self.number(SCALE))
            if own is not None and fold.behind:
                flow = self.flow(own, own.shape, weight, mask, 1)
                self.gradients(BEHIND, pullback(Weighted(None, flow)), None)

    def summed(self, fold: Fold, arrays: Mapping[str, Symbol | None], values: Mapping[str, Any]) -> None:
        """Sums to totals; or, from the cotangents of these, to the gradients."""
        over, call = fold.over or 0, self.task.function
        if not fold.wrt:
            self.bounds(fold)
            found = call(*arrays.values(), **values)
            found = moments.summands(found, self.array) if isinstance(found, Columns) else found
            sums = {name: symbol(each) for name, each in found.items()}
            self.sums = tuple(sums)
            if not over:
                self.wanted(sums)
                return
            weight = self.weight_of_sums(fold, sums)
            for name, each in sums.items():
                self.total(name, weighed(each, weight).full(), each.shape[over:])
            return
        out, pullback = vjp(call, arrays, values, fold.wrt)
        weight = self.weight_of_sums(fold, out)
        flows: dict[str, Symbol | None] = {}
        for name, each in out.items():
            flow = self.array(f"cotangent of {name}", each.dtype, each.shape[over:])
            whole = shapes.broadcast_to(flow, each.shape)
            flows[name] = whole if weight is None else weighed(whole, weight).astype(each.dtype)
        self.gradients(GRADIENT, pullback(flows), None)

    def gradients(self, kind: str, found: Mapping[str, Symbol], scale: Symbol | None) -> None:
        """Gradients as arrays, times a scale; those by what all rows share as totals, without it."""
        for name, each in found.items():
            place, shared = kind.format(name), ROWS not in self.inputs[name][1]
            totals = across.totals(self.script, place, each.full(), each.shape) if shared else []
            if totals:
                self.outputs.append((place, np.dtype(np.float64), each.shape))
                self.sinks += totals
            else:
                self.wanted({place: each if shared or scale is None else elements.multiply(each, scale)})

    def weight_of_sums(self, fold: Fold, sums: Mapping[str, Symbol]) -> Symbol | None:
        """The weights of rows."""
        return self.entering(fold, next(iter(sums.values())).shape[: fold.over])[0]

    def total(self, name: str, value: str, kept: Shape) -> None:
        """A sum: one number, or one for each entry along the axes that are kept."""
        if kept:
            self.outputs.append((name, np.dtype(np.float64), kept))
        self.sinks.append(Sink("total", name, value, kept=kept or None))

    def bounds(self, fold: Fold) -> None:
        """Hold inputs to their bounds, which are numbers that the loop takes, or to the few values they may have."""
        for name, low, high, values in fold.bounds:
            ends = [f"{end} of {name}" if there else None for end, there in (("low", low), ("high", high))]
            for end in filter(None, ends):
                self.number(end)
            self.sinks.append(Sink("bound", name, f"input {name}", ends[0], ends[1], values=values))

    def entering(self, fold: Fold, shape: Shape) -> tuple[Symbol | None, Symbol | None]:
        """The weights of rows of a shape, and which of them enter."""
        weight = None
        if fold.weight is not None:
            char, along = fold.weight
            sizes = tuple(size if there else 1 for size, there in zip(shape, along, strict=True)) if along else ()
            weight = self.array(WEIGHT, np.dtype(char), sizes)
        return weight, self.array(MASK, np.dtype(np.bool_), shape) if fold.mask else None

    def flow(self, value: Symbol, shape: Shape, weight: Symbol | None, mask: Symbol | None, size: Any) -> Symbol:
        """What a change of each value adds to the total, before the scale; rows are the mean of `size` values."""
        flow = shapes.full(shape, 1.0, dtype=value.dtype) if weight is None else weight.astype(value.dtype)
        flow = flow if mask is None else elements.where(mask, flow, 0.0).astype(value.dtype)
        averaged = value.ndim - len(shape)
        if not averaged:
            return shapes.broadcast_to(flow, value.shape)
        flow = elements.divide(shapes.broadcast_to(flow, shape), size).astype(value.dtype)
        return shapes.broadcast_to(shapes.reshape(flow, shape + (1,) * averaged), value.shape)

    def array(self, name: str, dtype: Any, shape: Shape) -> Symbol:
        """An array that the loop takes."""
        self.inputs[name] = np.dtype(dtype), tuple(shape)
        return Symbol(self.script.input(name, dtype, shape), dtype, tuple(shape))

    def number(self, name: str) -> Symbol:
        """A number that the loop takes."""
        self.numbers.append(name)
        return Symbol(self.script.input(name, np.float64, ()), np.float64, (), weak=True)

    def noting(self) -> Any:
        """The script, its inputs noted as those of the loop."""
        recorder = self

        class Noted:
            def input(self, name: str, dtype: Any, shape: Shape) -> str:
                return recorder.array(name, dtype, shape).value

        return Noted()

    def wanted(self, results: Mapping[str, Any]) -> None:
        """Arrays that the loop gives."""
        for name, each in results.items():
            made = symbol(each)
            if made.dtype.kind != "f":
                raise refused(f"{made.dtype} for a result")
            self.outputs.append((name, made.dtype, made.shape))
            self.sinks.append(Sink("array", name, made.full()))


def weighed(sums: Symbol, weight: Symbol | None) -> Symbol:
    """Sums of rows times the weights of these, ahead of the axes that sums keep."""
    if weight is None:
        return sums
    return elements.multiply(sums, shapes.reshape(weight, weight.shape + (1,) * (sums.ndim - weight.ndim)))
