"""Chunks that one loop maps, weighs, masks and adds up, with their gradients: each entry is read once.

Where they cannot be folded by the loop itself (rows with sums of their own, labels with more axes than the rows), the
loop gives what the map gives, and the rest is done as after any other backend.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from lossapi import chunks
from lossapi.backends import choice, fused
from lossapi.backends.choice import Backend
from lossapi.chunks import Part
from lossapi.domains import Bounds, Domain
from lossapi.errors import Unsupported
from lossapi.folds import Folded, Read, Source, Summed
from lossapi.graphs.trace import Back
from lossapi.loops.record import Fold, Loop, Task
from lossapi.measures import Measured
from lossapi.plan import Plan


class Found(NamedTuple):
    """The loops of all plans of one kind: what folds one of them from a `Source`, and what this is made of besides."""

    rows: Callable[[Source], Folded | Summed | Read | Measured] | None
    within: frozenset[str] = frozenset()
    numbers: Mapping[str, Any] = {}

    def backend(self, plan: Plan, unchecked: frozenset[str]) -> Backend:
        """What computes a plan."""
        if self.rows is None:
            return choice.fused()
        return replace(choice.fused(), rows=self.rows(Source(plan, unchecked, self.within, self.numbers)))


def backend(
    plan: Plan, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None, *, wait: bool
) -> Backend | None:
    """What computes a plan by loops; None while they are compiled, unless it is to `wait`, or if there are none."""
    if plan.batch == 0 or not all(bound.array.size for bound in plan.tensors):
        return choice.fused()
    key = "loops", reduction, unchecked, None if wrt is None else tuple(wrt)
    found: Found | None = plan.known.get(key)
    if found is None:
        try:
            found = _found(plan, reduction, unchecked, wrt, wait)
        except Unsupported:
            if wait:
                raise
        if found is None:
            return None
        plan.known[key] = found
    return found.backend(plan, unchecked)


def _found(
    plan: Plan, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None, wait: bool
) -> Found | None:
    """The loops of a plan: those that fold it, or that of its map alone."""
    part = chunks.prepared(plan, slice(0, 1), unchecked)
    folded = _folded(plan, part, reduction, unchecked, wrt, wait)
    if folded is not None or (wrt is not None and not wait):
        return folded
    alone = fused.kernel(fused.task_of(plan.map.function, part.tensors), part.parameters, wait=wait)
    return None if alone is None else Found(None)


def _folded(
    plan: Plan, part: Part, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None, wait: bool
) -> Found | None:
    """The loops that fold a plan's rows or sums, if they can be had."""
    if not foldable(plan, part):
        return None
    bounds = _bounds(plan, part, unchecked)
    try:
        found = [fused.kernel(task, part.parameters, wait=wait) for task in tasks(plan, part, reduction, bounds, wrt)]
    except Unsupported:
        return None
    ready = [kernel for kernel in found if kernel is not None]
    if len(ready) < len(found):
        return None
    first, back = ready[0], (*ready, None)[1]
    numbers = {f"{end} of {name}": ends[i] for name, ends in bounds.items() for i, end in enumerate(("low", "high"))}
    given = {name: float(value) for name, value in numbers.items() if value is not None}
    rows = _folding(plan, reduction, wrt, first, back)
    return Found(rows, unchecked | bounds.keys(), {**part.parameters, **given})


def _folding(
    plan: Plan, reduction: str, wrt: Collection[str] | None, first: fused.Kernel, back: fused.Kernel | None
) -> Callable[[Source], Folded | Summed | Read | Measured]:
    """What the loops make of a plan's rows or sums."""
    if plan.map.gives == "state":
        return partial(Measured, kernel=first)
    if plan.map.gives == "sums" and plan.by_row:
        return partial(Read, kernel=first, back=back, keep=reduction == "none", wrt=() if wrt is None else tuple(wrt))
    if plan.map.gives == "sums":
        return partial(Summed, kernel=first, back=back)
    return partial(Folded, kernel=first, keep=reduction == "none")


def tasks(
    plan: Plan, part: Part, reduction: str, bounds: Mapping[str, Bounds], wrt: Collection[str] | None
) -> Iterator[Task]:
    """What is wanted of the loops that fold a plan: rows with their gradients, or sums and then the way back."""
    task = fused.task_of(plan.map.function, part.tensors)
    by = () if wrt is None else tuple(name for name in task.names if name in wrt)
    within = tuple(
        (name, low is not None, high is not None, _domain(plan, name).values) for name, (low, high) in bounds.items()
    )
    fold = Fold(weight=None if plan.map.gives == "sums" and plan.by_row else _weight(plan, part), bounds=within)
    if plan.map.gives == "state":
        yield replace(task, fold=replace(fold, weight=None, over=1))
    elif plan.map.gives == "sums":
        fold = replace(fold, over=0 if plan.by_row else len(plan.sizes(plan.sum_axes)))
        yield replace(task, fold=fold)
        if by:
            yield replace(task, fold=replace(fold, wrt=by, bounds=()))
    else:
        keep, masked, behind = reduction == "none", part.mask is not None, reduction == "weighted_mean"
        whole = replace(fold, mask=masked, mean_axes=plan.mean_axes, keep=keep, wrt=by, behind=behind and bool(by))
        yield replace(task, fold=whole)


def _bounds(plan: Plan, part: Part, unchecked: frozenset[str]) -> dict[str, Bounds]:
    """The bounds that a loop holds its tensors to: all but those of a distribution's parameters."""
    mine = {name for name in part.tensors if name not in unchecked and "." not in name}
    return {name: ends for name, ends in plan.bounds.items() if name in mine}


def loops_of(plan: Plan, reduction: str, unchecked: frozenset[str], wrt: Collection[str] | None) -> list[Loop]:
    """The loops that would compute a plan, written and not compiled; an `Unsupported` error says why there is none."""
    part = chunks.prepared(plan, slice(0, 1), unchecked)
    if foldable(plan, part):
        wanted = tasks(plan, part, reduction, _bounds(plan, part, unchecked), wrt)
        with suppress(Unsupported):
            return [fused.written(task, part.parameters) for task in wanted]
    task = fused.task_of(plan.map.function, part.tensors)
    ahead = fused.written(task, part.parameters)
    if wrt is None:
        return [ahead]
    back = Back(tuple(wrt), tuple((name, True) for name, _, _ in ahead.outputs))
    return [ahead, fused.written(replace(task, back=back), part.parameters)]


def foldable(plan: Plan, part: Part) -> bool:
    """Whether a loop may fold it: there are moments, sums, or rows with weights and masks that line up with them."""
    if plan.map.gives == "state":
        return plan.batch is not None and part.mask is None
    if plan.map.gives == "sums":
        return plan.by_row == plan.definition.for_rows(plan.parameters)
    if plan.map.gives != "rows" or (plan.map.weight is not None and part.weight is not None):
        return False
    return part.mask is None or part.mask.ndim == len(plan.sizes(plan.map.axes)) - plan.mean_axes


def _domain(plan: Plan, name: str) -> Domain:
    """What a tensor means."""
    return next(each.spec.domain for each in plan.tensors if each.name == name)


def _weight(plan: Plan, part: Part) -> tuple[str, tuple[bool, ...]] | None:
    """The dtype of weights, and along which axes of the rows they go."""
    if part.weight is None or plan.weight is None:
        return None
    shape = plan.weight.shape
    sizes = plan.weight_shape[: len(shape)]
    return part.weight.dtype.char, tuple(n == size for n, size in zip(shape, sizes, strict=True))
