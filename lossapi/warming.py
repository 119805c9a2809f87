"""Which loops there are, and all of them compiled ahead, so that a machine without a compiler has them too."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from lossapi import backward, parameters, registry, workers
from lossapi.binding import planned
from lossapi.codecs.tensors import tensor
from lossapi.combination import Combination
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.engine import Call
from lossapi.errors import LossError, Unsupported
from lossapi.fusion import loops_of
from lossapi.loops import build
from lossapi.loops.record import Loop
from lossapi.request import as_call
from lossapi.summands import summands


def refusal(definition: Definition, *, gradient: bool) -> str | None:
    """Why no loop computes a definition's example, or its gradient; None where one does."""
    try:
        for call in terms(example(definition)):
            loops(call, gradient=gradient)
    except LossError as error:
        return str(error)
    return None


def example(definition: Definition) -> Call:
    """The request of a definition's card."""
    names = {each.name for each in definition.inputs} | {"weight"}
    request, _ = definition.document.example
    given = {key: tensor(value) if key in names else value for key, value in request.items()}
    call = as_call(definition, given)
    return replace(call, tensors={name: np.asarray(each) for name, each in call.tensors.items()})


def terms(call: Call) -> Iterator[Call]:
    """A call, or those of the losses that it adds up."""
    whole = call.definition
    if not isinstance(whole, Combination):
        yield call
        return
    given = parameters.check(whole.parameters, call.parameters, call.unchecked)
    for part in summands(whole, call.tensors, given, call.parameters):
        inner = replace(call, definition=part.definition, tensors=part.tensors, parameters=part.parameters)
        yield from terms(inner)


def loops(call: Call, *, gradient: bool) -> list[Loop]:
    """The loops of a call, or why there is none."""
    definition = call.definition
    assert isinstance(definition, Primitive)
    plan = planned(definition, call.tensors, call.parameters, call.weight)
    if gradient and not definition.differentiable:
        raise Unsupported("a definition with a derivative", f"{definition.name}, which has none", ("return",))
    wrt = backward.floating(plan, call.tensors) if gradient else None
    return loops_of(plan, call.reduction or definition.default_reduction, call.unchecked, wrt)


def texts() -> list[str]:
    """The loops of every loss: of its example, under each of its flags, in both dtypes, with the gradient and not."""
    found: dict[str, None] = {}
    for definition in registry.definitions("loss"):
        for call in _variants(example(definition)):
            for gradient in (False, True):
                with suppress(LossError):
                    for each in terms(call):
                        found.update((loop.text, None) for loop in loops(each, gradient=gradient))
    return list(found)


def _variants(call: Call) -> Iterator[Call]:
    definition = call.definition
    flags: list[Mapping[str, Any]] = [{}]
    flags += [{name: not default} for name, (_, default) in definition.fields.items() if isinstance(default, bool)]
    for each in flags:
        for dtype in ("float32", "float64"):
            tensors = {name: _cast(array, dtype) for name, array in call.tensors.items()}
            yield replace(call, tensors=tensors, parameters={**call.parameters, **each})


def _cast(array: Array, dtype: str) -> Array:
    return array.astype(dtype) if array.dtype.kind == "f" else array


def warm(targets: Sequence[str] = ()) -> int:
    """Compile every loop for some targets, or for this processor; gives how many there are."""
    wanted = [(text, target) for text in texts() for target in targets or build.targets()[:1]]
    with ThreadPoolExecutor(workers.cores()) as pool:
        made = [pool.submit(build.library, text, target) for text, target in wanted]
    for each in made:
        each.result()
    return len(wanted)
