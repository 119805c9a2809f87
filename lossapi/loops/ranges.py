"""What is known of a value from the text alone: that it is not negative, not positive, or no subnormal number.

All hold of what is computed, rounding included, and say nothing of NaN.
"""

import math
from collections.abc import Callable, Collection, Mapping
from functools import wraps

import numpy as np

from lossapi.loops.script import Step

Steps = Mapping[str, Step]
SHOWN = ("Seen", "Expand")
NEVER_NEGATIVE = ("Abs", "Exp", "Log1pUnit", "Relu", "Sigmoid", "Sqrt")
SUMS = ("ReduceSum", "ReduceMean", "ReduceMax")
DEPTH = 12
"""How far back a text is read: no loss needs more, and some are long."""


def seen(steps: Steps, name: str, shown: Collection[str] = SHOWN) -> str:
    """The value that is shown under a name, by steps that do no more than that."""
    while steps[name].operator in shown:
        name = steps[name].inputs[0]
    return name


def _of(rule: Callable[[Steps, Step, int], bool]) -> Callable[..., bool]:
    @wraps(rule)
    def ask(steps: Steps, name: str, depth: int = DEPTH) -> bool:
        return depth > 0 and rule(steps, steps[seen(steps, name)], depth - 1)

    return ask


def _constant(step: Step, least: float) -> bool:
    return step.operator == "Constant" and bool(np.all(step.said >= least))


@_of
def not_negative(steps: Steps, step: Step, depth: int) -> bool:
    """Whether a value is never less than 0."""
    if step.operator in NEVER_NEGATIVE or _constant(step, 0.0):
        return True
    found = [not_negative(steps, each, depth) for each in step.inputs]
    if step.operator == "Max":
        return any(found)
    if step.operator in ("Add", "Min", *SUMS):
        return all(found) or (step.operator == "Add" and _relu(steps, step))
    return step.operator == "Mul" and (all(found) or len(set(step.inputs)) == 1)


def _relu(steps: Steps, step: Step) -> bool:
    """Whether a sum is x + max(0, -x)."""
    for x, other in (step.inputs, step.inputs[::-1]):
        most = steps[seen(steps, other)]
        if most.operator == "Max" and any(_constant(steps[seen(steps, each)], 0.0) for each in most.inputs):
            made = [steps[seen(steps, each)] for each in most.inputs]
            if any(each.operator == "Neg" and seen(steps, each.inputs[0]) == seen(steps, x) for each in made):
                return True
    return False


@_of
def not_positive(steps: Steps, step: Step, depth: int) -> bool:
    """Whether a value is never more than 0: -|x|, say, or x less its own maximum."""
    if step.operator == "Neg":
        return not_negative(steps, step.inputs[0], depth)
    if step.operator != "Sub":
        return False
    x, top = (seen(steps, each) for each in step.inputs)
    return steps[top].operator == "ReduceMax" and seen(steps, steps[top].inputs[0]) == x


@_of
def not_subnormal(steps: Steps, step: Step, depth: int) -> bool:
    """Whether a value is never nearer to 0 than normal numbers are, but 0: 1 - x, say."""
    if step.operator in ("Add", "Sub"):
        one, other = step.inputs
        unit = _constant(steps[seen(steps, one)], 1.0)
        return unit and (step.operator == "Sub" or not_negative(steps, other, depth))
    if step.dtype.kind != "f" or step.operator not in ("Max", "Min"):
        return False
    floors = [_constant(steps[seen(steps, each)], float(np.finfo(step.dtype).tiny)) for each in step.inputs]
    found = [floor or not_subnormal(steps, each, depth) for floor, each in zip(floors, step.inputs, strict=True)]
    return any(floors) if step.operator == "Max" else all(found)


def number(steps: Steps, name: str) -> float | None:
    """The one number that a constant is."""
    step = steps[name]
    return float(step.said.reshape(-1)[0]) if step.operator == "Constant" and step.said.size == 1 else None


def idle(steps: Steps, step: Step) -> bool:
    """Whether a choice puts a 0 where there is one already: where g is 0, for a multiple of g."""
    condition = steps[step.inputs[0]]
    if condition.operator != "Equal" or number(steps, condition.inputs[1]) != 0 or number(steps, step.inputs[1]) != 0:
        return False
    return _multiple(steps, step.inputs[2], condition.inputs[0])


def _multiple(steps: Steps, name: str, of: str) -> bool:
    step = steps[name]
    if name == of or step.operator == "Neg":
        return name == of or _multiple(steps, step.inputs[0], of)
    if step.operator != "Mul":
        return False
    known = [number(steps, each) for each in step.inputs]
    pairs = zip(step.inputs, reversed(known), strict=True)
    return any(k is not None and abs(k) < math.inf and _multiple(steps, each, of) for each, k in pairs)
