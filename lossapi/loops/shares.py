"""A script in which no softmax is made by a power of its own.

exp(log-softmax) is one of the powers whose sum the log-softmax was made of, divided by that sum. A gradient asks for it
as exp(x - s), s = (o + x at the label) being what the surprisal o says of the sum.
"""

from dataclasses import replace

from lossapi.loops.ranges import seen
from lossapi.loops.script import Script, Step


def shared(script: Script) -> Script:
    """The script, each exp(log-softmax) as a product of what is there."""
    steps = dict(script.steps)
    script.steps.clear()
    for name, step in steps.items():
        found = _softmax(steps, step)
        if found is not None:
            power, total = found
            inverse = f"inverse of {total}"
            script.steps[inverse] = replace(steps[total], operator="Reciprocal", inputs=(total,), said=None)
            step = replace(step, operator="Mul", inputs=(power, inverse))
        script.steps[name] = step
    return script


def _made(steps: dict[str, Step], name: str, operator: str) -> tuple[str, ...]:
    """What an operator makes a value of; nothing where another does."""
    step = steps[seen(steps, name)]
    return tuple(seen(steps, each) for each in step.inputs) if step.operator == operator else ()


def _softmax(steps: dict[str, Step], step: Step) -> tuple[str, str] | None:
    """The power and the sum whose ratio a step gives."""
    if step.operator != "Exp":
        return None
    found = _parts(steps, step.inputs[0]) or _by_surprisal(steps, step.inputs[0])
    return found if found is not None and steps[found[0]].shape == step.shape else None


def _parts(steps: dict[str, Step], name: str) -> tuple[str, str] | None:
    """The powers and their sum, if a value is (x - max x) - log Σ exp(x - max x)."""
    match _made(steps, name, "Sub"):
        case (shifted, log):
            for total in _made(steps, log, "Log"):
                for power in _made(steps, total, "ReduceSum"):
                    if _made(steps, power, "Exp") == (shifted,) and _shift_of(steps, shifted):
                        return power, total
    return None


def _shift_of(steps: dict[str, Step], name: str) -> str:
    """The x of x - max x."""
    match _made(steps, name, "Sub"):
        case (x, top) if _made(steps, top, "ReduceMax") == (x,):
            return x
    return ""


def _by_surprisal(steps: dict[str, Step], name: str) -> tuple[str, str] | None:
    """The same, if a value is x - (o + x at a label), o being minus the log-softmax at that label."""
    match _made(steps, name, "Sub"):
        case (x, total):
            pass
        case _:
            return None
    match _made(steps, total, "Add"):
        case (surprisal, entry):
            pass
        case _:
            return None
    for picked in _made(steps, surprisal, "Neg"):
        match _made(steps, picked, "Pick"), _made(steps, entry, "Pick"):
            case (log, label), (other, place) if (other, place) == (x, label):
                found = _parts(steps, log)
                if found is not None and _shift_of(steps, *_made(steps, found[0], "Exp")) == x:
                    return found
    return None
