"""Which values of a script have room of their own in a row, and within which loops through time each changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lossapi.loops.frame import COSTLY, REDUCTIONS, ROWS, Frame
from lossapi.loops.script import Shape, Step, refused

CHANGING = ("AddAt", "AddAlong", "Put")
CARRIED = ("Held", "Carried", "Gathered")
COMBINED = frozenset(("Concat", "CumSum", *CHANGING, *CARRIED))
"""What has room of its own, as it is made of several, or bit by bit."""

SHOWN = ("Seen", "Expand", "Transpose")
VIEWS = frozenset((*SHOWN, "Slice", "Flip", "Cast", "Entry"))
DEAR = 8
"""How many steps a value takes that is kept where two need it."""


@dataclass
class Keeping:
    """What a script says of its values, of which some are wanted."""

    frame: Frame
    wanted: Sequence[str]

    def step(self, name: str) -> Step:
        """What makes a value."""
        return self.frame.step(name)

    def along(self, shape: Shape) -> Shape:
        """The axes that a row has, no two alike."""
        found = tuple(size for size in shape if size not in (1, ROWS))
        if len(set(found)) < len(found) or sum(size == ROWS for size in shape) > 1:
            raise refused("axes that are alike")
        return found

    def over(self, step: Step) -> Shape:
        """The axes that a reduction goes over."""
        sizes = tuple(size for size in step.said if size != 1)
        if ROWS in sizes:
            raise refused("rows that see each other")
        return sizes

    def bare(self, name: str) -> str:
        """The value that another merely shows."""
        step = self.step(name)
        while step.operator in SHOWN or (step.operator in REDUCTIONS and not self.over(step)):
            name = step.inputs[0]
            step = self.step(name)
        return name

    @cached_property
    def within(self) -> dict[str, frozenset[str]]:
        """The loops through time that each value changes in."""
        found: dict[str, frozenset[str]] = {}
        for name in self.frame.needed:
            step = self.step(name)
            own = {step.said} if step.operator in ("Held", "Entry") else set()
            found[name] = frozenset(own.union(*(found[each] for each in step.inputs)) - {name})
        return found

    @cached_property
    def uses(self) -> dict[str, int]:
        """How many others need each value."""
        found = {name: self.wanted.count(name) for name in self.frame.needed}
        for name in reversed(self.frame.needed):
            step = self.step(name)
            for each in step.inputs:
                found[each] += max(found[name], 1) if step.operator in VIEWS else 1
        return found

    def apart(self, name: str) -> bool:
        """Whether a value has room of its own."""
        step = self.step(name)
        if step.operator in COMBINED:
            return True
        if not self.along(step.shape) or step.operator in VIEWS:
            return False
        return step.operator in REDUCTIONS or (self.uses[name] > 1 and self._effort(name) >= DEAR)

    def _effort(self, name: str) -> int:
        """How many steps a value takes, once what has room of its own is there."""
        step = self.step(name)
        own = DEAR if step.operator in COSTLY else int(bool(step.inputs) and step.operator not in VIEWS)
        for each in step.inputs:
            if own < DEAR and not self.apart(each):
                own += self._effort(each)
        return own

    def results(self, course: str) -> list[str]:
        """What is needed of all that a loop through time gives."""
        steps = [(name, self.step(name)) for name in self.frame.needed]
        return [name for name, step in steps if step.operator in ("Carried", "Gathered") and step.inputs == (course,)]
