"""One chunk: cut off, cast, checked, mapped, and folded into a state with its weights and mask.

A chunk is small enough that a kernel's temporaries stay in a cache, and large enough that its threads seldom meet at
the interpreter's lock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from math import prod
from typing import Any, NamedTuple

import numpy as np

from lossapi import taking
from lossapi.backends import numpy as backend
from lossapi.domains import Array
from lossapi.errors import Fault, LossError
from lossapi.plan import Plan, Readable
from lossapi.signature import Function
from lossapi.states import WEIGHT, Counts, Moments, State, Sums, Totals, Values, Weighted, total

CHUNK = 1 << 18
"""Elements of the largest tensor in one chunk; with a quarter of it, two threads spent their time passing the lock."""

LONGER, FURTHER = 4, 32
"""How many times longer a chunk is that one loop folds, which has no temporaries; and how many where its rows meet a
matrix, which is made ready for each chunk."""

STEPS = 64
"""Steps in time for which a chunk is measured by one of them."""

WIDE, NARROW = 4 * CHUNK, 16
"""Elements that a chunk's rows may come to when they meet a matrix; and how many rows meet it at least."""

TOGETHER = 256
"""States that are merged at once, where their kind can."""


def cuts(plan: Plan, *, by_loop: bool = False) -> list[slice]:
    """Where the batch is cut: by size alone, and by whether one loop folds each chunk."""
    batch, largest = plan.batch, plan.largest_cut
    if batch is None:
        return [slice(None)]
    if largest <= CHUNK and batch * plan.width <= WIDE:
        return [slice(0, batch)]
    longer, further = (LONGER, FURTHER) if by_loop else (_steps(plan), 1)
    rows = min(max(1, longer * CHUNK * batch // max(largest, 1)), further * max(NARROW, WIDE // plan.width))
    return [slice(start, min(start + rows, batch)) for start in range(0, batch or 1, rows)]


def _steps(plan: Plan) -> int:
    """How many times longer a chunk may be where NumPy goes through time, holding one step of all rows at once."""
    time = plan.bindings.get("time", 1)
    return min(time, STEPS) if isinstance(time, int) else 1


class Part(NamedTuple):
    """What one chunk's map is called with, and what then weighs and masks its rows."""

    tensors: dict[str, Array | None]
    parameters: Mapping[str, Any]
    weight: Array | None
    mask: Array | None


def map_chunk(
    plan: Plan, cut: slice, keep: bool, unchecked: frozenset[str], run: Callable[..., Any] = backend.run
) -> State:
    """The state of the rows in `cut`, as `run` maps them; `keep` keeps the rows themselves."""
    part = prepared(plan, cut, unchecked)
    try:
        out = run(plan.map.function, part.tensors, part.parameters)
    except LossError as error:
        raise placed(plan, cut.start or 0, error) from None
    return folded(plan, out, part.weight, part.mask, keep)


def placed(plan: Plan, start: int, error: LossError) -> LossError:
    """An error of a map, which saw the rows from `start` on, with its faults where they are in the tensors given."""
    error.faults = tuple(_placed(plan, start, fault) for fault in error.faults)
    return error


def _placed(plan: Plan, start: int, fault: Fault) -> Fault:
    """A fault that a map found in its chunk, placed in the tensor as it was given."""
    name, index = fault.where[:1], fault.where[1:]
    bound = next((each for each in plan.tensors if (each.name,) == name and each.cut), None)
    if bound is None or len(index) != bound.array.ndim or not index:
        return fault
    place = (start + int(index[0]), *map(int, index[1:]))
    if bound.array.ndim == 1:  # where every element stands alone, as many axes as were given
        place = tuple(int(i) for i in np.unravel_index(place[0], bound.given.shape))
    known = bound.array.ndim == 1 or bound.array is bound.given
    return replace(fault, where=(*name, *place) if known else name)


def prepared(plan: Plan, cut: slice, unchecked: frozenset[str]) -> Part:
    """The rows in `cut`, ready for the map."""
    tensors, mask = take(plan, cut, unchecked)
    weight = None if plan.weight is None else _cut_weight(plan, plan.weight, cut)
    if plan.map.weight is not None:
        tensors["weight"] = _own_weight(plan, weight if plan.weighs_within else None, mask, tensors)
        weight = None if plan.weighs_within else weight
    return Part(tensors, plan.map_parameters, weight, mask)


def folded(plan: Plan, out: Any, weight: Array | None, mask: Array | None, keep: bool) -> State:
    """What the map gave, as a state."""
    gives = plan.map.gives
    if gives == "rows":
        return fold_rows(plan, out, weight, mask, keep)
    return _counted(out, mask) if gives == "state" else fold_sums(plan, out, weight, mask, keep)


def _counted(state: Counts | Moments, mask: Array | None) -> State:
    """The state, its count that of the elements (or rows, where it counts those) that the mask lets in."""
    if mask is None:
        return state
    entering = mask if state.count == mask.size else mask.any(axis=tuple(range(1, mask.ndim)))
    return replace(state, count=int(np.count_nonzero(entering)))


def merged(plan: Plan, states: Iterable[State]) -> State:
    """The states of all chunks as one, in order."""
    whole = added(states)
    if plan.shape and isinstance(whole, Totals):
        return replace(whole, rows=plan.shape[0])
    return whole


def alone(plan: Plan, state: State) -> State:
    """The state of a chunk that holds all rows, as that of all."""
    return state if type(state) is Totals and not plan.shape else merged(plan, (state,))


def added(states: Iterable[State]) -> State:
    """States as one, in order; those that merge many at once do so by as many as a fixed number."""
    states = iter(states)
    whole = next(states)
    together = getattr(whole, "merged", None)
    if together is None:
        for state in states:
            whole = whole + state
        return whole
    while some := list(islice(states, TOGETHER)):
        whole = together([whole, *some])
    settled: State = together([whole])
    return settled


def take(plan: Plan, cut: slice, unchecked: frozenset[str]) -> tuple[dict[str, Array | None], Array | None]:
    """The kernel's arguments for the rows in `cut`, and which rows `ignore_index` lets enter."""
    taken: dict[str, Array | None] = {}
    mask: Array | None = None
    ready = plan.ready
    for bound in plan.tensors:
        name, spec, array, _ = bound
        if spec.batched:
            array = array[cut]
        if name in ready:
            taken[name] = array
            continue
        if name == plan.true_label:
            mask = array != plan.parameters["ignore_index"]
            array = np.where(mask, array, 0)
        taken[name] = taking.held(plan, bound, array, unchecked)
    return taken if plan.in_order else {each.name: taken.get(each.name) for each in plan.map.inputs}, mask


def _cut_weight(plan: Plan, weight: Array, cut: slice) -> Array:
    return weight[cut] if weight.ndim and weight.shape[0] == plan.batch else weight


def _own_weight(plan: Plan, weight: Array | None, mask: Array | None, tensors: Mapping[str, Any]) -> Array | None:
    """The weight for a kernel that weighs itself: the mask folded in, in full shape."""
    if weight is None and mask is None:
        return None
    spec = plan.map.weight
    shape = plan.sizes(spec.axes) if spec else ()
    rows = next(t.shape[0] for t in tensors.values() if t is not None and t.ndim)
    full = np.broadcast_to(1.0 if weight is None else weight, (rows, *shape[1:]))
    return full if mask is None else np.where(mask, full, 0.0)


def fold_rows(plan: Plan, out: Any, weight: Array | None, mask: Array | None, keep: bool) -> State:
    """One value per row, with its weight: totals, or the rows themselves."""
    value, own = out if isinstance(out, Weighted) else (out, None)
    if plan.mean_axes:
        averaged = tuple(range(value.ndim - plan.mean_axes, value.ndim))
        value = value.sum(axis=averaged) / prod(value.shape[i] for i in averaged)
    rows = len(value) if value.ndim else 1
    if mask is not None:
        mask = entering(mask, value)
        value = np.where(mask, value, 0.0)
        rows = int(np.count_nonzero(mask.any(axis=tuple(range(1, mask.ndim)))))
    weighted = value if weight is None else value * weight
    entered = weighted.size if mask is None else int(np.count_nonzero(mask))
    if keep:
        return Values((weighted,), entered)
    if own is None and weight is None:
        return Totals(total(weighted), float(entered), entered, entered, rows)
    return Totals(total(weighted), *divisor(weighted, own, weight, mask), entered, rows)


def divisor(value: Array, own: Array | None, weight: Array | None, mask: Array | None) -> tuple[float, int]:
    """Σw and #(w≠0) over the rows that enter, where these have weights, of their own or given."""
    weights: Any = own if weight is None else weight if own is None else own * weight
    if np.shape(weights) != value.shape:
        weights = np.broadcast_to(weights, value.shape)
    if mask is not None:
        weights = np.where(mask, weights, 0.0)
    return total(weights), int(np.count_nonzero(weights))


def fold_sums(plan: Plan, out: Mapping[str, Array], weight: Array | None, mask: Array | None, keep: bool) -> State:
    """Sums per row, added over the rows; or a reading of each row, averaged."""
    if plan.definition.for_rows(plan.parameters):
        value = read_rows(plan, out)
        return fold_rows(plan, value, None if weight is None else to_rank(weight, value), mask, keep)
    axes = _summed(plan)
    weighed = {name: each if weight is None else each * to_rank(weight, each) for name, each in out.items()}
    sums = {name: np.add.reduce(each, axis=axes, dtype=np.float64) for name, each in weighed.items()}
    return sums_of(plan, sums, weight, mask, next(iter(out.values())).shape[: len(axes)])


def sums_of(
    plan: Plan, sums: Mapping[str, Array], weight: Array | None, mask: Array | None, shape: tuple[int, ...]
) -> Sums:
    """Sums over rows of a shape as a state, with what these weigh together."""
    rows = prod(shape) if weight is None else total(np.broadcast_to(weight, shape))
    return Sums({**sums, WEIGHT: np.float64(rows)}, _entered(plan, mask, shape[0] if shape else 1))


def summed_shape(plan: Plan, cut: slice) -> tuple[int, ...]:
    """The sizes of the axes that are added over within `cut`."""
    return (cut.stop - cut.start, *plan.sizes(plan.sum_axes)[1:])


def _summed(plan: Plan) -> tuple[int, ...]:
    """The positions of the axes added over; they come first."""
    return tuple(range(len(plan.sizes(plan.sum_axes))))


def entering(mask: Array, value: Array) -> Array:
    """Which values enter: those of whose labels any does."""
    return mask.any(axis=tuple(range(value.ndim, mask.ndim)))


def to_rank(weight: Array, array: Array) -> Array:
    """Weights of rows ready to multiply what has more axes."""
    return weight.reshape(weight.shape + (1,) * (array.ndim - weight.ndim))


def _entered(plan: Plan, mask: Array | None, rows: int) -> int:
    """How many elements entered: those the mask lets in, or all of `batch` and `*axes`."""
    if mask is not None:
        return int(np.count_nonzero(mask))
    return rows * prod(plan.sizes(("*axes",))) if plan.batch is not None else rows


def read_rows(plan: Plan, out: Mapping[str, Array]) -> Array:
    """The reading of each row's own sums."""
    return read_sums(plan, {**out, WEIGHT: np.float64(1.0)})


def read_sums(plan: Readable, sums: Any) -> Any:
    """The definition's reading of what the map's sums came to."""
    reading, tensors, given = reading_call(plan)
    return backend.run(reading, {"sums": sums, **tensors}, given)


def reading_call(plan: Readable) -> tuple[Function, dict[str, Array | None], dict[str, Any]]:
    """The reading, and what it takes beside the sums: tensors and parameters."""
    definition, wanted = plan.definition, [each.name for each in plan.definition.reading_inputs]
    assert definition.reading is not None
    given = {n: v for n, v in plan.parameters.items() if n in definition.reading_parameters}
    arrays = {b.name: taking.cast(plan, b, b.array) for b in plan.tensors if b.name in wanted}
    return definition.reading, {name: arrays.get(name) for name in wanted}, given
