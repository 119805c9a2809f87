"""What has room of its own in a row: how it is made there, and the loops through time that carry it on.

What such a loop holds is made anew beside it, and takes its place after each step.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lossapi.loops.courses import Course
from lossapi.loops.frame import REDUCTIONS, ROWS, Frame
from lossapi.loops.framing import framed
from lossapi.loops.keeping import Keeping
from lossapi.loops.nests import Nests, View, looped
from lossapi.loops.operators import STORED
from lossapi.loops.reduced import reduced
from lossapi.loops.script import Step, refused
from lossapi.loops.text import BLOCK, outside
from lossapi.loops.writer import Scope, Sink


class Rooms(Nests):
    """Writes one script: `turns` has the variables that say where each loop through time is."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.turns: dict[str, str] = {}

    def fill(self, name: str, step: Step, view: View, room: str) -> None:
        """Have a value made in its room."""
        own = getattr(self, f"_fill_{step.operator.lower()}", None)
        if own is not None:
            own(step, view, room)
            return
        shape = self.along(step.shape)
        with self.nest(shape, view, whole=True) as entry:
            text = self.expression(name, step, entry)
            entry.lines.append(f"{room}[{self.within_room(shape, entry.places)}] = {text};")

    def store(self, name: str, view: View, room: str) -> None:
        """Put a value into a room of its shape."""
        shape = self.along(self.frame.step(name).shape)
        with self.nest(shape, view, whole=True) as entry:
            value = self.value(name, entry)
            entry.lines.append(f"{room}[{self.within_room(shape, entry.places)}] = {value};")

    def expression(self, name: str, step: Step, scope: Scope) -> str:
        """What a value is, in C."""
        if step.operator not in REDUCTIONS:
            return super().expression(name, step, scope)
        assert isinstance(scope, View)
        return reduced(self, step, scope)

    def _fill_concat(self, step: Step, view: View, room: str) -> None:
        """Arrays one after another: vectors of each may reach into the next, which comes after it."""
        shape = self.along(step.shape)
        for each, cut in zip(step.inputs, step.said, strict=True):
            part = self.along(self.frame.step(each).shape)
            with self.nest(part, view, whole=cut.part != 1 or shape[-1] != cut.whole) as entry:
                place = self.within_room(shape, self.moved([cut], entry.places))
                entry.lines.append(f"{room}[{place}] = {self.value(each, entry)};")

    def _fill_cumsum(self, step: Step, view: View, room: str) -> None:
        """Running sums."""
        shape, running = self.along(step.shape), self.new("r")
        if step.said == ROWS:
            raise refused("rows that see each other")
        with self.nest(tuple(size for size in shape if size != step.said), view) as one:
            one.lines.append(f"{'double' if step.dtype.kind == 'f' else 'int64_t'} {running} = 0;")
            with self.nest((step.said,), one) as entry:
                entry.lines.append(f"{running} += {self.value(step.inputs[0], entry)};")
                entry.lines.append(f"{room}[{self.within_room(shape, entry.places)}] = {running};")

    def _fill_addat(self, step: Step, view: View, room: str) -> None:
        """Values added to some entries of some axes; whole vectors of them where nothing stands behind these."""
        self._copied(step, view, room)
        shape = self.along(step.shape)
        self.require_within(step.said)
        last = [cut for cut in step.said if (cut.whole,) == shape[-1:]]
        free = not last or (last[0].part != 1 and last[0].start + last[0].part == last[0].whole)
        with self.nest(self.along(self.frame.step(step.inputs[1]).shape), view, whole=free) as entry:
            place = self.within_room(shape, self.moved(step.said, entry.places))
            entry.lines.append(f"{room}[{place}] += {self.value(step.inputs[1], entry)};")

    def _fill_addalong(self, step: Step, view: View, room: str, sign: str = "+=") -> None:
        """Values added, or put, at places along an axis."""
        self._copied(step, view, room)
        index, values = step.inputs[1:]
        with self.nest(self.along(self.frame.step(index).shape), view) as entry:
            places = {**entry.places, step.said: self.place(index, step.said, entry)}
            place = self.within_room(self.along(step.shape), places)
            entry.lines.append(f"{room}[{place}] {sign} {self.value(values, entry)};")

    def _fill_put(self, step: Step, view: View, room: str) -> None:
        """Values put at places along an axis."""
        self._fill_addalong(step, view, room, "=")

    def _copied(self, step: Step, view: View, room: str) -> None:
        """What a step changes, in the room that it has."""
        if self.rooms.get(self.bare(step.inputs[0])) != room:
            self.store(step.inputs[0], view, room)

    def kept_in(self, name: str) -> str:
        """The room that a value is in, made by then."""
        step = self.frame.step(name)
        if step.operator in ("Carried", "Gathered"):
            self._course(step.inputs[0])
            return self.rooms[name]
        return self.rooms[name] if step.operator == "Held" else super().kept_in(name)

    def _entry(self, name: str, step: Step, scope: Scope) -> str:
        """An entry of an array that a loop goes through."""
        assert isinstance(scope, View)
        course: Course = self.frame.step(step.said).said
        return self.value(step.inputs[0], replace(scope, places={**scope.places, course.size: self.turns[step.said]}))

    def _course(self, name: str) -> None:
        """A loop through time."""
        if name in self.turns:
            return
        said: Course = self.frame.step(name).said
        if said.size == ROWS:
            raise refused("a loop over rows")
        view = replace(self.outermost(name, (), self.body), places={})
        index, turn, n = self.new("k"), self.new("t"), self.size(said.size)
        self.turns[name] = turn
        for held, start in zip(said.held, said.start, strict=True):
            step = self.frame.step(held)
            self.rooms[held] = self.new_room(step.dtype, self.along(step.shape))
            self.store(start, view, self.rooms[held])
        for result in self.keeping.results(name):
            step = self.frame.step(result)
            carried = step.operator == "Carried"
            room = self.rooms[said.held[step.said]] if carried else self.new_room(step.dtype, self.along(step.shape))
            self.rooms[result] = room
        inner = View(view.kind + 1, [], view)
        inner.lines.append(f"const int64_t {turn} = {f'{n} - 1 - {index}' if said.reverse else index};")
        self.levels |= {name: inner, turn: inner, index: inner}
        self._step(name, said, inner)
        view.lines += looped(index, n, inner.lines)

    def _step(self, name: str, said: Course, view: View) -> None:
        """One step: what is to be held next, what is given, and then the change."""
        following = [self._made_in(after, name, view) for after in said.after]
        for result in self.keeping.results(name):
            step = self.frame.step(result)
            if step.operator == "Gathered":
                shape = self.along(step.shape)
                with self.nest(shape[1:], view, whole=True) as entry:
                    place = self.within_room(shape, {**entry.places, said.size: self.turns[name]})
                    value = self.value(said.given[step.said], entry)
                    entry.lines.append(f"{self.rooms[result]}[{place}] = {value};")
        for held, room in zip(said.held, following, strict=True):
            shape = self.along(self.frame.step(held).shape)
            with self.nest(shape, view, whole=True) as entry:
                place = self.within_room(shape, entry.places)
                entry.lines.append(f"{self.rooms[held]}[{place}] = {room}[{place}];")

    def _made_in(self, after: str, course: str, view: View) -> str:
        """The room in which a step makes what is to be held next: that which it has, if it is made anew in each."""
        value = self.bare(after)
        own = self.keeping.apart(value) and course in self.keeping.within[value]
        if own and self.frame.step(value).operator != "Held":
            return self.kept_in(value)
        step = self.frame.step(after)
        room = self.new_room(step.dtype, self.along(step.shape))
        self.store(after, view, room)
        return room


