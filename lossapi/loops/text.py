"""A script as one function in C: its passes over each row, in blocks that stay in the nearest cache.

    int kernel(void *const *arrays, const double *numbers, const int64_t *sizes, double *totals)

Within a block each entry stands alone, so that the compiler makes vector code of it; what is to be added up or
compared goes through a small buffer to functions of `mathematics.h` with a fixed number of lanes.

A row is made in whole vectors: some entries beyond its end, which are those of the row that follows and are written
anew with it; the last row ends where it ends. What a row has once, and no pass needs, is made for many rows at a time.
"""

from collections.abc import Sequence

from lossapi.loops.frame import COSTLY, Frame, everything
from lossapi.loops.framing import framed
from lossapi.loops.operators import STORED, SUFFIX, TYPES
from lossapi.loops.script import Step, refused
from lossapi.loops.totals import alongside, kept_at, picked_at, require_all_rows
from lossapi.loops.writer import ENTRY, ENTRY_PLACE, NO_ROOM, ROWS, Scope, Sink, Writer

BLOCK = 512
"""Entries of a row that are gone through at once."""

SPARE = 16
"""Places behind a block that may be written to: the entries of the row that follows, made in vain."""


EXTREME = {"ReduceMax": ("largest", "-"), "ReduceMin": ("smallest", "")}
"""What finds an extreme, and the sign of the infinity that it starts from."""


def function(sinks: Sequence[Sink], writer: Writer) -> str:
    """The whole function."""
    frame = writer.frame
    stages = {sink: frame.stages[sink.value] for sink in sinks}
    needed = everything(writer.script, [sink.value for sink in sinks])
    reductions = [name for name in needed if frame.reduces(frame.step(name))]
    entries = [sink for sink in sinks if frame.span(frame.step(sink.value).shape).inner]
    last = max([frame.stages[name] for name in reductions] + [stages[sink] + 1 for sink in entries], default=0)
    through = {frame.stages[name] - 1 for name in reductions if not _direct(frame, frame.step(name))}
    for sink in entries:
        while stages[sink] not in through and stages[sink] + 1 < last:
            stages[sink] += 1
    totals = [sink for sink in sinks if sink.kind == "total" and sink.kept is None]
    writer.exponent = exponent_of(writer, needed)
    kept: set[str] = set()
    seen: set[str] = set()
    for stage in range(last):
        ours = [name for name in reductions if frame.stages[name] == stage + 1]
        wanted = [frame.step(name).inputs[0] for name in ours] + [s.value for s in entries if stages[s] == stage]
        met = {each for each in frame.reached(wanted, frozenset(seen)) if _costly(frame, each)}
        kept |= met & seen
        seen |= met
    _passes(writer, sinks, reductions, entries, stages, last, kept, totals)
    ahead = [f"double total{i} = 0.0;" for i in range(len(totals))]
    sums = [f"total{i}" for i in range(len(totals))]
    return framed(writer, f"BLOCK {BLOCK}", ahead, _over_rows(writer), sums, writer.exponent)


def exponent_of(writer: Writer, names: Sequence[str]) -> int | None:
    """The place of the number that a power's exponent is made of, if one is."""
    powers = [step for step in map(writer.frame.step, names) if step.operator == "Pow"]
    made_of = everything(writer.script, [step.inputs[1] for step in powers])
    inputs = [step.said for step in map(writer.frame.step, made_of) if step.operator == "Input"]
    found = [writer.numbers[name] for name in inputs if name in writer.numbers]
    return found[0] if found else None


def _costly(frame: Frame, name: str) -> bool:
    step = frame.step(name)
    return step.operator in COSTLY and frame.span(step.shape).inner


def _passes(
    writer: Writer,
    sinks: Sequence[Sink],
    reductions: Sequence[str],
    entries: Sequence[Sink],
    stages: dict[Sink, int],
    last: int,
    kept: set[str],
    totals: Sequence[Sink],
) -> None:
    """Every pass, and what is then known of the row."""
    frame = writer.frame
    for name in sorted(kept, key=list(writer.script.steps).index):
        buffer, kind = writer.new("kept"), STORED[frame.step(name).dtype.name]
        writer.kept[name] = buffer
        writer.before.append(f"{kind} *restrict {buffer} = malloc((size_t)(n + {SPARE}) * sizeof({kind}));")
    for stage in range(last):
        ours = [name for name in reductions if frame.stages[name] == stage + 1]
        one_pass(writer, ours, [sink for sink in entries if stages[sink] == stage], totals)
    of_rows = [sink for sink in sinks if sink not in entries]
    scope = writer.behind() if of_rows and frame.outer else writer.row
    for sink in of_rows:
        _of_row(writer, sink, scope, totals)


