"""The fold backwards: what each input adds to the value, by the same cuts, in the same order.

Rows are one pass: each chunk is mapped on the tape, its rows' share of the sum flows straight back, and what the
reduction divides by is put in at the end. Sums are two: forwards to the sums, through their reading, and back
through each chunk. A cut input's gradient is put together, an uncut one's added up, both as the tensor was given.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from lossapi import chunks
from lossapi.backends.choice import NUMPY, Backend
from lossapi.chunks import Part
from lossapi.domains import Array
from lossapi.errors import Unsupported
from lossapi.gradients import Pullback, filled, fit, vjp
from lossapi.plan import Plan, laid_out
from lossapi.pulls import select
from lossapi.signature import Function
from lossapi.states import WEIGHT, State, Sums, Totals, Weighted, divisors
from lossapi.tape import lift

Pieces = Sequence[slice]
Mapped = Callable[[Callable[[slice], Any]], Iterator[Any]]
Gradient = dict[str, Array]

KEPT = 4
"""Chunks whose tapes are kept from the way forwards for the way back; more are mapped again."""


def fold(
    plan: Plan,
    reduction: str,
    wrt: Collection[str],
    unchecked: frozenset[str],
    empty: float | None,
    pieces: Pieces,
    mapped: Mapped,
    backend: Backend = NUMPY,
) -> tuple[State, Gradient]:
    """The state of a whole plan, and the derivative of its value (of the sum, under `none`) by each input in `wrt`."""
    if not plan.definition.differentiable:
        raise Unsupported("a definition with a derivative", f"{plan.definition.name}, which has none", ("return",))
    by_rows = plan.map.gives == "rows" or plan.definition.for_rows(plan.parameters)
    state, gathered = (rows if by_rows else sums)(plan, reduction, wrt, unchecked, pieces, mapped, backend)
    if isinstance(state, Totals) and not divisors(state)[reduction]:
        gathered.scale((empty or 0.0) if state.count else 0.0)
    if wrt and not gathered.reached:
        got = f"{plan.definition.name}, which is constant around every input"
        raise Unsupported("a definition with a derivative", got, ("return",))
    return state, gathered.arrays()


def floating(plan: Plan, given: Mapping[str, Array]) -> tuple[str, ...]:
    """The inputs with a derivative: real numbers that were given; JSON has whole ones come as integers."""
    real = [b for b in plan.tensors if b.spec.domain.kind == "real" and given.get(b.name) is not None]
    found = tuple(b.name for b in real if b.given.dtype.kind != "b")
    return found or tuple(b.name for b in real)


class Gathered:
    """The gradients of all chunks; `put` writes what is cut into its place and gives back what is to be added up.

    Nothing is written twice: what no chunk wrote is 0 once all is `settled`.
    """

    def __init__(self, plan: Plan, wrt: Collection[str]) -> None:
        self.plan = plan
        self.bound = {b.name: b for b in plan.tensors if b.name in wrt}
        self.whole = {name: np.empty(b.given.shape, plan.dtype) for name, b in self.bound.items()}
        self.views = {name: laid_out(plan, b, self.whole[name]) for name, b in self.bound.items()}
        self.reached: set[str] = set()
        self.written: dict[str, list[slice]] = {name: [] for name in self.bound}

    def put(self, cut: slice, found: Gradient) -> Gradient:
        """Take one chunk's gradients."""
        self.reached |= found.keys()
        for name, gradient in found.items():
            if self.bound[name].cut:
                self.views[name][cut] = gradient
                self.written[name].append(cut)
        return {name: gradient for name, gradient in found.items() if not self.bound[name].cut}

    def place(self, cut: slice, name: str) -> Array | None:
        """Where one chunk's gradient by a cut input goes, if that is in one piece."""
        if not self.bound[name].cut:
            return None
        place = self.views[name][cut]
        if not place.flags.c_contiguous:
            return None
        self.written[name].append(cut)
        return place

    def settled(self, rests: Sequence[Gradient], names: Collection[str]) -> None:
        """Add up what is not cut, in order and in float64; where nothing came, put 0. Done for some of the inputs."""
        for name in names:
            view, shares = self.views[name], [rest[name] for rest in rests if name in rest]
            if shares:
                view[...] = np.add.reduce(np.stack(shares), axis=0, dtype=np.float64)
            elif not self.written[name]:
                view[...] = 0.0
            elif sum(len(view[cut]) for cut in self.written[name]) < len(view):
                missing = np.ones(view.shape[:1], np.bool_)
                for cut in self.written[name]:
                    missing[cut] = False
                view[missing] = 0.0

    def scale(self, factor: float) -> None:
        """Multiply all by a number."""
        if factor != 1.0:
            for name in self.reached:
                self.whole[name] *= factor

    def arrays(self) -> Gradient:
        """The gradients in the tensors' own dtypes."""
        return {
            name: self.whole[name].astype(b.given.dtype if b.given.dtype.kind in "fV" else self.plan.dtype, copy=False)
            for name, b in self.bound.items()
        }


