"""A script whose rows have axes of their own, in C: each value made within as many loops over axes as it differs by.

Axes go by their names: what shows entries in another order, or in another shape, costs nothing.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossapi.graphs.dims import Size
from lossapi.loops.courses import Cut
from lossapi.loops.frame import ROWS, counted
from lossapi.loops.keeping import CARRIED, CHANGING, Keeping
from lossapi.loops.operators import STORED, TYPES, literal
from lossapi.loops.script import Shape, Step, refused
from lossapi.loops.writer import ASTRAY, Scope, Writer

VECTOR = 8
"""Entries that are gone through at once: where none of them is another's, a loop makes whole vectors of them."""

SPARE = 2 * VECTOR
"""Entries of room behind every array."""


@dataclass
class View(Scope):
    """Lines within so many loops, and where along each axis the entry stands that they see."""

    places: Mapping[Size, str] = field(default_factory=dict)


class Nests(Writer, ABC):
    """Writes the values of one script, row after row; `fill` says how those with room of their own are made."""

    def __init__(self, keeping: Keeping, *given: Any) -> None:
        super().__init__(keeping.frame, *given)
        self.keeping, self.along, self.bare = keeping, keeping.along, keeping.bare
        self.body = View(1, [], self.once)
        self.row = self.body
        self.levels: dict[str, View] = {}
        self.rooms: dict[str, str] = {}
        self.exact: set[str] = set()

    @abstractmethod
    def fill(self, name: str, step: Step, view: View, room: str) -> None:
        """Have a value made in its room."""

    def size(self, size: Size) -> str:
        """How many entries an axis has; none where there would be less than none."""
        if isinstance(size, int):
            return f"{size}"
        key = f"size {size.name}"
        if key not in self.once.made:
            variable, text = self.new("n"), counted(size, self.axes)
            self.once.made[key] = variable
            self.before.append(f"const int64_t {variable} = {text} > 0 ? {text} : 0;")
        return self.once.made[key]

    def whole(self, size: Size) -> str:
        """How many entries an axis has, and those that fill its last vector."""
        return f"(({self.size(size)} + {VECTOR - 1}) & -{VECTOR})"

    def pitch(self, size: Size) -> str:
        """How far apart the lines of a room are: each has place for whole vectors, from any of its entries on."""
        return f"({self.whole(size)} + {VECTOR})"

    def new_room(self, dtype: Any, shape: Shape) -> str:
        """Room for a value of each row."""
        variable, kind = self.new("m"), STORED[dtype.name]
        *outer, last = shape or (1,)
        entries = " * ".join((*map(self.size, outer), self.pitch(last)))
        self.before.append(f"{kind} *restrict {variable} = calloc((size_t)({entries} + {SPARE}), sizeof({kind}));")
        self.kept[variable] = variable
        return variable

    def within_room(self, shape: Shape, places: Mapping[Size, str]) -> str:
        """Where an entry stands in its room."""
        self.exact.update(word for size in shape[:-1] for word in words(places[size]))
        return self.at(shape, places, [*map(self.size, shape[:-1]), *map(self.pitch, shape[-1:])])

    def within_array(self, shape: Shape, places: Mapping[Size, str]) -> str:
        """Where an entry stands in an array that was given, or is wanted: there is nothing beyond its last one."""
        left = tuple(size for size in shape if size != 1)
        self.exact.update(word for size in left if size != ROWS for word in words(places[size]))
        return self.at(left, {**places, ROWS: "row"}, [*map(self.size, left)])

    def at(self, shape: Shape, places: Mapping[Size, str], counts: Iterable[str]) -> str:
        """Where an entry stands, of so many along each axis."""
        text = ""
        for size, count in zip(shape, counts, strict=True):
            text = f"({text}) * {count} + {places[size]}" if text else places[size]
        return text or "0"

    @contextmanager
    def nest(self, shape: Shape, view: View, *, whole: bool = False) -> Iterator[View]:
        """The lines for each entry along some axes; along the last in `whole` vectors, if they may be."""
        inner, met = view, []
        for size in shape:
            index = self.new("k")
            inner = View(inner.kind + 1, [], inner, places={**inner.places, size: index})
            self.levels[index] = inner
            met.append((index, size, inner))
        yield inner
        for index, size, level in reversed(met):
            assert level.above is not None
            free = whole and level is inner and index not in self.exact
            level.above.lines += looped(index, self.whole(size) if free else self.size(size), level.lines)

    def level(self, name: str, view: View) -> View:
        """The outermost lines that a value may stand in, as it is seen from some."""
        return self.outermost(name, [view.places[size] for size in self.along(self.frame.step(name).shape)], view)

    def outermost(self, name: str, places: Iterable[str], view: View) -> View:
        """The outermost lines that know these places, and the loops through time that a value changes in."""
        met = [*self.keeping.within[name], *(word for place in places for word in words(place))]
        found = max((self.levels[word] for word in met if word in self.levels), default=self.body, key=_depth)
        return replace(found, places=view.places)

    def value(self, name: str, scope: Scope) -> str:
        """The variable that holds a value, made where it belongs."""
        assert isinstance(scope, View)
        name = self.bare(name)
        step = self.frame.step(name)
        view = self.level(name, scope)
        key = f"{name} at {[view.places[size] for size in self.along(step.shape)]}"
        if key not in view.made:
            text = self.entry(name, step, view)
            variable = text if text.isidentifier() else self.new()
            if variable != text:
                view.lines.append(f"const {TYPES[step.dtype.name]} {variable} = {text};")
            view.made[key] = variable
        return view.made[key]

    def entry(self, name: str, step: Step, view: View) -> str:
        """What an entry is, in C."""
        if self.keeping.apart(name):
            return f"{self.kept_in(name)}[{self.within_room(self.along(step.shape), view.places)}]"
        return self.expression(name, step, view)

    def kept_in(self, name: str) -> str:
        """The room that a value is in, made by then."""
        view = self.outermost(name, (), self.body)
        key = f"room of {name}"
        if key not in view.made:
            step = self.frame.step(name)
            room = self.rooms.get(name) or self.left(step, view) or self.new_room(step.dtype, self.along(step.shape))
            self.rooms[name] = view.made[key] = room
            self.fill(name, step, replace(view, places={}), room)
        return view.made[key]

    def left(self, step: Step, view: View) -> str:
        """The room of what a step changes, where nothing else needs that as it was."""
        if step.operator not in CHANGING:
            return ""
        x = self.bare(step.inputs[0])
        ours = self.keeping.apart(x) and self.outermost(x, (), self.body).lines is view.lines
        passed = ours and self.keeping.uses[x] == 1 and self.frame.step(x).operator not in CARRIED
        return self.kept_in(x) if passed else ""

    def _input(self, name: str, step: Step, scope: Scope) -> str:
        assert isinstance(scope, View)
        if step.said in self.numbers:
            return f"numbers[{self.numbers[step.said]}]"
        return f"{self.array(step)}[{self.within_array(step.shape, scope.places)}]"

    def array(self, step: Step) -> str:
        """Where an array begins that was given."""
        if step.said not in self.once.made:
            pointer, kind = self.new("p"), STORED[step.dtype.name]
            self.once.lines.append(f"const {kind} *restrict {pointer} = arrays[{self.arrays[step.said]}];")
            self.once.made[step.said] = pointer
        return self.once.made[step.said]

    def _constant(self, name: str, step: Step, scope: Scope) -> str:
        assert isinstance(scope, View)
        if step.said.size == 1:
            return literal(step.said.reshape(-1)[0], step.dtype)
        if name not in self.once.made:
            table, kind = self.new("c"), STORED[step.dtype.name]
            entries = ", ".join(literal(each, step.dtype) for each in step.said.reshape(-1))
            self.once.lines.append(f"static const {kind} {table}[] = {{{entries}}};")
            self.once.made[name] = table
        return f"{self.once.made[name]}[{self.within_array(step.shape, scope.places)}]"

    def _range(self, name: str, step: Step, scope: Scope) -> str:
        assert isinstance(scope, View)
        [size] = step.shape
        return f"(int64_t)({'row' if size == ROWS else '0' if size == 1 else scope.places[size]})"

    def _slice(self, name: str, step: Step, scope: Scope) -> str:
        assert isinstance(scope, View)
        self.require_within(step.said)
        return self.value(step.inputs[0], replace(scope, places=self.moved(step.said, scope.places)))

    def moved(self, cuts: Iterable[Cut], places: Mapping[Size, str]) -> dict[Size, str]:
        """Where the entries of some cuts stand in the whole."""
        moved = {size: place for size, place in places.items() if all(size != cut.part for cut in cuts)}
        for cut in cuts:
            if ROWS in (cut.whole, cut.part):
                raise refused("rows that see each other")
            start = counted(cut.start, self.axes)
            moved[cut.whole] = start if cut.part == 1 else f"({places[cut.part]} + {start})"
        return moved

    def require_within(self, cuts: Iterable[Cut]) -> None:
        """Refuse to read or write beyond an axis: what a slice takes of one that is too short for it."""
        for cut in cuts:
            key = f"within {cut}"
            if key not in self.once.made:
                part, start = self.size(cut.part), counted(cut.start, self.axes)
                beyond = f"{start} < 0 || {start} + {part} > {self.size(cut.whole)}"
                self.once.lines.append(f"if ({part} > 0 && ({beyond})) status |= {ASTRAY};")
                self.once.made[key] = key

    def _flip(self, name: str, step: Step, scope: Scope) -> str:
        assert isinstance(scope, View)
        turned = {size: f"({self.size(size)} - 1 - {scope.places[size]})" for size in step.said if size != 1}
        if ROWS in turned:
            raise refused("rows that see each other")
        self.exact.update(word for place in turned.values() for word in words(place))
        return self.value(step.inputs[0], replace(scope, places={**scope.places, **turned}))

    def _pick(self, name: str, step: Step, scope: Scope) -> str:
        """An entry by its place."""
        assert isinstance(scope, View)
        place = self.place(step.inputs[1], step.said, scope)
        return self.value(step.inputs[0], replace(scope, places={**scope.places, step.said: place}))

    def place(self, index: str, size: Size, view: View) -> str:
        """A place along an axis; those along axes of their own are looked at once, and kept."""
        index = self.bare(index)
        shape, level = self.along(self.frame.step(index).shape), self.level(index, view)
        if not shape:
            return self._looked_at(index, size, level)
        key = f"place {index} of {size} at {[view.places[each] for each in shape]}"
        if key not in level.made:
            room = f"{self._places(index, size, shape)}[{self.within_room(shape, view.places)}]"
            place = level.made[key] = self.new("i")
            level.lines.append(f"const int64_t {place} = {room};")
            self.levels[place] = level
        return level.made[key]

    def _places(self, index: str, size: Size, shape: Shape) -> str:
        """The room of the places that an index says; behind the last of them stands 0."""
        view, key = self.outermost(index, (), self.body), f"places {index} of {size}"
        if key not in view.made:
            view.made[key] = self.new_room(np.dtype(np.int64), shape)
            with self.nest(shape, replace(view, places={})) as entry:
                text = self._looked_at(index, size, entry)
                entry.lines.append(f"{view.made[key]}[{self.within_room(shape, entry.places)}] = {text};")
        return view.made[key]

    def _looked_at(self, index: str, size: Size, view: View) -> str:
        """A place that is within its axis, counted from the end where it is negative."""
        if size == ROWS:
            raise refused("rows that see each other")
        given, key = self.value(index, view), f"place {index} of {size}"
        if key not in view.made:
            place, n = self.new("i"), self.size(size)
            view.lines += [
                f"int64_t {place} = (int64_t){given};",
                f"{place} += {place} < 0 ? {n} : 0;",
                f"if ({place} < 0 || {place} >= {n}) {{ status |= {ASTRAY}; {place} = 0; }}",
            ]
            view.made[key] = place
            self.levels[place] = view
        return view.made[key]


def _depth(view: View) -> int:
    return view.kind


def looped(index: str, count: str, lines: Iterable[str], kind: str = "int64_t") -> list[str]:
    """Lines for every place."""
    return [f"for ({kind} {index} = 0; {index} < {count}; {index}++) {{", *(f"    {line}" for line in lines), "}"]


def words(place: str) -> list[str]:
    """The variables that a place is made of."""
    return re.findall(r"[a-z]\w*", place)