def _of_row(writer: Writer, sink: Sink, scope: Scope, totals: Sequence[Sink]) -> None:
    """What is wanted of a value that a row has once."""
    value, step = writer.value(sink.value, scope), writer.frame.step(sink.value)
    if sink.kind == "bound":
        scope.lines.append(f"bad |= {outside(writer, sink, value)};")
    elif sink.kind == "array":
        place = writer.row_of(writer.frame.span(step.shape).outer)
        scope.lines.append(f"(({STORED[step.dtype.name]} *)arrays[{writer.results[sink.name]}])[{place}] = {value};")
    elif sink.at is not None:
        index = picked_at(writer, sink)
        if scope is writer.late:
            buffer = writer.new("w")
            writer.before.append(f"int64_t {buffer}[{ROWS}];")
            writer.row.lines.append(f"{buffer}[row - first] = {index};")
            index = f"{buffer}[k]"
        scope.lines.append(f"{kept_at(writer, sink, index)} += (double){value};")
    elif scope is writer.row or sink.kept is not None:
        scope.lines.append(f"{_total(writer, sink, totals)} += (double){value};")
    else:
        buffer, kind, suffix = writer.new("t"), *_summed(step)
        writer.before.append(f"{kind} {buffer}[{ROWS}];")
        scope.lines.append(f"{buffer}[k] = {value};")
        writer.after.append(f"{_total(writer, sink, totals)} += sum_{suffix}({buffer}, count);")


def _summed(step: Step) -> tuple[str, str]:
    """The kind of numbers that are added up, and the ending of what adds them."""
    return ("float", "f32") if step.dtype.name == "float32" else ("double", "f64")


def _total(writer: Writer, sink: Sink, totals: Sequence[Sink]) -> str:
    """Where a value is added."""
    if sink.kept is not None:
        return kept_at(writer, sink, writer.placed(ENTRY_PLACE, writer.frame.span(sink.kept).outer))
    require_all_rows(writer, sink)
    return f"total{totals.index(sink)}"


def outside(writer: Writer, sink: Sink, value: str) -> str:
    """Whether a number is outside its bounds; NaN is inside."""
    kind = TYPES[writer.frame.step(sink.value).dtype.name]
    if sink.values:
        others = " & ".join(f"({value} != ({kind}){each!r})" for each in sink.values)
        return f"({value} == {value}) & {others}"
    ends = [(sign, end) for sign, end in (("<", sink.low), (">", sink.high)) if end is not None]
    for _, end in ends:
        if end not in writer.once.made:
            writer.once.made[end] = writer.new()
            writer.once.lines.append(f"const {kind} {writer.once.made[end]} = ({kind})numbers[{writer.numbers[end]}];")
    return " | ".join(f"({value} {sign} {writer.once.made[end]})" for sign, end in ends)


def one_pass(writer: Writer, reductions: Sequence[str], sinks: Sequence[Sink], totals: Sequence[Sink]) -> None:
    """One pass over the row."""
    scope = Scope(ENTRY, [], writer.row, ENTRY_PLACE)
    ahead: list[str] = []
    buffers: list[str] = []
    behind: list[str] = []
    after: list[str] = []
    results: dict[str, str] = {}
    for name in reductions:
        step = writer.frame.step(name)
        direct = _direct(writer.frame, step)
        reduced = _extreme(writer, step) if direct else _reduced(writer, step, scope, buffers, behind, ahead)
        result = results[name] = writer.new()
        over = " / (double)n" if step.operator == "ReduceMean" else ""
        after.append(f"const {TYPES[step.dtype.name]} {result} = ({TYPES[step.dtype.name]})({reduced}{over});")
    for sink in sinks:
        _of_entry(writer, sink, scope, buffers, behind, totals)
    for name, buffer in writer.kept.items():
        if name in scope.made and buffer not in writer.row.made:
            scope.lines.append(f"{buffer}[{ENTRY_PLACE}] = {scope.made[name]};")
            writer.row.made[buffer] = buffer
    exact = scope.exact or not writer.frame.outer or writer.frame.behind
    loop = [
        "for (int64_t start = 0; start < n; start += BLOCK) {",
        "    const int64_t m = n - start < BLOCK ? n - start : BLOCK;",
        f"    const int32_t end = (int32_t){'m' if exact else 'whole(m, (rows - row) * n - start)'};",
        *(f"    {line}" for line in buffers),
        "    for (int32_t k = 0; k < end; k++) {",
        *(f"        {line}" for line in scope.lines),
        "    }",
        *(f"    {line}" for line in behind),
        "}",
    ]
    writer.row.lines += ahead + (loop if scope.lines else []) + after
    writer.row.made |= results


