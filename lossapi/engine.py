"""The fold: cut along `batch`, map each chunk to a state on worker threads, merge in order, read.

Chunks are cut by size alone, never by the number of threads, and merged in order: the same bits for any number
of threads.
"""

from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from lossapi import again, allowance, backward, chunks, parameters, portable, readings, registry, workers
from lossapi.backends import choice
from lossapi.backends import numpy as numpy_backend
from lossapi.backends.choice import Backend
from lossapi.binding import alike, planned
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.errors import LossError, NonFiniteError, ParameterError, Unsupported
from lossapi.groups import apart, placed, together
from lossapi.libraries.conventions import Align
from lossapi.plan import Plan
from lossapi.states import State
from lossapi.summands import Summand, summands

RETURNS = ("value", "gradient", "state")
QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether floating-point warnings are off already."""


@dataclass(slots=True)
class Call:
    """One computation asked for: a definition, its tensors and parameters, and how to come to a value.

    `mean_axes`, `unchecked`, `empty`, `shape`, `align` and `allow_nan` serve other libraries' conventions: trailing
    axes averaged before the weights enter, tensors and parameters whose bounds are not checked, the mean of
    nothing, the shape that rows are given back in, how weights line up with rows, whether NaN is an answer.
    `wrt` names the tensors to differentiate by: all that are floating, unless it says otherwise.
    """

    definition: Definition
    tensors: Mapping[str, Array]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weight: Array | None = None
    reduction: str | None = None
    mean_axes: int = 0
    unchecked: frozenset[str] = frozenset()
    empty: float | None = None
    shape: tuple[int, ...] | None = None
    align: Align | None = None
    allow_nan: bool = True
    returns: Sequence[str] = ("value",)
    wrt: Collection[str] | None = None
    backend: str = "auto"
    threads: int | None = None


@dataclass(slots=True)
class Result:
    """What came out: `value` is a float, an array or named arrays, `gradient` its derivative, `state` can be merged."""

    name: str
    value: Any
    reduction: str | None
    count: int
    gradient: Mapping[str, Array] | None = None
    returns: Sequence[str] = ("value",)
    backend: str = numpy_backend.NAME
    provider: str = numpy_backend.PROVIDER
    terms: Sequence[Mapping[str, Any]] = ()
    state: Mapping[str, Any] | None = None

    @property
    def finite(self) -> bool:
        """Whether no NaN or infinity is in the value, if it was asked for."""
        if type(self.value) is float:
            return isfinite(self.value)
        return self.value is None or readings.finite(self.value)

    def reply(self) -> dict[str, Any]:
        """The result as named data, as it is sent."""
        reply: dict[str, Any] = {"name": self.name}
        if "value" in self.returns:
            reply["values" if self.reduction == "none" else "value"] = self.value
        if self.reduction is not None:
            reply["reduction"] = self.reduction
        reply["count"], reply["finite"] = self.count, self.finite
        if self.gradient is not None:
            reply["gradient"] = together(self.gradient)
        if self.state is not None:
            reply["state"] = self.state
        if self.terms:
            reply["terms"] = list(self.terms)
        reply["backend"], reply["provider"] = self.backend, self.provider
        return reply


def compute(
    name: str | Definition,
    tensors: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    **options: Any,
) -> Result:
    """Compute one loss or metric by name: `compute("huber", {"prediction": p, "target": t}, {"delta": 2.0})`.

    Options are the fields of `Call`, such as `weight` and `reduction`. Raises a `LossError` for bad input.
    """
    definition = registry.find(name) if isinstance(name, str) else name
    arrays = {key: np.asarray(value) for key, value in apart(definition, tensors).items()}
    return run(Call(definition, arrays, parameters or {}, **options))


def run(call: Call) -> Result:
    """Check, cut, map, merge, read; floating-point warnings off, since NaN and infinities are results."""
    try:
        return _run(call) if QUIET.get() else _quietly(call)
    except LossError as error:
        raise placed(error) from None


def hush() -> None:
    """Turn floating-point warnings off in this context for good; to do so for each call costs as much as some calls."""
    np.seterr(all="ignore")
    QUIET.set(True)


@np.errstate(all="ignore")
def _quietly(call: Call) -> Result:
    return _run(call)


def _run(call: Call) -> Result:
    definition = call.definition
    if type(definition) is Combination:
        return _added(call, definition)
    assert type(definition) is Primitive
    key = _asked(call)
    known = again.MET.get(key)
    if known is None:
        result = _computed(call, definition, key)
    else:
        value, count = known.read(call.tensors)
        shown = known.reduction if definition.kind == "loss" else None
        result = Result(definition.name, value, shown, count, None, call.returns)
    if not call.allow_nan and np.isnan(result.value).any():
        raise NonFiniteError("a value that is not NaN", "NaN")
    return result


def _asked(call: Call) -> tuple[Any, ...] | None:
    """What a value depends on beside the values of the tensors; nothing where they are weighed, or more is asked."""
    if call.weight is not None or len(call.returns) != 1 or call.returns[0] != "value":
        return None
    options = call.reduction, call.mean_axes, call.unchecked, call.empty, call.shape, call.align, call.backend
    return call.definition, *options, *alike(call.tensors, call.parameters)


def _computed(call: Call, definition: Primitive, key: tuple[Any, ...] | None) -> Result:
    """What a computation gives that was not met before."""
    for wanted in call.returns:
        if wanted not in RETURNS:
            raise ParameterError(f"return of {', '.join(RETURNS)}", repr(wanted), ("return",))
    reduction = _reduction(definition, call.reduction)
    layout = call.weight, call.mean_axes, call.shape, call.align, call.unchecked
    plan = planned(definition, call.tensors, call.parameters, *layout)
    if plan.pairs is not None:
        allowance.require_pairs(*plan.pairs)
    both = "gradient" in call.returns
    wrt = [n for n in backward.floating(plan, call.tensors) if call.wrt is None or n in call.wrt] if both else None
    backend = backend_of(plan, call.backend, reduction, wrt, call.unchecked)
    gradient = None
    if wrt is not None:
        pieces = chunks.cuts(plan, by_loop=backend.rows is not None)
        each = partial(workers.mapped, pieces=pieces, threads=call.threads)
        state, gradient = backward.fold(plan, reduction, wrt, call.unchecked, call.empty, pieces, each, backend)
    else:
        keep = reduction == "none"
        state = fold(plan, keep=keep, unchecked=call.unchecked, threads=call.threads, backend=backend)
    shown = reduction if definition.kind == "loss" else None
    ran = gradient, call.returns, backend.name, backend.provider
    result = Result(definition.name, None, shown, state.count, *ran)
    if "state" in call.returns:
        result.state = portable.of(plan, reduction, state).packed()
    if "value" in call.returns or both:
        result.value, result.count = readings.read(plan, state, reduction, call.empty)
    if key is not None and by_numpy(plan, call.backend):
        again.learn(key, plan, call.tensors, reduction, call.unchecked, call.empty)
    return result


def backend_of(
    plan: Plan,
    asked: str,
    reduction: str = "mean",
    wrt: Sequence[str] | None = None,
    unchecked: frozenset[str] = frozenset(),
) -> Backend:
    """The backend asked for, or the one measured to be the fastest of those that are ready."""
    if by_numpy(plan, asked):
        return choice.NUMPY
    work = choice.Work(plan.definition.name, plan.parameters, plan.dtype.name, plan.elements, wrt is not None)
    backend = choice.chosen(asked, work)
    if backend.name != choice.FUSED:
        return backend
    from lossapi import fusion

    ready = fusion.backend(plan, reduction, unchecked, wrt, wait=asked == choice.FUSED)
    return ready or choice.chosen(asked, work, loops=False)


def by_numpy(plan: Plan, asked: str) -> bool:
    """Whether NumPy computes a plan whatever else is ready: it was asked for, or the plan is small."""
    return asked == choice.NUMPY.name or (asked == "auto" and plan.elements < choice.least())


def _added(call: Call, whole: Combination) -> Result:
    """A weighted sum: every term by itself, then the values and the gradients added up."""
    if "state" in call.returns:
        raise Unsupported(
            "a loss or metric with a state of its own", f"{whole.name}, whose terms have one each", ("return",)
        )
    given = parameters.check(whole.parameters, call.parameters, call.unchecked)
    parts = summands(whole, call.tensors, given, call.parameters)
    results = [_term(call, part) for part in parts]
    if len({np.shape(each.value) for each in results}) > 1:
        raise ParameterError("a reduction to one value (the terms' rows differ)", repr(call.reduction), ("reduction",))
    gradient: dict[str, Array] = {}
    for part, each in zip(parts, results, strict=True):
        for name, found in (each.gradient or {}).items():
            if name not in part.own:
                gradient[name] = _plus(gradient.get(name), part.coefficient, found)
    return replace(
        results[0],
        name=whole.name,
        value=sum(part.coefficient * each.value for part, each in zip(parts, results, strict=True)),
        reduction=_reduction(whole, call.reduction),
        count=max(each.count for each in results),
        gradient=gradient if "gradient" in call.returns else None,
        terms=[
            {"name": part.definition.name, "coefficient": part.coefficient, "value": each.value}
            for part, each in zip(parts, results, strict=True)
        ],
    )


def _plus(total: Array | None, coefficient: float, gradient: Array) -> Array:
    """A total with a term's gradient, which nobody else holds: it is written over, where that loses nothing."""
    if coefficient != 1.0:
        gradient *= coefficient
    if total is None:
        return gradient
    if total.dtype != gradient.dtype:
        return total + gradient
    total += gradient
    return total


