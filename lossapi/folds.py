"""A plan's chunks through the loops that fold them: each entry read once, and gradients written where they belong."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from lossapi import backward, chunks
from lossapi.backends import fused
from lossapi.backends import numpy as numpy_backend
from lossapi.backward import Gathered, Gradient
from lossapi.chunks import Part
from lossapi.domains import Array
from lossapi.errors import LossError
from lossapi.loops.record import BEHIND, GRADIENT, MASK, SCALE, WEIGHT
from lossapi.plan import Plan
from lossapi.states import WEIGHT as WHOLE
from lossapi.states import State, Totals, Values

Ran = tuple[dict[str, Array], list[float]]


@dataclass(frozen=True)
class Source:
    """Where a loop's arrays and numbers come from; `within` are the tensors that it holds to their bounds itself."""

    plan: Plan
    unchecked: frozenset[str]
    within: frozenset[str]
    numbers: Mapping[str, Any]

    def part(self, cut: slice) -> Part:
        """The rows in `cut`."""
        return chunks.prepared(self.plan, cut, self.within)

    def ran(
        self, kernel: fused.Kernel, cut: slice, part: Part, scale: float, more: Mapping[str, Array], into: Gradient
    ) -> Ran:
        """What a loop gives for some rows; a number outside its bounds is looked for as ever."""
        given = {name: array for name, array in part.tensors.items() if array is not None} | dict(more)
        if part.weight is not None:
            given[WEIGHT] = part.weight
        if part.mask is not None:
            given[MASK] = part.mask
        try:
            return kernel(given, {**self.numbers, SCALE: scale}, into)
        except (fused.Outside, IndexError):
            chunks.take(self.plan, cut, self.unchecked)
            # A loop does not hold parameters against sizes: if they are at fault, the text says so.
            numpy_backend.run(self.plan.map.function, part.tensors, part.parameters)
            raise LossError("numbers within their bounds", "others") from None


def places(kernel: fused.Kernel, cut: slice, top: Gathered, kind: str = GRADIENT) -> dict[str, Array | None]:
    """By what a loop differentiates, and where that goes, if it is in one piece."""
    stem = kind.format("")
    names = [name.removeprefix(stem) for name, _, _ in kernel.loop.outputs if name.startswith(stem)]
    top.reached |= set(names)
    return {name: top.place(cut, name) for name in names}


def into(places: Mapping[str, Array | None], kind: str = GRADIENT) -> Gradient:
    """The places there are, as the loop names them."""
    return {kind.format(name): place for name, place in places.items() if place is not None}


def rest(
    places: Mapping[str, Array | None], cut: slice, outputs: Mapping[str, Array], top: Gathered, kind: str = GRADIENT
) -> Gradient:
    """What the loop wrote elsewhere: cut inputs' gradients are put together; those of the others are given back."""
    return top.put(cut, {name: outputs[kind.format(name)] for name, place in places.items() if place is None})


