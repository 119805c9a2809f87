"""Chunks that one loop maps, weighs, masks and adds up, with their gradients: each entry is read once.

Where the rows cannot be folded by the loop itself (rows with sums of their own, labels with more axes than the rows),
the loop gives what the map gives, and the rest is done as after any other backend.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from lossapi import chunks
from lossapi.backends import choice, fused
from lossapi.backends.choice import Backend
from lossapi.backward import Gathered, Gradient
from lossapi.chunks import Part
from lossapi.domains import Array, Bounds
from lossapi.errors import LossError, Unsupported
from lossapi.graphs.trace import Back
from lossapi.loops.record import MASK, SCALE, WEIGHT, Fold, Loop, Task
from lossapi.plan import Plan
from lossapi.states import State, Totals, Values


def backend(
    plan: Plan, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None, *, wait: bool
) -> Backend | None:
    """What computes a plan by loops; None while they are compiled, unless it is to `wait`, or if there are none."""
    if plan.batch == 0 or not plan.elements:
        return choice.fused()
    try:
        part = chunks.prepared(plan, slice(0, 1), unchecked)
        folded = _folded(plan, part, reduction, unchecked, wrt, wait)
        if folded is not None:
            return replace(choice.fused(), rows=folded)
        if wrt is not None and not wait:
            return None
        found = fused.kernel(fused.task_of(plan.map.function, part.tensors), part.parameters, wait=wait)
        return None if found is None else choice.fused()
    except Unsupported:
        if wait:
            raise
        return None


def _folded(
    plan: Plan, part: Part, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None, wait: bool
) -> "Folded | None":
    """The loop that folds a plan's rows, if it can be had."""
    if not foldable(plan, part):
        return None
    bounds = _bounds(plan, part, unchecked)
    task = folding(plan, part, reduction, bounds, wrt)
    try:
        kernel = fused.kernel(task, part.parameters, wait=wait)
    except Unsupported:
        return None
    if kernel is None or (wrt is not None and reduction == "weighted_mean" and _weighs(kernel.loop)):
        return None
    numbers = {f"{end} of {name}": ends[i] for name, ends in bounds.items() for i, end in enumerate(("low", "high"))}
    given = {name: float(value) for name, value in numbers.items() if value is not None}
    return Folded(plan, kernel, unchecked, unchecked | bounds.keys(), {**part.parameters, **given}, reduction == "none")


def folding(plan: Plan, part: Part, reduction: str, bounds: Mapping[str, Bounds], wrt: Collection[str] | None) -> Task:
    """What is wanted of the loop that folds a plan's rows."""
    task = fused.task_of(plan.map.function, part.tensors)
    fold = Fold(
        weight=_weight(plan, part),
        mask=part.mask is not None,
        mean_axes=plan.mean_axes,
        keep=reduction == "none",
        wrt=() if wrt is None else tuple(name for name in task.names if name in wrt),
        bounds=tuple((name, low is not None, high is not None) for name, (low, high) in bounds.items()),
    )
    return replace(task, fold=fold)


def _bounds(plan: Plan, part: Part, unchecked: frozenset[str]) -> dict[str, Bounds]:
    """The bounds that a loop holds its tensors to."""
    every = plan.bounds.items()
    return {n: ends for n, ends in every if n not in unchecked and n in part.tensors and _bounded(plan, n)}


def loop_of(plan: Plan, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None) -> Loop:
    """The loop that would compute a plan, written and not compiled; an `Unsupported` error says why there is none."""
    part = chunks.prepared(plan, slice(0, 1), unchecked)
    task = fused.task_of(plan.map.function, part.tensors)
    if foldable(plan, part):
        task = folding(plan, part, reduction, _bounds(plan, part, unchecked), wrt)
    elif wrt is not None:
        names = [name for name, _, _ in fused.written(task, part.parameters).outputs]
        task = replace(task, back=Back(tuple(wrt), tuple((name, True) for name in names)))
    return fused.written(task, part.parameters)