def function(sinks: Sequence[Sink], frame: Frame, *given: Sequence[str]) -> str:
    """The whole function."""
    writer = Rooms(Keeping(frame, [sink.value for sink in sinks]), *given)
    totals = [sink for sink in sinks if sink.kind == "total"]
    for sink in sinks:
        _wanted(writer, sink, totals)
    ahead = [f"double total{i} = 0.0;" for i in range(len(totals))]
    lines = [f"    {line}" for line in writer.body.lines]
    rows = ["for (int64_t row = 0; row < rows && !status; row++) {", *lines, "}"]
    return framed(writer, f"BLOCK {BLOCK}", ahead, rows, [f"total{i}" for i in range(len(totals))], None)


def _wanted(writer: Rooms, sink: Sink, totals: Sequence[Sink]) -> None:
    """What is wanted of a value."""
    step = writer.frame.step(sink.value)
    if ROWS not in step.shape or sink.kept is not None:
        raise refused("a result that is none of each row")
    with writer.nest(writer.along(step.shape), replace(writer.body, places={})) as entry:
        value = writer.value(sink.value, entry)
        if sink.kind == "bound":
            entry.lines.append(f"bad |= {outside(writer, sink, value)};")
        elif sink.kind == "total":
            entry.lines.append(f"total{totals.index(sink)} += (double){value};")
        else:
            pointer, kind = writer.new("o"), STORED[step.dtype.name]
            writer.once.lines.append(f"{kind} *restrict {pointer} = arrays[{writer.results[sink.name]}];")
            entry.lines.append(f"{pointer}[{writer.within_array(step.shape, entry.places)}] = {value};")
