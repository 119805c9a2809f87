"""A script with steps that move entries along their axes, cut arrays or join them, and with loops that carry a state.

What such a step gives at a place is made of entries at other places; only `nests` writes them, and only for loops.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi.graphs.dims import Size
from lossapi.graphs.shapes import END
from lossapi.graphs.symbol import Symbol
from lossapi.loops.script import Script, Shape, Step
from lossapi.scans import Sweep


@dataclass(frozen=True)
class Cut:
    """Some entries of an axis: its size, how many they are, and where the first stands."""

    whole: Size
    part: Size
    start: Size


@dataclass(frozen=True)
class Course:
    """A loop along an axis of this size, perhaps backwards: what it holds, from the start on and after each step.

    What each step gives is kept.
    """

    size: Size
    reverse: bool
    held: tuple[str, ...]
    start: tuple[str, ...]
    after: tuple[str, ...]
    given: tuple[str, ...]


class Courses(Script):
    """Steps by the names of what they give, loops through time among them: all in one list, body and surroundings."""

    by_axes = True

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """What an operator gives."""
        rule = MOVING.get(operator)
        step = None if rule is None or outputs != 1 else rule(self, inputs, attributes)
        return super().add(operator, *inputs, outputs=outputs, **attributes) if step is None else self._taken(step)

    def swept(self, arrays: Sequence[Symbol], step: Sweep, start: Sequence[Symbol], reverse: bool) -> Any:
        """A loop over the leading axis of some arrays: what it holds in the end, and all that it gave."""
        course, size = self.name(), arrays[0].shape[0]
        held = [self._symbol("Held", (), each.dtype, each.shape, course) for each in start]
        entries = [self._symbol("Entry", (each.full(),), each.dtype, each.shape[1:], course) for each in arrays]
        after, given = step(tuple(held), tuple(entries))
        wanted: list[tuple[str, ...]] = [
            tuple([each.full() for each in start]),
            tuple([each.full(one.dtype) for each, one in zip(after, start, strict=True)]),
            tuple([each.full() for each in given]),
        ]
        said = Course(size, reverse, tuple([each.value for each in held]), *wanted)
        self._noted(course, Step("Sweep", (*wanted[0], *wanted[1], *wanted[2]), np.dtype(np.bool_), (), said))
        carried = [self._symbol("Carried", (course,), each.dtype, each.shape, i) for i, each in enumerate(start)]
        gathered = [
            self._symbol("Gathered", (course,), each.dtype, (size, *each.shape), i) for i, each in enumerate(given)
        ]
        return tuple(carried), tuple(gathered)

    def _symbol(self, operator: str, inputs: tuple[str, ...], dtype: Any, shape: Shape, said: Any) -> Symbol:
        return Symbol(self._noted(self.name(), Step(operator, inputs, np.dtype(dtype), shape, said)), dtype, shape)


def _slice(script: Script, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    """Some entries of some axes."""
    step = script.steps[inputs[0]]
    starts, ends, axes = (script.sizes(name) for name in inputs[1:4])
    if len(inputs) > 4:  # of slices with a step there are but those that turn an axis round
        return Step("Flip", inputs[:1], step.dtype, step.shape, tuple(step.shape[int(str(axis))] for axis in axes))
    shape, cuts = list(step.shape), []
    for start, end, axis in zip(starts, ends, axes, strict=True):
        place = int(str(axis))
        size = step.shape[place]
        first = _from_start(start, size)
        shape[place] = (size if end == END else _from_start(end, size)) - first
        cuts.append(Cut(size, shape[place], first))
    return Step("Slice", inputs[:1], step.dtype, tuple(shape), tuple(cuts))


def _from_start(place: Size, size: Size) -> Size:
    return place + size if isinstance(place, int) and place < 0 else place


def _concat(script: Script, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """Arrays one after another."""
    steps, axis = [script.steps[name] for name in inputs], attributes["axis"]
    parts = [step.shape[axis] for step in steps]
    whole: Any = sum(parts)
    shape = (*steps[0].shape[:axis], whole, *steps[0].shape[axis + 1 :])
    starts = [sum(parts[:i]) for i in range(len(parts))]
    cuts = tuple(Cut(whole, part, start) for part, start in zip(parts, starts, strict=True))
    return Step("Concat", inputs, steps[0].dtype, shape, cuts)


def _transposed(script: Script, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step | None:
    """The axes in another order: as they have names, the same entries."""
    step = script.steps[inputs[0]]
    if len(step.shape) == 2:
        return None
    return Step("Transpose", inputs, step.dtype, tuple(step.shape[axis] for axis in attributes["perm"]))


def _running(script: Script, inputs: tuple[str, ...], _: Mapping[str, Any]) -> Step:
    """Running sums along an axis."""
    step = script.steps[inputs[0]]
    return Step("CumSum", inputs[:1], step.dtype, step.shape, step.shape[int(str(script.sizes(inputs[1])[0]))])


def _added_at(script: Script, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step:
    """Values added to some entries of some axes."""
    step = script.steps[inputs[0]]
    cuts = tuple(Cut(size, part, start) for size, part, start in attributes["cuts"])
    return Step("AddAt", inputs, step.dtype, step.shape, cuts)


def _added_along(script: Script, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Step | None:
    """Values added at places along an axis of each row."""
    step = script.steps[inputs[0]]
    if attributes.get("reduction", "none") != "add" or len(step.shape) == 1:
        return None
    return Step("AddAlong", inputs, step.dtype, step.shape, step.shape[attributes["axis"]])


MOVING: Mapping[str, Callable[..., Step | None]] = {
    "Slice": _slice,
    "Concat": _concat,
    "Transpose": _transposed,
    "CumSum": _running,
    "AddAt": _added_at,
    "ScatterElements": _added_along,
}
"""How an operator is taken down that moves entries; where it does not, the script knows it."""