def foldable(plan: Plan, part: Part) -> bool:
    """Whether there is a value for each row, and weights and masks that line up with it."""
    if plan.map.gives != "rows" or (plan.map.weight is not None and part.weight is not None):
        return False
    return part.mask is None or part.mask.ndim == len(plan.sizes(plan.map.axes)) - plan.mean_axes


def _bounded(plan: Plan, name: str) -> bool:
    """Whether a loop can tell that a tensor is outside its bounds: a floating one, to which every number is allowed."""
    bound = next(each for each in plan.tensors if each.name == name)
    return "." not in name and bound.spec.domain.kind == "real" and not bound.spec.domain.values


def _weight(plan: Plan, part: Part) -> tuple[str, tuple[bool, ...]] | None:
    """The dtype of weights, and along which axes of the rows they go."""
    if part.weight is None or plan.weight is None:
        return None
    shape = plan.weight.shape
    sizes = plan.weight_shape[: len(shape)]
    return part.weight.dtype.char, tuple(n == size for n, size in zip(shape, sizes, strict=True))


def _weighs(loop: Loop) -> bool:
    """Whether the rows bring weights of their own."""
    return any(name == "weight" for name, _, _ in loop.outputs)


@dataclass(frozen=True)
class Folded:
    """A plan's rows, folded by one loop; `within` are the tensors that it holds to their bounds itself."""

    plan: Plan
    kernel: fused.Kernel
    unchecked: frozenset[str]
    within: frozenset[str]
    numbers: dict[str, Any]
    keep: bool

    def state(self, cut: slice) -> State:
        """The state of the rows in `cut`."""
        return self._ran(cut, 1.0, {})[0]

    def with_gradients(self, cut: slice, scale: float, top: Gathered) -> tuple[State, Gradient]:
        """The state, and the gradients: what is cut goes to its place, what is not is to be added up."""
        names = [name.removeprefix("gradient ") for name, _, _ in self.kernel.loop.outputs if name.startswith("grad")]
        places = {name: top.place(cut, name) for name in names}
        into = {f"gradient {name}": place for name, place in places.items() if place is not None}
        state, outputs = self._ran(cut, scale, into)
        top.reached |= set(names)
        return state, top.put(cut, {name: outputs[f"gradient {name}"] for name in names if places[name] is None})

    def _ran(self, cut: slice, scale: float, into: dict[str, Array]) -> tuple[State, dict[str, Array]]:
        part = chunks.prepared(self.plan, cut, self.within)
        given = {name: array for name, array in part.tensors.items() if array is not None}
        if part.weight is not None:
            given[WEIGHT] = part.weight
        if part.mask is not None:
            given[MASK] = part.mask
        try:
            outputs, totals = self.kernel(given, {**self.numbers, SCALE: scale}, into)
        except fused.Outside:
            chunks.take(self.plan, cut, self.unchecked)
            raise LossError("numbers within their bounds", "others") from None
        return self._state(cut, part, outputs, totals), outputs

    def _state(self, cut: slice, part: Part, outputs: dict[str, Array], totals: list[float]) -> State:
        plan, weight, mask = self.plan, part.weight, part.mask
        sizes = plan.sizes(plan.map.axes)
        shape = (cut.stop - cut.start, *sizes[1:])[: len(sizes) - plan.mean_axes]
        entered = prod(shape) if mask is None else int(np.count_nonzero(mask))
        if self.keep:
            return Values((outputs["value"],), entered)
        own, divisor, nonzero = outputs.get("weight"), float(entered), entered
        if own is not None or weight is not None:
            rows = np.broadcast_to(np.zeros((), plan.dtype), shape)
            divisor, nonzero = chunks.divisor(rows, own, weight, mask, entered)
        whole = shape[0] if mask is None else int(np.count_nonzero(mask.any(axis=tuple(range(1, mask.ndim)))))
        return Totals(totals[0], divisor, nonzero, entered, whole)
