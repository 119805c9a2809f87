"""A script as one function where a row's entries lie apart and those of its neighbours side by side.

Images have classes before pixels: a pass goes over the classes, and at each of them over a tile of pixels, every one
of which has its own sums. No entry waits for another of its row, and the compiler makes vector code of the pixels.
"""

from collections.abc import Sequence

from lossapi.loops.frame import COSTLY, Frame
from lossapi.loops.framing import framed
from lossapi.loops.operators import STORED, SUFFIX, TYPES
from lossapi.loops.script import Shape, Step, refused
from lossapi.loops.text import exponent_of, outside
from lossapi.loops.totals import alongside, kept_at, picked_at, require_all_rows
from lossapi.loops.writer import ASTRAY, ENTRY, NO_ROOM, Scope, Sink, Writer

TILE = 256
"""Rows that are gone through at once."""

PLACE = "place"
"""The place of an entry in its row."""


class Tiles(Writer):
    """Writes one script, each number that a row has once as one of a tile."""

    def __init__(
        self, frame: Frame, arrays: Sequence[str], results: Sequence[str], numbers: Sequence[str], axes: Sequence[str]
    ) -> None:
        super().__init__(frame, arrays, results, numbers, axes)
        self.head: list[str] = []
        self.body: list[str] = []

    def held(self, kind: str, text: str) -> str:
        """A number that each row has, kept for the passes that follow."""
        variable = self.new()
        self.before.append(f"{kind} {variable}[TILE];")
        self.row.lines.append(f"{variable}[k] = {text};")
        return f"{variable}[k]"

    def flush(self) -> None:
        """Have what each row has once made for a tile."""
        if self.row.lines:
            self.body += over_rows(self.row.lines)
            self.row.lines.clear()

    def value(self, name: str, scope: Scope) -> str:
        """The variable that holds a value, made where it belongs."""
        name = self.frame.bare(name)
        step = self.frame.step(name)
        home = self.home(name)
        while scope.kind > home and scope.above:
            scope = scope.above
        if name not in scope.made:
            kind, text = TYPES[step.dtype.name], self.expression(name, step, scope)
            if scope is self.row:
                scope.made[name] = self.held(kind, text)
            else:
                variable = scope.made[name] = self.new()
                scope.lines.append(f"const {kind} {variable} = {text};")
        return scope.made[name]

    def expression(self, name: str, step: Step, scope: Scope) -> str:
        """What a value is, in C."""
        if name in self.kept and scope.kind == ENTRY and self.kept[name] in self.row.made:
            return f"{self.kept[name]}[({scope.place}) * TILE + k]"
        return super().expression(name, step, scope)

    def _input(self, name: str, step: Step, scope: Scope) -> str:
        if step.said in self.numbers or not self.frame.span(step.shape).inner:
            return super()._input(name, step, scope)
        return self.at("const", step, self.arrays[step.said], step.said, scope)

    def at(self, const: str, step: Step, number: int, name: str, scope: Scope) -> str:
        """An entry of an array of so many."""
        outer = self.frame.span(step.shape).outer
        apart = self.apart(outer)
        if name not in self.row.made:
            pointer, kind = self.new("p"), STORED[step.dtype.name]
            self.row.made[name] = pointer
            self.head.append(f"{const} {kind} *restrict {pointer} = ({kind} *)arrays[{number}]{self.offset(outer)};")
        place = self.placed_in_tile(scope.place) if apart else scope.place
        return f"{self.row.made[name]}[{place}]"

    def placed_in_tile(self, place: str) -> str:
        """Where an entry of the k-th row stands."""
        return f"({place}) * stride + k"

    def left(self) -> str:
        """How many rows there are yet that have their entries beside those of the first."""
        return "stride - first % stride"

    def apart(self, outer: Shape) -> bool:
        """Whether rows of an array with these axes differ within a tile."""
        behind = tuple(size for size in outer if size in self.frame.behind)
        if behind not in ((), self.frame.behind):
            raise refused("entries along some of the axes")
        return bool(behind)

    def _pick(self, name: str, step: Step, scope: Scope) -> str:
        if not self.frame.span(self.frame.step(step.inputs[0]).shape).inner or self.home(step.inputs[1]) == ENTRY:
            raise refused("entries picked by entries")
        return self.value(step.inputs[0], Scope(ENTRY, self.row.lines, self.row, self.index(step)))

    def index(self, step: Step) -> str:
        """A place within each row, counted from the end where it is negative."""
        if (step.said,) != self.frame.inner or self.home(step.inputs[1]) == ENTRY:
            raise refused("an index along another axis")
        key = f"index {step.inputs[1]}"
        if key not in self.row.made:
            index = self.held("int64_t", f"(int64_t){self.value(step.inputs[1], self.row)}")
            self.row.lines += [
                f"{index} += {index} < 0 ? n : 0;",
                f"if ({index} < 0 || {index} >= n) {{ status |= {ASTRAY}; {index} = 0; }}",
            ]
            self.row.made[key] = index
        return self.row.made[key]