def rows(
    plan: Plan,
    reduction: str,
    wrt: Collection[str],
    unchecked: frozenset[str],
    pieces: Pieces,
    mapped: Mapped,
    backend: Backend = NUMPY,
) -> tuple[State, Gathered]:
    """A reduction of rows: Σwl/D, where D too may depend on the inputs (class weights under `weighted_mean`)."""
    known = known_divisor(plan, reduction)
    scale = 1.0 / known if known else 1.0
    top, bottom = Gathered(plan, wrt), Gathered(plan, wrt if reduction == "weighted_mean" else ())
    kernel, more = row_kernel(plan)
    by_backend = backend.vjp if kernel is plan.map.function else vjp

    def step(cut: slice) -> tuple[State, Gradient, Gradient]:
        if backend.rows is not None:
            done: tuple[State, Gradient, Gradient] = backend.rows.with_gradients(cut, scale, top, bottom)
            return done
        part = chunks.prepared(plan, cut, unchecked)
        out, pullback = by_backend(kernel, {**part.tensors, **more}, part.parameters, wrt)
        value, own = out if isinstance(out, Weighted) else (out, None)
        weight, mask = row_weights(plan, part, value)
        state = chunks.fold_rows(plan, out, weight, mask, reduction == "none")
        flow = value_flow(plan, value, weight, mask, scale)
        if own is None:
            return state, top.put(cut, pullback(flow)), {}
        rest = top.put(cut, pullback(Weighted(flow, None)))
        shape = value.shape[: value.ndim - plan.mean_axes]
        behind = pullback(Weighted(None, flow_to(own, shape, weight, mask, 1.0))) if bottom.bound else {}
        return state, rest, bottom.put(cut, behind)

    done = list(mapped(step))
    state = chunks.merged(plan, (each for each, _, _ in done))
    top.settled([rest for _, rest, _ in done], top.bound)
    bottom.settled([rest for _, _, rest in done], bottom.reached)
    if known is None and isinstance(state, Totals):
        divide(top, bottom, state, reduction)
    return state, top


def row_weights(plan: Plan, part: Part, value: Array) -> tuple[Array | None, Array | None]:
    """The weights and the mask of a chunk, lined up with its rows."""
    weight, mask = part.weight, part.mask
    if plan.map.gives == "sums" or plan.map.weight is not None:
        weight = None if weight is None else chunks.to_rank(weight, value)
        mask = None if mask is None else chunks.entering(mask, value)
    return weight, mask


def known_divisor(plan: Plan, reduction: str) -> float | None:
    """What the reduction divides by, where it is known before the rows are."""
    if reduction in ("sum", "none"):
        return 1.0
    by_count = reduction == "mean" and plan.map.gives == "rows" and plan.weight is None
    if not by_count or plan.parameters.get("ignore_index") is not None:
        return None
    sizes = plan.sizes(plan.map.axes)
    return float(prod(sizes[: len(sizes) - plan.mean_axes])) or None


def row_kernel(plan: Plan) -> tuple[Function, dict[str, Array | None]]:
    """What gives one value per row, and the tensors it takes beside the map's: the map, or each row's own reading."""
    mapping = plan.map.function
    if plan.map.gives == "rows":
        return mapping, {}
    reading, more, given = chunks.reading_call(plan)

    def kernel(*arrays: Array, **parameters: Any) -> Array:
        ours = len(arrays) - len(more)
        sums = mapping(*arrays[:ours], **parameters)
        return reading({**sums, WEIGHT: lift(np.float64(1.0))}, *arrays[ours:], **given)

    return kernel, more


def value_flow(plan: Plan, value: Array, weight: Array | None, mask: Array | None, scale: float) -> Array:
    """What a change of each value adds to the sum: its row's weight, shared where trailing axes were averaged."""
    if weight is None and mask is None and not plan.mean_axes:
        return filled(value, scale)
    averaged = value.shape[value.ndim - plan.mean_axes :]
    shape = value.shape[: value.ndim - plan.mean_axes]
    row = np.broadcast_to(np.zeros((), value.dtype), shape)
    flow = flow_to(row, shape, weight, mask, scale / max(prod(averaged), 1))
    return np.broadcast_to(flow.reshape(shape + (1,) * plan.mean_axes), value.shape)


