"""Reductions within a row: over one axis or several, each for every entry along the others.

They go over the last of the axes in blocks, through a buffer, to functions with a fixed number of lanes.
"""

from lossapi.graphs.dims import Size
from lossapi.loops.nests import SPARE, Nests, View, looped
from lossapi.loops.operators import SUFFIX, TYPES
from lossapi.loops.script import Step

EXTREME = {"ReduceMax": ("largest", "-", ">"), "ReduceMin": ("smallest", "", "<")}
"""What finds an extreme, the sign of the infinity that it starts from, and what is better."""


def reduced(writer: Nests, step: Step, view: View) -> str:
    """A reduction: through blocks of the last of the axes, for each entry along the others."""
    *outer, last = writer.keeping.over(step)
    kind, name = TYPES[step.dtype.name], EXTREME.get(step.operator)
    found, floating = writer.new("r"), step.dtype.kind == "f"
    start = "0" if name is None else f"{name[1]}INFINITY" if floating else f"INT32_{'MIN' if name[1] else 'MAX'}"
    view.lines.append(f"{kind if name else 'double' if floating else 'int64_t'} {found} = {start};")
    with writer.nest(tuple(outer), view) as inner:
        if floating and name is not None and _lies(writer, step.inputs[0], last):
            x = writer.frame.step(writer.bare(step.inputs[0]))
            first = f"&{writer.array(x)}[{writer.within_array(x.shape, {**inner.places, last: '0'})}]"
            inner.lines.append(f"{found} = {name[0]}_{SUFFIX[step.dtype.name]}({found}, {first}, {writer.size(last)});")
        elif floating:
            inner.lines += _blocks(writer, step, last, inner, found)
        else:
            with writer.nest((last,), inner) as entry:
                value = writer.value(step.inputs[0], entry)
                changed = f"{value} {name[2]} {found} ? {value} : {found}" if name else f"{found} + {value}"
                entry.lines.append(f"{found} = {changed};")
    sizes = " * ".join(map(writer.size, writer.keeping.over(step)))
    return f"({kind})({found}{f' / (double)({sizes})' if step.operator == 'ReduceMean' else ''})"


def _lies(writer: Nests, name: str, size: Size) -> bool:
    """Whether a value is an array as it was given, its entries along an axis side by side."""
    step = writer.frame.step(writer.bare(name))
    return step.operator == "Input" and step.shape[-1:] == (size,)


def _blocks(writer: Nests, step: Step, size: Size, view: View, found: str) -> list[str]:
    """A reduction through blocks: what adds up or compares goes over a buffer in fixed lanes."""
    kind, suffix = TYPES[step.dtype.name], SUFFIX[step.dtype.name]
    buffer, start, index, n = writer.new("b"), writer.new("s"), writer.new("k"), writer.size(size)
    block = View(view.kind + 1, [], view, places=view.places)
    entry = View(view.kind + 2, [], block, places={**view.places, size: f"({start} + {index})"})
    writer.levels |= {start: block, index: entry}
    entry.lines.append(f"{buffer}[{index}] = {writer.value(step.inputs[0], entry)};")
    name = EXTREME.get(step.operator)
    taken = f"= {name[0]}_{suffix}({found}, {buffer}, m)" if name else f"+= sum_{suffix}({buffer}, m)"
    return [
        f"for (int64_t {start} = 0; {start} < {n}; {start} += BLOCK) {{",
        f"    const int64_t m = {n} - {start} < BLOCK ? {n} - {start} : BLOCK;",
        f"    {kind} {buffer}[BLOCK + {SPARE}];",
        *(f"    {line}" for line in block.lines),
        *(f"    {line}" for line in looped(index, "(int32_t)m", entry.lines, "int32_t")),
        f"    {found} {taken};",
        "}",
    ]