def over_rows(lines: Sequence[str]) -> list[str]:
    """Lines for every row of a tile."""
    head = ["for (int64_t k = 0; k < count; k++) {", "    const int64_t row = first + k;"]
    return [*head, *(f"    {line}" for line in lines), "}"]


def function(sinks: Sequence[Sink], writer: Tiles) -> str:
    """The whole function."""
    frame = writer.frame
    reductions = [name for name in frame.needed if frame.reduces(frame.step(name))]
    entries = [sink for sink in sinks if frame.span(frame.step(sink.value).shape).inner]
    stages = {sink: frame.stages[sink.value] for sink in entries}
    last = max([frame.stages[name] for name in reductions] + [stage + 1 for stage in stages.values()], default=0)
    passes = [
        ([name for name in reductions if frame.stages[name] == stage + 1], [s for s in entries if stages[s] == stage])
        for stage in range(last)
    ]
    writer.exponent = exponent_of(writer, frame.needed)
    _keep(writer, passes)
    for ours, wanted in passes:
        _one_pass(writer, ours, wanted)
    for sink in sinks:
        if sink not in entries:
            _of_row(writer, sink)
    writer.flush()
    totals = [sink.name for sink in sinks if sink.kind == "total" and sink.kept is None]
    sums = [f"sum_f64(total_{name}, TILE)" for name in totals]
    return framed(writer, f"TILE {TILE}", (), _over_tiles(writer), sums, writer.exponent)


def _keep(writer: Tiles, passes: Sequence[tuple[Sequence[str], Sequence[Sink]]]) -> None:
    """Have room for what is costly to make and needed in several passes."""
    frame, seen, kept = writer.frame, set[str](), set[str]()
    for ours, wanted in passes:
        made_of = [frame.step(name).inputs[0] for name in ours] + [sink.value for sink in wanted]
        reached = frame.reached(made_of, frozenset(seen))
        met = {e for e in reached if frame.step(e).operator in COSTLY and frame.span(frame.step(e).shape).inner}
        kept |= met & seen
        seen |= met
    for name in (each for each in frame.needed if each in kept):
        buffer, kind = writer.new("kept"), STORED[frame.step(name).dtype.name]
        writer.kept[name] = buffer
        writer.before.append(f"{kind} *restrict {buffer} = malloc((size_t)n * TILE * sizeof({kind}));")


def _one_pass(writer: Tiles, reductions: Sequence[str], sinks: Sequence[Sink]) -> None:
    """One pass over the places of a row."""
    scope = Scope(ENTRY, [], writer.row, PLACE)
    behind: list[str] = []
    results = {name: _reduced(writer, writer.frame.step(name), scope) for name in reductions}
    for sink in sinks:
        _of_entry(writer, sink, scope, behind)
    for name, buffer in writer.kept.items():
        if name in scope.made and buffer not in writer.row.made:
            scope.lines.append(f"{buffer}[{PLACE} * TILE + k] = {scope.made[name]};")
            writer.row.made[buffer] = buffer
    writer.flush()
    lines = [*over_rows(scope.lines), *behind]
    writer.body += [f"for (int64_t {PLACE} = 0; {PLACE} < n; {PLACE}++) {{", *(f"    {line}" for line in lines), "}"]
    for name, found in results.items():
        step = writer.frame.step(name)
        over = " / (double)n" if step.operator == "ReduceMean" else ""
        kind = TYPES[step.dtype.name]
        writer.row.made[name] = writer.held(kind, f"({kind})({found}{over})")


