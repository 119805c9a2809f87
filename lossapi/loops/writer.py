"""The values of a script as lines of C: each made once, where it is the same for all, for a row, or for an entry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lossapi.loops.frame import Frame, counted
from lossapi.loops.operators import STORED, SUFFIX, TYPES, literal, written
from lossapi.loops.ranges import idle, not_positive, not_subnormal
from lossapi.loops.script import Shape, Step, refused

OUTSIDE, ASTRAY, NO_ROOM = 1, 2, 4
"""What a function says: a number outside its bounds, an index outside its axis, no memory."""

ENTRY_PLACE = "start + k"
"""The place of an entry in its row, in a pass."""

PLACED = ("Input", "Constant", "Range", "Put")
"""What makes an entry from its place."""

ROWS = 128
"""Rows whose own numbers are finished together."""


@dataclass(frozen=True)
class Sink:
    """What is wanted: a value as an `array`, its `total`, or whether it is within bounds, numbers of these names.

    A `total` keeps axes that are named, or goes to the place that an index says, `at` each row; a `bound` may also be
    a few `values`, of which one must be met.
    """

    kind: str
    name: str
    value: str
    low: str | None = None
    high: str | None = None
    kept: Shape | None = None
    at: str | None = None
    values: tuple[float, ...] = ()


@dataclass
class Scope:
    """Lines that see an entry, a row, or what is the same for all; and the variables they have made.

    `exact` says that they are not to run beyond the row, where the entries of the next one are.
    """

    kind: int
    lines: list[str]
    above: "Scope | None" = None
    place: str = ""
    made: dict[str, str] = field(default_factory=dict)
    exact: bool = False


ONCE, ROW, ENTRY = 0, 1, 2


class Writer:
    """Writes one script.

    Its arguments are in the order in which the function takes them: arrays, then `results`, which it fills; numbers;
    and the sizes of axes.
    """

    name = "kernel"

    def __init__(
        self, frame: Frame, arrays: Sequence[str], results: Sequence[str], numbers: Sequence[str], axes: Sequence[str]
    ) -> None:
        self.frame, self.script = frame, frame.script
        self.arrays = {name: i for i, name in enumerate(arrays)}
        self.results = {name: i for i, name in enumerate(results, len(arrays))}
        self.numbers = {name: i for i, name in enumerate(numbers)}
        self.axes = {name: i for i, name in enumerate(axes)}
        self.once = Scope(ONCE, [])
        self.row = Scope(ROW, [], self.once)
        self.kept: dict[str, str] = {}
        self.before: list[str] = []
        self.late: Scope | None = None
        self.picks: dict[tuple[str, bool], Scope] = {}
        self.after: list[str] = []
        self.exponent: int | None = None
        self._made = 0

    def new(self, stem: str = "v") -> str:
        """A name not given yet."""
        self._made += 1
        return f"{stem}{self._made}"

    def home(self, name: str) -> int:
        """Which lines make a value: as few times as it differs."""
        span = self.frame.span(self.frame.step(name).shape)
        return ENTRY if span.inner else ROW if span.outer or self.frame.stages[name] else ONCE

    def behind(self) -> Scope:
        """The lines that finish many rows at a time, after all passes over each."""
        self.late = Scope(ROW, [], self.once)
        return self.late

    def value(self, name: str, scope: Scope) -> str:
        """The variable that holds a value, made where it belongs."""
        name = self.frame.bare(name)
        step = self.frame.step(name)
        home = self.home(name)
        while scope.kind > home and scope.above:
            scope = scope.above
        origin = self._origin(name, step, scope)
        if name not in scope.made and origin is not None:
            scope.made[name] = self._carried(name, TYPES[step.dtype.name], scope, origin)
        if name not in scope.made:
            text = self.expression(name, step, scope)
            variable = self.new()
            scope.lines.append(f"const {TYPES[step.dtype.name]} {variable} = {text};")
            scope.made[name] = variable
        return scope.made[name]

    def _origin(self, name: str, step: Step, scope: Scope) -> Scope | None:
        """From where a value is carried to the lines that finish many rows: what these cannot make themselves."""
        if scope is self.late and name in self.row.made:
            return self.row
        if self.late is None or scope.above is not self.late:
            return None
        return self._picked(scope.place, self.row) if step.operator in PLACED or name in self.kept else None

    def _carried(self, name: str, kind: str, scope: Scope, origin: Scope) -> str:
        """A value of a row, where many rows are finished."""
        buffer, variable, made = self.new("w"), self.new(), self.value(name, origin)
        self.before.append(f"{kind} {buffer}[{ROWS}];")
        self.row.lines.append(f"{buffer}[row - first] = {made};")
        scope.lines.append(f"const {kind} {variable} = {buffer}[k];")
        return variable

    def _picked(self, place: str, above: Scope) -> Scope:
        """The lines that make one entry of a row, among those of the row or where many are finished."""
        late = above is self.late
        if (place, late) not in self.picks:
            self.picks[place, late] = Scope(ENTRY, above.lines, above, place)
        return self.picks[place, late]

    def expression(self, name: str, step: Step, scope: Scope) -> str:
        """What a value is, in C."""
        if name in self.kept and scope.kind == ENTRY and self.kept[name] in self.row.made:
            return f"{self.kept[name]}[{scope.place}]"
        own = getattr(self, f"_{step.operator.lower()}", None)
        if own is not None:
            text: str = own(name, step, scope)
            return text
        dtype = self.frame.step(step.inputs[0]).dtype
        arguments = [self.value(each, scope) for each in step.inputs]
        return written(self._operator(step), dtype, arguments, [self._known(each) for each in step.inputs])

    def _operator(self, step: Step) -> str:
        """The operator, or one that is the same where its argument can be and takes fewer steps."""
        if step.operator == "Exp" and not_positive(self.script.steps, step.inputs[0]):
            return "ExpDown"
        if step.operator == "Log" and not_subnormal(self.script.steps, step.inputs[0]):
            return "LogSound"
        return step.operator

    def _known(self, name: str) -> Any:
        step = self.frame.step(name)
        return step.said.reshape(-1)[0] if step.operator == "Constant" and step.said.size == 1 else None

    def _input(self, name: str, step: Step, scope: Scope) -> str:
        if step.said in self.numbers:
            return "exponent" if self.numbers[step.said] == self.exponent else f"numbers[{self.numbers[step.said]}]"
        array = f"((const {STORED[step.dtype.name]} *)arrays[{self.arrays[step.said]}])"
        span = self.frame.span(step.shape)
        if not span.inner:
            return f"{array}[{self.row_of(span.outer)}]"
        scope.exact |= span.outer != self.frame.outer
        return f"{self.pointer(step)}[{self.placed(scope.place, span.outer)}]"

    def pointer(self, step: Step) -> str:
        """Where the entries of an array begin, of this row if it has rows."""
        outer = self.frame.span(step.shape).outer
        home = self.row if outer else self.once
        if step.said not in home.made:
            kind, pointer = STORED[step.dtype.name], self.new("p")
            array = f"((const {kind} *)arrays[{self.arrays[step.said]}])"
            home.lines.append(f"const {kind} *restrict {pointer} = {array}{self.offset(outer)};")
            home.made[step.said] = pointer
        return home.made[step.said]

    def row_of(self, outer: Shape) -> str:
        """Which row of an array with these of the outer axes a row sees."""
        if outer == self.frame.outer:
            return "row" if outer else "0"
        places = [(i, size) for i, size in enumerate(self.frame.outer) if size in outer]
        parts = [
            f"row / ({self.entries(self.frame.outer[place + 1 :])}) % ({self.entries((size,))}) * "
            f"({self.entries(outer[i + 1 :])})"
            for i, (place, size) in enumerate(places)
        ]
        return f"({' + '.join(parts) or '0'})"

    def entries(self, shape: Shape) -> str:
        """How many entries a shape has, as an expression."""
        return " * ".join(counted(size, self.axes) for size in shape) or "1"

    def offset(self, outer: Shape) -> str:
        """Where a row begins in an array with these of the outer axes."""
        row, stride = self.row_of(outer), self.stride(outer)
        if not outer:
            return ""
        return f" + {row} / ({stride}) * ({stride}) * n + {row} % ({stride})" if stride else f" + {row} * n"

    def stride(self, outer: Shape) -> str:
        """How far apart the entries of a row are in an array with these of the outer axes, if not side by side."""
        behind = tuple(size for size in self.frame.behind if size in outer)
        return "" if not behind else "stride" if behind == self.frame.behind else self.entries(behind)

    def placed(self, place: str, outer: Shape) -> str:
        """Where an entry stands, seen from there."""
        stride = self.stride(outer)
        return f"({place}) * ({stride})" if stride else place

    def _constant(self, name: str, step: Step, scope: Scope) -> str:
        entries = [literal(each, step.dtype) for each in step.said.reshape(-1)]
        if len(entries) == 1:
            return entries[0]
        scope.exact = True
        if name not in self.once.made:
            table = self.once.made[name] = self.new("c")
            kind = STORED[step.dtype.name]
            self.once.lines.append(f"static const {kind} {table}[] = {{{', '.join(entries)}}};")
        return f"{self.once.made[name]}[{scope.place}]"

    def _size(self, name: str, step: Step, scope: Scope) -> str:
        return counted(step.said, self.axes)

    def _range(self, name: str, step: Step, scope: Scope) -> str:
        span = self.frame.span(step.shape)
        return f"(int64_t)({scope.place if span.inner else self.row_of(span.outer)})"

    def _cast(self, name: str, step: Step, scope: Scope) -> str:
        given = self.value(step.inputs[0], scope)
        return f"{given} != 0" if step.dtype.kind == "b" else f"({TYPES[step.dtype.name]}){given}"

    def _where(self, name: str, step: Step, scope: Scope) -> str:
        asked = self._known(step.inputs[0])
        if asked is not None or idle(self.script.steps, step):
            return self.value(step.inputs[1 if asked else 2], scope)
        condition, one, two = (self.value(each, scope) for each in step.inputs)
        suffix = SUFFIX.get(step.dtype.name)
        if suffix and self._nothing(step.inputs[1]):
            return f"unless_{suffix}({condition}, {two})"
        if suffix and self._nothing(step.inputs[2]):
            return f"unless_{suffix}(!{condition}, {one})"
        return f"{condition} ? {one} : {two}"

    def _nothing(self, name: str) -> bool:
        """Whether a value is 0 without a sign."""
        known = self._known(name)
        return known is not None and known == 0 and not math.copysign(1.0, known) < 0

    def _pick(self, name: str, step: Step, scope: Scope) -> str:
        """An entry by its place: what makes the entries, written once more for that one."""
        if not self.frame.span(self.frame.step(step.inputs[0]).shape).inner or self.home(step.inputs[1]) == ENTRY:
            raise refused("entries picked by entries")
        return self.value(step.inputs[0], self._picked(self.index(step), scope))

    def _put(self, name: str, step: Step, scope: Scope) -> str:
        x, value = (self.value(each, scope) for each in (step.inputs[0], step.inputs[2]))
        place = "(int32_t)start + k" if scope.place == ENTRY_PLACE else f"(int32_t)({scope.place})"
        return f"{place} == (int32_t){self.index(step)} ? {value} : {x}"

    def index(self, step: Step) -> str:
        """A place within the row, counted from the end where it is negative."""
        if (step.said,) != self.frame.inner or self.home(step.inputs[1]) == ENTRY:
            raise refused("an index along another axis")
        key = f"index {step.inputs[1]}"
        if key not in self.row.made:
            given, index = self.value(step.inputs[1], self.row), self.new("i")
            self.row.lines += [
                f"int64_t {index} = (int64_t){given};",
                f"{index} += {index} < 0 ? n : 0;",
                f"if ({index} < 0 || {index} >= n) {{ status |= {ASTRAY}; {index} = 0; }}",
            ]
            self.row.made[key] = index
        return self.row.made[key]
