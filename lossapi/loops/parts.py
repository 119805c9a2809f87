"""A script cut where no loop goes on: at products of matrices, at rows of a table, and where axes are others.

Each part is a script of its own, whose loop is written as any other. What it needs of another part, or of a product, is
an array that it takes; what these need of it, one that it gives. Some parts make ready what all rows meet; some are
what a tile of rows goes through; some end what was added up over all rows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lossapi.graphs.dims import Dim, Size
from lossapi.loops.frame import REDUCTIONS, ROWS, everything
from lossapi.loops.ranges import SHOWN, seen
from lossapi.loops.script import Script, Shape, Step, refused
from lossapi.loops.writer import Sink

AHEAD, TILES, BEHIND = 0, 1, 2
"""When something is made: before all rows, for each tile of them, after all."""

FREE = ("Input", "Constant", "Range", "Size", "Vector")
"""What is there in every part."""

JOINTS = ("MatMul", "Rows")
"""Where a script is cut."""

OUTSIDE = (*JOINTS, "Transpose")
"""What no part makes."""


class Place(NamedTuple):
    """Where a value is made: when, after how many others that must be there, and along which axes its loop goes."""

    when: int
    level: int
    axes: frozenset[Size]


class Factor(NamedTuple):
    """A matrix of a product, as it lies there or the other way round."""

    name: str
    turned: bool


@dataclass(frozen=True)
class Product:
    """The product of two matrices, of (rows, terms) and of (terms, columns)."""

    name: str
    place: Place
    left: Factor
    right: Factor
    rows: Size
    terms: Size
    columns: Size

    @property
    def summed(self) -> bool:
        """Whether it is a sum over all rows of the batch."""
        return self.terms == ROWS


@dataclass(frozen=True)
class Lookup:
    """Rows of a table, one for each row of the batch, by an index."""

    name: str
    place: Place
    table: str
    index: str


@dataclass(frozen=True)
class Part:
    """What one loop does: a script of its own, and what is wanted of it."""

    place: Place
    script: Script
    sinks: Sequence[Sink]


@dataclass
class Cut:
    """A script, what is wanted of it, and where each of its values is made.

    `kept` are the values that a part makes for other parts, for products, or for lookups.
    """

    script: Script
    sinks: Sequence[Sink]
    places: dict[str, Place] = field(default_factory=dict)
    kept: dict[str, None] = field(default_factory=dict)
    products: list[Product] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in everything(self.script, [sink.value for sink in self.sinks]):
            step = self.step(name)
            self.places[name] = self._place(step)
            if step.operator == "MatMul":
                self.products.append(self._product(name, step))
            elif step.operator == "Rows":
                self.lookups.append(self._lookup(name, step))
        met = [factor.name for product in self.products for factor in (product.left, product.right)]
        met += [name for lookup in self.lookups for name in (lookup.table, lookup.index)]
        self.kept |= {name: None for name in met if self.step(name).operator not in ("Input", *JOINTS)}

    def step(self, name: str) -> Step:
        """What makes a value."""
        return self.script.steps[name]

    def bare(self, name: str) -> str:
        """The value that another merely shows."""
        return seen(self.script.steps, name)

    def _place(self, step: Step) -> Place:
        """Where a value is made, those that it is made of having their places."""
        if step.operator in FREE:
            return Place(_given(step), 0, _axes(step.shape))
        inputs = [self.places[each] for each in step.inputs]
        when, level = max(each.when for each in inputs), max(each.level for each in inputs)
        if step.operator in SHOWN:
            return Place(TILES, level, _axes(step.shape)) if when == AHEAD and ROWS in step.shape else inputs[0]
        if step.operator == "Transpose":
            return Place(when, level, _axes(step.shape))
        if step.operator in JOINTS:
            summed = step.operator == "MatMul" and step.said == ROWS
            return Place(BEHIND if summed else when, level + 1, _axes(step.shape))
        if ROWS in step.shape:
            _require_rows_first(step.shape)
            when = max(when, TILES)
        if (when == TILES) != (ROWS in step.shape):
            raise refused("rows that see each other")
        return self._joined(step, when, level)

    def _joined(self, step: Step, when: int, level: int) -> Place:
        """Along the axes of all that it is made of, but for what goes along others: that is kept from another part."""
        axes = _axes(step.shape)
        for name in step.inputs if step.operator in (*REDUCTIONS, "Pick") else ():
            axes |= _axes(self.step(name).shape)
        for name in sorted(map(self.bare, step.inputs), key=lambda each: -self.places[each].level):
            place = self.places[name]
            if self.step(name).operator in OUTSIDE:
                continue
            if place.axes <= axes or axes <= place.axes:
                axes |= place.axes
            else:
                self.kept[name] = None
                level = max(level, place.level + 1)
        return Place(when, level, axes)

    def _product(self, name: str, step: Step) -> Product:
        left, right = (self._factor(each) for each in step.inputs)
        made = Product(name, self.places[name], left, right, step.shape[0], step.said, step.shape[1])
        if made.columns == ROWS or (made.rows == ROWS and (made.summed or self.places[right.name].when != AHEAD)):
            raise refused("rows that see each other")
        for factor in (left, right):
            _require_rows_first(self.step(factor.name).shape)
        return made

    def _lookup(self, name: str, step: Step) -> Lookup:
        table, index = step.inputs
        if self.places[table].when != AHEAD or self.places[index].when != TILES or self.step(index).dtype != np.int64:
            raise refused("rows of what is no table, or by what is no index of each row")
        return Lookup(name, self.places[name], table, index)

    def _factor(self, name: str) -> Factor:
        step = self.step(name)
        return Factor(step.inputs[0], True) if step.operator == "Transpose" else Factor(name, False)

    def parts(self) -> list[Part]:
        """The parts: one for each place where something is kept, and for what is wanted of no such place."""
        every = [*(Sink("array", made(name), name) for name in self.kept), *self.sinks]
        homes: dict[Place, list[Sink]] = {}
        for sink in every[: len(self.kept)]:
            homes.setdefault(self.places[sink.value], []).append(sink)
        for sink in sorted(self.sinks, key=lambda sink: -len(self.places[sink.value].axes)):
            homes.setdefault(self._home(sink, homes), []).append(sink)
        return [self._part(place, sorted(sinks, key=every.index)) for place, sinks in homes.items()]

    def _home(self, sink: Sink, homes: Collection[Place]) -> Place:
        """The part that makes what is wanted: one that there is, if it can."""
        when, level, axes = place = self.places[sink.value]
        if (when == TILES) != (ROWS in self.step(sink.value).shape) or (sink.kept is not None and when != TILES):
            raise refused("what is the same for all rows, where there is to be something for each")
        able = (each for each in homes if each.when == when and each.level >= level and each.axes >= axes)
        return next(able, place)

    def _part(self, place: Place, sinks: Sequence[Sink]) -> Part:
        """The steps that make some values, down to what other parts or products have made."""
        script, found = Script(), dict[str, Step]()
        waiting = [sink.value for sink in sinks]
        while waiting:
            name = waiting.pop()
            step = self.step(name)
            if step.operator == "Transpose":
                raise refused("a matrix the other way round")
            if step.operator in JOINTS or (name in self.kept and self.places[name][:2] < place[:2]):
                step = Step("Input", (), step.dtype, step.shape, made(name))
            elif step.operator not in (*FREE, *SHOWN) and not self.places[name].axes <= place.axes:
                raise refused("entries along other axes")
            found[name] = step
            waiting += [each for each in step.inputs if each not in found]
        script.steps |= {name: found[name] for name in self.script.steps if name in found}
        return Part(place, script, sinks)


def _axes(shape: Shape) -> frozenset[Size]:
    return frozenset(size for size in shape if size != 1)


def _given(step: Step) -> int:
    """When something is there that is made of nothing else: its rows are those of a tile, if it has rows."""
    sizes = (step.said,) if step.operator == "Size" else () if step.operator == "Vector" else step.shape
    if ROWS.name not in _names(sizes):
        return AHEAD
    if step.operator != "Input":
        raise refused("the number of rows, or their places")
    _require_rows_first(step.shape)
    return TILES


def _names(sizes: Iterable[Size]) -> set[str]:
    """The axes whose sizes some sizes are made of."""
    return {axis for size in sizes if isinstance(size, Dim) for term, _ in size for axis in term}


def _require_rows_first(shape: Shape) -> None:
    """Refuse rows behind another axis: a tile's are to lie together."""
    left = [size for size in shape if size != 1]
    if ROWS.name in _names(left) and (left[0] != ROWS or ROWS.name in _names(left[1:])):
        raise refused("rows behind another axis")


def made(name: str) -> str:
    """What a value is called that one part makes for others."""
    return f"made {name}"


def cut(script: Script, sinks: Sequence[Sink]) -> Cut | None:
    """A script that has products or lookups, cut at these; None for one that has none."""
    needed = everything(script, [sink.value for sink in sinks])
    return Cut(script, sinks) if any(script.steps[name].operator in JOINTS for name in needed) else None