def _reduced(writer: Tiles, step: Step, scope: Scope) -> str:
    """A reduction, one number for each row of a tile."""
    value, found = writer.value(step.inputs[0], scope), writer.new("r")
    floating, name = step.dtype.kind == "f", {"ReduceMax": "max", "ReduceMin": "min"}.get(step.operator)
    kind = TYPES[step.dtype.name] if name and floating else "double" if floating else "int64_t"
    writer.before.append(f"{kind} {found}[TILE];")
    if name is None:
        start, changed = "0", f"{found}[k] + ({kind}){value}"
    elif floating:
        start = "-INFINITY" if name == "max" else "INFINITY"
        changed = f"{name}_{SUFFIX[step.dtype.name]}({found}[k], {value})"
    else:
        start = "INT32_MIN" if name == "max" else "INT32_MAX"
        changed = f"{value} {'>' if name == 'max' else '<'} {found}[k] ? {value} : {found}[k]"
    writer.row.lines.append(f"{found}[k] = {start};")
    scope.lines.append(f"{found}[k] = {changed};")
    return f"{found}[k]"


def _of_entry(writer: Tiles, sink: Sink, scope: Scope, behind: list[str]) -> None:
    """What is wanted of each entry of a row."""
    value, step = writer.value(sink.value, scope), writer.frame.step(sink.value)
    if sink.kind == "bound":
        scope.lines.append(f"bad |= {outside(writer, sink, value)};")
    elif sink.kind == "array":
        if writer.frame.span(step.shape).outer != writer.frame.outer:
            raise refused("an array that every row would write")
        scope.lines.append(f"{writer.at('', step, writer.results[sink.name], f'result {sink.name}', scope)} = {value};")
    elif alongside(writer, sink):
        buffer, suffix = writer.new("b"), "f32" if step.dtype.name == "float32" else "f64"
        writer.before.append(f"{'float' if suffix == 'f32' else 'double'} {buffer}[TILE];")
        scope.lines.append(f"{buffer}[k] = {value};")
        behind.append(f"{_total(writer, sink)} += sum_{suffix}({buffer}, count);")
    else:
        scope.lines.append(f"{_total(writer, sink)} += (double){value};")


def _of_row(writer: Tiles, sink: Sink) -> None:
    """What is wanted of a value that a row has once."""
    value, step = writer.value(sink.value, writer.row), writer.frame.step(sink.value)
    if sink.kind == "bound":
        writer.row.lines.append(f"bad |= {outside(writer, sink, value)};")
    elif sink.kind == "array":
        array = f"(({STORED[step.dtype.name]} *)arrays[{writer.results[sink.name]}])"
        writer.row.lines.append(f"{array}[{writer.row_of(writer.frame.span(step.shape).outer)}] = {value};")
    elif sink.at is not None:
        writer.row.lines.append(f"{kept_at(writer, sink, picked_at(writer, sink))} += (double){value};")
    else:
        writer.row.lines.append(f"{_total(writer, sink)} += (double){value};")


def _total(writer: Tiles, sink: Sink) -> str:
    """Where a value is added: to one number for each row of a tile, or to one of those that are kept."""
    if sink.kept is not None:
        if alongside(writer, sink) and writer.apart(writer.frame.span(sink.kept).outer):
            raise refused("a total for every entry")
        return kept_at(writer, sink, PLACE)
    require_all_rows(writer, sink)
    made, key = writer.once.made, f"total {sink.name}"
    if key not in made:
        made[key] = f"total_{sink.name}"
        writer.before.append(f"double {made[key]}[TILE] = {{0.0}};")
    return f"{made[key]}[k]"


def _over_tiles(writer: Tiles) -> list[str]:
    """The loop over tiles, none of which reaches beyond what lies behind one entry."""
    return [
        f"for (int64_t first = 0, count; first < rows && !(status & {NO_ROOM}); first += count) {{",
        f"    const int64_t row = first, left = {writer.left()};",
        "    count = left < TILE ? left : TILE;",
        *(f"    {line}" for line in (*writer.head, *writer.body)),
        "}",
    ]
