"""Where a loop adds up: a number, or as many as there are along the axes that a total keeps."""

import numpy as np

from lossapi.loops.script import Step, refused
from lossapi.loops.writer import ENTRY, Sink, Writer


def alongside(writer: Writer, sink: Sink) -> bool:
    """Whether there is a total for each entry of a row."""
    return any(size in writer.frame.inner for size in sink.kept or ())


def require_all_rows(writer: Writer, sink: Sink) -> None:
    """Refuse a total of what is the same for some rows: it would be added for each of them."""
    if writer.frame.span(writer.frame.step(sink.value).shape).outer != writer.frame.outer:
        raise refused("a total of what is the same for some rows")


def kept_at(writer: Writer, sink: Sink, place: str) -> str:
    """The one of the totals that are kept to which a value is added, all of them 0 at first."""
    made, key, sizes = writer.once.made, f"total {sink.name}", sink.kept or ()
    require_all_rows(writer, sink)
    if key not in made:
        pointer = made[key] = writer.new("t")
        writer.once.lines += [
            f"double *restrict {pointer} = arrays[{writer.results[sink.name]}];",
            f"memset({pointer}, 0, (size_t)({writer.entries(sizes)}) * sizeof(double));",
        ]
    span = writer.frame.span(sizes)
    if not span.inner:
        return f"{made[key]}[{writer.row_of(span.outer)}]"
    return f"{made[key]}[{place}{writer.offset(span.outer)}]"


def picked_at(writer: Writer, sink: Sink) -> str:
    """The place within the row at which a value that the row has once is added."""
    size = (sink.kept or ())[0]
    if writer.home(sink.value) == ENTRY or sink.at is None:
        raise refused("entries added at places of their own")
    return writer.index(Step("Pick", ("", sink.at), np.dtype(np.int64), (), size))