def _direct(frame: Frame, step: Step) -> bool:
    """Whether a reduction is the extreme of an array as it was given, which takes no pass of its own."""
    x = frame.seen(step.inputs[0])
    return step.operator in EXTREME and step.dtype.kind == "f" and x.operator == "Input" and not frame.behind


def _extreme(writer: Writer, step: Step) -> str:
    """The largest or smallest entry of an array as it was given."""
    function, start = EXTREME[step.operator]
    return (
        f"{function}_{SUFFIX[step.dtype.name]}({start}INFINITY, {writer.pointer(writer.frame.seen(step.inputs[0]))}, n)"
    )


def _reduced(writer: Writer, step: Step, scope: Scope, buffers: list[str], behind: list[str], ahead: list[str]) -> str:
    """A reduction of a value: through a buffer where the order or NaN matters, else entry by entry."""
    value, found = writer.value(step.inputs[0], scope), writer.new("r")
    kind, extreme = TYPES[step.dtype.name], step.operator in EXTREME
    sign = ">" if step.operator == "ReduceMax" else "<"
    if step.dtype.kind != "f":
        scope.exact = True
        least = "INT32_MIN" if sign == ">" else "INT32_MAX"
        ahead.append(f"int64_t {found} = {least if extreme else 0};")
        changed = f"{value} {sign} {found} ? {value} : {found}" if extreme else f"{found} + {value}"
        scope.lines.append(f"{found} = {changed};")
        return found
    buffer, suffix = f"b{found}", SUFFIX[step.dtype.name]
    buffers.append(f"{kind} {buffer}[BLOCK + {SPARE}];")
    scope.lines.append(f"{buffer}[k] = {value};")
    if extreme:
        function, start = EXTREME[step.operator]
        ahead.append(f"{kind} {found} = {start}INFINITY;")
        behind.append(f"{found} = {function}_{suffix}({found}, {buffer}, m);")
    else:
        ahead.append(f"double {found} = 0.0;")
        behind.append(f"{found} += sum_{suffix}({buffer}, m);")
    return found


def _of_entry(
    writer: Writer, sink: Sink, scope: Scope, buffers: list[str], behind: list[str], totals: Sequence[Sink]
) -> None:
    """What is wanted of each entry of a row."""
    value, step = writer.value(sink.value, scope), writer.frame.step(sink.value)
    if sink.kind == "bound":
        scope.lines.append(f"bad |= {outside(writer, sink, value)};")
    elif sink.kind == "total" and alongside(writer, sink):
        scope.exact = True
        scope.lines.append(f"{_total(writer, sink, totals)} += (double){value};")
    elif sink.kind == "total":
        buffer = writer.new("t")
        kind, suffix = _summed(step)
        buffers.append(f"{kind} {buffer}[BLOCK + {SPARE}];")
        scope.lines.append(f"{buffer}[k] = {value};")
        behind.append(f"{_total(writer, sink, totals)} += sum_{suffix}({buffer}, m);")
    else:
        kind, pointer = STORED[step.dtype.name], writer.new("o")
        outer = writer.frame.span(step.shape).outer
        if outer != writer.frame.outer:
            raise refused("an array that every row would write")
        array = f"({kind} *)arrays[{writer.results[sink.name]}]{writer.offset(outer)}"
        writer.row.lines.append(f"{kind} *restrict {pointer} = {array};")
        scope.lines.append(f"{pointer}[{writer.placed(ENTRY_PLACE, outer)}] = {value};")


def _over_rows(writer: Writer) -> list[str]:
    """The loop over rows; where something is left to do that a row has once, it is done for many rows at a time."""
    body = [f"    {line}" for line in writer.row.lines]
    if writer.late is None:
        return [f"for (int64_t row = 0; row < rows && !(status & {NO_ROOM}); row++) {{", *body, "}"]
    return [
        f"for (int64_t first = 0; first < rows && !(status & {NO_ROOM}); first += {ROWS}) {{",
        f"    const int64_t count = rows - first < {ROWS} ? rows - first : {ROWS};",
        "    for (int64_t row = first; row < first + count; row++) {",
        *(f"    {line}" for line in body),
        "    }",
        "    for (int64_t k = 0; k < count; k++) {",
        "        const int64_t row = first + k;",
        *(f"        {line}" for line in writer.late.lines),
        "    }",
        *(f"    {line}" for line in writer.after),
        "}",
    ]
