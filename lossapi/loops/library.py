"""The text of a library for a script, by whoever writes such scripts."""

from collections.abc import Sequence

from lossapi.loops import narrow, rooms
from lossapi.loops.frame import ROWS, Frame, everything
from lossapi.loops.framing import included
from lossapi.loops.narrow import Order
from lossapi.loops.parts import cut
from lossapi.loops.program import Program
from lossapi.loops.script import Script, Shape
from lossapi.loops.writer import Sink


def text_of(script: Script, shapes: Sequence[Shape], sinks: Sequence[Sink], order: Order) -> str:
    """The text of one function, which takes inputs of these shapes and fills what is wanted in some order."""
    wanted = [sink.value for sink in sinks]
    needed = everything(script, wanted)
    if any(script.steps[name].operator == "Sweep" for name in needed):
        return included(rooms.function(sinks, Frame(script, needed, (ROWS,), (), ()), *order))
    parts = cut(script, sinks)
    if parts is not None:
        return Program(parts, *order).text()
    return narrow.function(Frame.of(script, shapes, wanted), sinks, order)