@dataclass(frozen=True)
class Folded:
    """A plan's rows, folded by one loop that gives their gradients too."""

    source: Source
    kernel: fused.Kernel
    keep: bool

    def state(self, cut: slice) -> State:
        """The state of the rows in `cut`."""
        return self._ran(cut, 1.0, {})[0]

    def with_gradients(
        self, cut: slice, scale: float, top: Gathered, bottom: Gathered
    ) -> tuple[State, Gradient, Gradient]:
        """The state, and the gradients, those of weights apart: what is cut goes to its place, the rest is added up."""
        found, behind = places(self.kernel, cut, top), places(self.kernel, cut, bottom, BEHIND)
        state, outputs = self._ran(cut, scale, into(found) | into(behind, BEHIND))
        shared = {name: each * scale for name, each in rest(found, cut, outputs, top).items()}
        return state, shared, rest(behind, cut, outputs, bottom, BEHIND)

    def _ran(self, cut: slice, scale: float, into: Gradient) -> tuple[State, dict[str, Array]]:
        part = self.source.part(cut)
        outputs, totals = self.source.ran(self.kernel, cut, part, scale, {}, into)
        return self._state(cut, part, outputs, totals), outputs

    def _state(self, cut: slice, part: Part, outputs: dict[str, Array], totals: list[float]) -> State:
        plan, weight, mask = self.source.plan, part.weight, part.mask
        sizes = plan.sizes(plan.map.axes)
        shape = (cut.stop - cut.start, *sizes[1:])[: len(sizes) - plan.mean_axes]
        entered = prod(shape) if mask is None else int(np.count_nonzero(mask))
        if self.keep:
            return Values((outputs["value"],), entered)
        own, divisor, nonzero = outputs.get("weight"), float(entered), entered
        if own is not None or weight is not None:
            rows = np.broadcast_to(np.zeros((), plan.dtype), shape)
            divisor, nonzero = chunks.divisor(rows, own, weight, mask)
        whole = shape[0] if mask is None else int(np.count_nonzero(mask.any(axis=tuple(range(1, mask.ndim)))))
        return Totals(totals[0], divisor, nonzero, entered, whole)


def added_up(kernel: fused.Kernel, ran: Ran) -> dict[str, Array]:
    """The sums by their names."""
    outputs, left = ran[0], map(np.float64, ran[1])
    return {name: outputs[name] if name in outputs else next(left) for name in kernel.loop.sums}


@dataclass(frozen=True)
class Summed:
    """A plan's sums, added up by one loop; another goes back from their cotangents, where gradients are wanted."""

    source: Source
    kernel: fused.Kernel
    back: fused.Kernel | None = None

    def sums(self, cut: slice, part: Part) -> dict[str, Array]:
        """The sums over the rows in `cut`, or of each of them."""
        return added_up(self.kernel, self.source.ran(self.kernel, cut, part, 1.0, {}, {}))

    def state(self, cut: slice) -> State:
        """The state of the rows in `cut`."""
        part, plan = self.source.part(cut), self.source.plan
        return chunks.sums_of(plan, self.sums(cut, part), part.weight, part.mask, chunks.summed_shape(plan, cut))

    def gradients(self, cut: slice, flows: Mapping[str, Array], top: Gathered) -> Gradient:
        """The gradients: what is cut goes to its place, what is not is to be added up."""
        return self.flown(cut, self.source.part(cut), flows, top)

    def flown(self, cut: slice, part: Part, flows: Mapping[str, Array], top: Gathered) -> Gradient:
        """From the cotangents of the sums to the gradients."""
        if self.back is None:
            return {}
        found = places(self.back, cut, top)
        more = {f"cotangent of {name}": flow for name, flow in flows.items()}
        outputs, _ = self.source.ran(self.back, cut, part, 1.0, more, into(found))
        return rest(found, cut, outputs, top)


@dataclass(frozen=True)
class Read(Summed):
    """A plan's rows, each a reading of sums of its own, which a loop adds up."""

    keep: bool = False
    wrt: tuple[str, ...] = ()

    def state(self, cut: slice) -> State:
        """The state of the rows in `cut`."""
        part = self.source.part(cut)
        return chunks.fold_sums(self.source.plan, self.sums(cut, part), part.weight, part.mask, self.keep)

    def with_gradients(self, cut: slice, scale: float, top: Gathered, _: Gathered) -> tuple[State, Gradient, Gradient]:
        """The state, and the gradients: what is cut goes to its place, what is not is to be added up."""
        plan, part = self.source.plan, self.source.part(cut)
        sums = {**self.sums(cut, part), WHOLE: np.ones(())}
        value, pullback = backward.reading_vjp(plan, sums, self.wrt)
        weight, mask = backward.row_weights(plan, part, value)
        state = chunks.fold_rows(plan, value, weight, mask, self.keep)
        flows, found = backward.parted(sums, pullback(backward.value_flow(plan, value, weight, mask, scale)))
        del flows[WHOLE]
        return state, top.put(cut, found) | self.flown(cut, part, flows, top), {}