def flow_to(x: Array, shape: tuple[int, ...], weight: Array | None, mask: Array | None, scale: float) -> Array:
    """Scale · weight · mask over rows of a shape, added up to x where x was broadcast to them."""
    flow = np.asarray(scale if weight is None else weight * scale, x.dtype)
    flow = np.broadcast_to(flow, np.broadcast_shapes(shape, flow.shape))
    return fit(flow if mask is None else select(mask, flow), x)


def divide(top: Gathered, bottom: Gathered, totals: Totals, reduction: str) -> None:
    """d(S/D) = dS/D - (S/D²) dD; a mean of nothing is left as it is."""
    divisor = float(divisors(totals)[reduction]) or 1.0
    top.scale(1.0 / divisor)
    bottom.scale(-totals.weighted / divisor**2)
    for name in bottom.reached:
        top.whole[name] += bottom.whole[name]
    top.reached |= bottom.reached


def sums(
    plan: Plan,
    reduction: str,
    wrt: Collection[str],
    unchecked: frozenset[str],
    pieces: Pieces,
    mapped: Mapped,
    backend: Backend = NUMPY,
) -> tuple[State, Gathered]:
    """One reading of sums over everything: forwards to the sums, back through the reading, back through each chunk."""
    top = Gathered(plan, wrt)
    tapes: dict[int | None, tuple[Part, Any, Pullback]] = {}

    def record(cut: slice) -> tuple[Part, Any, Pullback]:
        part = chunks.prepared(plan, cut, unchecked)
        return part, *backend.vjp(plan.map.function, part.tensors, part.parameters, wrt)

    def ahead(cut: slice) -> State:
        if len(pieces) > KEPT:
            return chunks.map_chunk(plan, cut, False, unchecked, backend.run)
        part, out, _ = tapes[cut.start] = record(cut)
        return chunks.folded(plan, out, part.weight, part.mask, False)

    def behind(cut: slice) -> Gradient:
        part, out, pullback = tapes.pop(cut.start) if tapes else record(cut)
        return top.put(cut, pullback({name: sum_flow(flows[name], each, part.weight) for name, each in out.items()}))

    folds = backend.rows
    state = chunks.merged(plan, mapped(ahead if folds is None else folds.state))
    assert isinstance(state, Sums)
    if state.count == 0 and reduction != "sum":
        top.reached |= set(wrt)
        top.settled([], top.bound)
        return state, top
    flows, rest = reading_back(plan, state, wrt)
    pulled = mapped(behind if folds is None else lambda cut: folds.gradients(cut, flows, top))
    top.settled([top.put(slice(None), rest), *pulled], top.bound)
    return state, top


def reading_vjp(plan: Plan, sums: Mapping[str, Array], wrt: Collection[str]) -> tuple[Any, Pullback]:
    """The reading of some sums, and the way back to these (`sum of …`) and to the tensors that it takes itself."""
    reading, tensors, given = chunks.reading_call(plan)
    arrays = {f"sum of {name}": np.asarray(each) for name, each in sums.items()}

    def read(*values: Array) -> Any:
        return reading(dict(zip(sums, values, strict=False)), *values[len(arrays) :], **given)

    return vjp(read, {**arrays, **tensors}, {}, (*arrays, *(name for name in tensors if name in wrt)))


def reading_back(plan: Plan, state: Sums, wrt: Collection[str]) -> tuple[Gradient, Gradient]:
    """The derivative of the reading by each of the sums, and by the tensors that it takes itself."""
    out, pullback = reading_vjp(plan, state.sums, wrt)
    return parted(state.sums, pullback(dict.fromkeys(out, 1.0) if isinstance(out, Mapping) else 1.0))


def parted(sums: Mapping[str, Array], found: Gradient) -> tuple[Gradient, Gradient]:
    """The cotangents of all sums, and those of the tensors."""
    flows = {name: found.pop(f"sum of {name}", np.zeros(np.shape(each))) for name, each in sums.items()}
    return flows, found


def sum_flow(flow: Array, out: Array, weight: Array | None) -> Array:
    """What a change of each row's share adds to the value."""
    return (
        np.broadcast_to(flow, out.shape)
        if weight is None
        else flow * np.broadcast_to(chunks.to_rank(weight, out), out.shape)
    )
