"""Gradients by what all rows share, such as weights of classes: totals over the rows instead of sums at the end.

What a row adds goes to every entry that it has, or to the one that it picked by its label.
"""

from collections.abc import Iterator

import numpy as np

from lossapi.loops.frame import ROWS
from lossapi.loops.ranges import idle, number, seen
from lossapi.loops.script import Script, Shape
from lossapi.loops.writer import Sink

SHOWN = ("Seen", "Flat")
"""What shows entries in another shape."""


def totals(script: Script, name: str, value: str, kept: Shape) -> list[Sink]:
    """The totals that come to a value, which has the axes that are kept; none, where it is no sum over rows."""
    found = [Sink("total", name, each, kept=kept, at=at) for each, at in _summands(script, value)]
    return found if all(ROWS in script.steps[sink.value].shape for sink in found) else []


def _summands(script: Script, name: str) -> Iterator[tuple[str, str | None]]:
    """What a value is the sum of, and where that goes."""
    step = script.steps[name]
    if step.operator == "Add":
        for each in step.inputs:
            if not _nothing(script, each):
                yield from _summands(script, each)
    elif step.operator in (*SHOWN, "ReduceSum") or (step.operator == "Cast" and step.dtype.kind == "f"):
        yield from _summands(script, step.inputs[0])
    elif step.operator == "Where" and idle(script.steps, step):
        yield from _summands(script, step.inputs[2])
    elif step.operator == "Mul" and any(number(script.steps, each) is not None for each in step.inputs):
        factor, sums = sorted(step.inputs, key=lambda each: number(script.steps, each) is None)
        for each, at in _summands(script, sums):
            same = script.steps[each].dtype == step.dtype
            yield script.add("Mul", factor, each if same else script.cast(each, step.dtype)), at
    elif step.operator == "Added" and _nothing(script, step.inputs[2]):
        at, value = _index(script, step.inputs[0]), seen(script.steps, step.inputs[1], SHOWN)
        if script.steps[value].operator == "Expand":  # the same for all rows, whatever shape these are shown in
            value = script.add("Expand", script.steps[value].inputs[0], script.vector(script.steps[at].shape))
        yield value, at
    else:
        yield name, None


def _nothing(script: Script, name: str) -> bool:
    """Whether a value is 0 everywhere."""
    step = script.steps[seen(script.steps, name, (*SHOWN, "Expand"))]
    return step.operator == "Constant" and not np.any(step.said)


def _index(script: Script, name: str) -> str:
    """The labels by which the places of entries were picked."""
    step = script.steps[seen(script.steps, name, SHOWN)]
    numbered = step.operator == "Pick" and script.steps[seen(script.steps, step.inputs[0], SHOWN)].operator == "Range"
    return step.inputs[1] if numbered else name
