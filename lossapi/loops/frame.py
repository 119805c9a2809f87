"""The two loops that a script is laid over: rows without, and within each the entries that the others make together.

Where every array has the batch alone, its entries are the inner loop and there is one row. What a reduction over a
row gives is known only after a *pass* over the row: a value's stage says after how many.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lossapi.domains import BATCH
from lossapi.graphs.dims import Dim, Size
from lossapi.loops.script import Script, Shape, Step, refused
from lossapi.loops.shares import shared

REDUCTIONS = frozenset(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"))
POWERS = ("Exp", "Expm1", "Log", "Log1p", "Log1pUnit", "Pow")
COSTLY = frozenset((*POWERS, "Tanh", "Sigmoid", "Sin", "Cos", "Acos", "Asin", "Atan"))
"""What is kept from one pass to the next, where both need it."""

ROWS = Dim.named(BATCH)
"""The axis of rows that do not see each other."""


class Span(NamedTuple):
    """Along which of the loops a value has entries: along axes of the outer one, perhaps some, and of the inner one."""

    outer: Shape
    inner: bool


@dataclass(frozen=True)
class Frame:
    """What is wanted of a script, laid over its loops: the axes of the outer and the inner one, and those behind these.

    `needed` are the steps that make what is wanted.
    """

    script: Script
    needed: Sequence[str]
    outer: Shape
    inner: Shape
    behind: Shape

    @staticmethod
    def of(script: Script, shapes: Iterable[Shape], wanted: Sequence[str], batch: Size | None = ROWS) -> "Frame":
        """The loops for inputs of these shapes: the inner one goes along the axes that are reduced, if any are.

        Else along as many of the last axes as every value has either all or none of. The axis `batch` is there, and
        nothing is reduced over it; it is None where what all rows meet is made ready.
        """
        every = {tuple(size for size in shape if size != 1) for shape in shapes}
        whole = max(every, key=len, default=())
        script = shared(script)
        needed = everything(script, wanted)
        steps = [script.steps[name] for name in needed]
        along = {tuple(size for size in step.said if size != 1) for step in steps if step.operator in REDUCTIONS}
        along |= {(step.said,) for step in steps if step.operator in ("Pick", "Put")}
        along -= {()}
        inner = along.pop() if along else trailing(whole, [step.shape for step in steps])
        if along or (batch is not None and batch not in whole) or len(set(whole)) < len(whole):
            raise refused("rows that see each other, or reductions over several axes")
        start = whole.index(inner[0]) if inner[0] in whole else -1
        if whole[start : start + len(inner)] != inner or (batch in inner and len(whole) > 1):
            raise refused("a reduction over axes that are none of all arrays, or over rows")
        behind = whole[start + len(inner) :]
        return Frame(script, needed, whole[:start] + behind, inner, behind)

    @cached_property
    def axes(self) -> Shape:
        """All axes in order."""
        ahead = self.outer[: len(self.outer) - len(self.behind)]
        return ahead + self.inner + self.behind

    def span(self, shape: Shape) -> Span:
        """The loops that a shape goes along: along all axes of the inner one, or none of them."""
        left = [size for size in shape if size != 1]
        outer, inner = (tuple(size for size in left if size in axes) for axes in (self.outer, self.inner))
        if left != [size for size in self.axes if size in left]:
            raise refused("entries along other axes")
        if inner not in ((), self.inner):
            raise refused("entries along some of the axes")
        return Span(outer, bool(inner))

    def step(self, name: str) -> Step:
        """What makes a value."""
        return self.script.steps[name]

    def reduces(self, step: Step) -> bool:
        """Whether a step goes over a row; one over axes of size 1 does nothing."""
        if step.operator not in REDUCTIONS:
            return False
        over = tuple(size for size in step.said if size != 1)
        if over and (over != self.inner or not self.span(self.step(step.inputs[0]).shape).inner):
            raise refused("a reduction over some of the axes")
        return bool(over)

    def seen(self, name: str) -> Step:
        """What made the entries that are seen under a name."""
        return self.step(self.bare(name))

    def bare(self, name: str) -> str:
        """The value that another merely shows: in another shape, or reduced over axes of size 1."""
        step = self.step(name)
        while step.operator in ("Seen", "Expand") or (step.operator in REDUCTIONS and not self.reduces(step)):
            name = step.inputs[0]
            step = self.step(name)
        return name

    @cached_property
    def stages(self) -> dict[str, int]:
        """After how many passes each value is known."""
        found: dict[str, int] = {}
        for name in self.needed:
            step = self.step(name)
            ahead = max((found[each] for each in step.inputs), default=0)
            found[name] = ahead + (step.operator in REDUCTIONS and self.reduces(step))
        return found

    def reached(self, names: Sequence[str], kept: frozenset[str] = frozenset()) -> Iterator[str]:
        """All that some values are made of within their own pass; what is kept from an earlier one is not made anew."""
        waiting, met = list(names), set()
        while waiting:
            name = waiting.pop()
            if name in met:
                continue
            met.add(name)
            yield name
            step = self.step(name)
            if name not in kept and not (step.operator in REDUCTIONS and self.reduces(step)):
                waiting.extend(step.inputs[1:] if step.operator == "Pick" else step.inputs)


def trailing(whole: Shape, shapes: Iterable[Shape]) -> Shape:
    """The most of the last axes, the batch not among them if there are others, of which no shape has only some."""
    met = [set(shape) for shape in shapes]
    for start in range(1, len(whole)):
        if all(not each & {*whole[start:]} or each >= {*whole[start:]} for each in met):
            return whole[start:]
    return whole[-1:]


def everything(script: Script, names: Sequence[str]) -> list[str]:
    """All that some values are made of, in the order of the script."""
    waiting, met = list(names), set()
    while waiting:
        name = waiting.pop()
        if name not in met:
            met.add(name)
            waiting.extend(script.steps[name].inputs)
    return [name for name in script.steps if name in met]


def counted(size: Size, places: dict[str, int]) -> str:
    """A size as an expression of those that a function is called with."""
    if isinstance(size, int):
        return f"{size}"
    parts = ["*".join((f"{factor}", *(f"sizes[{places[axis]}]" for axis in term))) for term, factor in size]
    return f"({' + '.join(parts)})"