def _term(call: Call, part: Summand) -> Result:
    """One term's own result."""
    wrt = None if call.wrt is None else [name for name in call.wrt if name in part.tensors]
    asked = replace(call, definition=part.definition, tensors=part.tensors, parameters=part.parameters, wrt=wrt)
    try:
        return run(asked)
    except LossError as error:
        raise part.placed(error) from None


def _reduction(definition: Definition, asked: str | None) -> str:
    if asked is None:
        return definition.default_reduction
    if definition.kind == "metric":
        raise ParameterError("no reduction (a metric has its own)", repr(asked), ("reduction",))
    if asked not in definition.reductions:
        known = ", ".join(definition.reductions)
        raise ParameterError(f"reduction to be one of {known}", repr(asked), ("reduction",))
    return asked


def fold(
    plan: Plan,
    *,
    keep: bool,
    unchecked: frozenset[str] = frozenset(),
    threads: int | None = None,
    backend: Backend = choice.NUMPY,
) -> State:
    """The state of a whole plan: chunks mapped, in parallel when there are several, merged in order."""
    pieces = chunks.cuts(plan, by_loop=backend.rows is not None)
    if backend.rows is not None:
        return chunks.merged(plan, workers.mapped(backend.rows.state, pieces, threads))
    if len(pieces) == 1:
        return chunks.alone(plan, chunks.map_chunk(plan, pieces[0], keep, unchecked, backend.run))
    step = partial(chunks.map_chunk, plan, keep=keep, unchecked=unchecked, run=backend.run)
    return chunks.merged(plan, workers.mapped(step, pieces, threads))
