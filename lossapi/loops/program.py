"""Parts and products as one function: what all rows meet once, then all the rest for a tile of rows at a time.

What a tile makes stays in a cache until it is used up. Each part is a function as it would be alone, called with places
within arrays; sums over all rows are added up in double precision, tile by tile in order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lossapi.graphs.dims import Size
from lossapi.loops import narrow
from lossapi.loops.frame import ROWS, Frame, counted
from lossapi.loops.operators import STORED, SUFFIX
from lossapi.loops.parts import AHEAD, BEHIND, TILES, Cut, Factor, Lookup, Part, Product, made
from lossapi.loops.script import Step
from lossapi.loops.writer import ASTRAY, NO_ROOM, Sink

TILE = 96
"""Rows of a tile: as many as the corners of a product divide evenly, and few enough for a cache."""

FUNCTION = re.compile(r"^[\w ]*\bint (\w+)\(", re.MULTILINE)
"""Where a function of a part begins, which is to have a name of its own."""


class Stretch(NamedTuple):
    """Lines, when they run, and after what of the same time: the larger its level, the later."""

    when: int
    level: float
    lines: Sequence[str]


@dataclass
class Program:
    """A script that was cut, and the order in which the function around its parts takes arrays, numbers and axes.

    `room` has the arrays that it needs for itself: of which numbers, and of how many.
    """

    cut: Cut
    arrays: Sequence[str]
    results: Sequence[str]
    numbers: Sequence[str]
    axes: Sequence[str]
    functions: list[str] = field(default_factory=list)
    room: dict[str, tuple[str, str]] = field(default_factory=dict)

    def text(self) -> str:
        """The whole text."""
        stretches = [each for number, part in enumerate(self.cut.parts()) for each in self._part(number, part)]
        for product in self.cut.products:
            stretches += self._summed(product) if product.summed else self._product(product)
        stretches += map(self._looked_up, self.cut.lookups)
        head = '#include "mathematics.h"\n#include "products.h"\n'
        return "\n".join([head, *self.functions, *self._kernel(sorted(stretches, key=lambda each: each.level)), ""])

    def entries(self, shape: Sequence[Size], rows: str = "count") -> str:
        """How many entries a shape has, of so many rows of the batch."""
        places = {name: i for i, name in enumerate(self.axes)}
        sizes = (rows if size == ROWS else counted(size, places) for size in shape if size != 1)
        return " * ".join(sizes) or "1"

    def own(self, stem: str, name: str, kind: str, entries: str) -> str:
        """An array of the function's own, for a value of the script."""
        array = f"{stem}{list(self.cut.places).index(name)}"
        self.room[array] = kind, entries
        return array

    def held(self, name: str) -> str:
        """Where a value lies that parts and products make for each other, or that was given."""
        step = self.cut.step(name)
        if step.operator == "Input":
            return self.placed(self.arrays.index(step.said), step)
        return self.own("made", name, STORED[step.dtype.name], self.entries(step.shape, f"{TILE}"))

    def placed(self, number: int, step: Step) -> str:
        """Where one of the arrays that the function takes lies, or the tile's rows of it."""
        array = f"({STORED[step.dtype.name]} *)arrays[{number}]"
        shape = [size for size in step.shape if size != 1]
        return f"{array} + first * {self.entries(shape[1:])}" if ROWS in shape else array

    def _part(self, number: int, part: Part) -> Iterator[Stretch]:
        """One part as a function, and a call of it; what it adds up goes to the totals, in the order of the sinks."""
        steps, when = part.script.steps, part.place.when
        given = {s.said: s for s in steps.values() if s.operator == "Input" and s.said not in self.numbers}
        results = {sink.name: sink for sink in part.sinks if sink.kind == "array" or sink.kept is not None}
        rows = ROWS if when == TILES else None
        frame = Frame.of(part.script, [s.shape for s in steps.values()], [sink.value for sink in part.sinks], rows)
        text = narrow.function(frame, part.sinks, (list(given), list(results), self.numbers, self.axes))
        names = FUNCTION.findall(text)
        self.functions += [*(f"#define {name} part{number}_{name}" for name in names), text]
        self.functions += [f"#undef {name}" for name in names]
        made_by_others = {made(name): name for name in self.cut.places}
        places = [
            self.held(made_by_others[said]) if said in made_by_others else self.placed(self.arrays.index(said), step)
            for said, step in given.items()
        ]
        places += [self._result(number, sink) for sink in results.values()]
        yield Stretch(when, part.place.level, self._called(number, part, places))
        for sink in results.values():
            if sink.kept is not None:
                size, sums = self.entries(sink.kept), f"(double *)arrays[{self._number(sink)}]"
                yield Stretch(AHEAD, 0, [f"memset({sums}, 0, (size_t)({size}) * sizeof(double));"])
                yield Stretch(when, part.place.level, [f"added_f64({sums}, {self._result(number, sink)}, {size});"])

    def _result(self, number: int, sink: Sink) -> str:
        """Where an array goes that a part makes; what it adds up for a tile has a place of its own."""
        if sink.name == made(sink.value):
            return self.held(sink.value)
        if sink.kept is not None:
            return self.own(f"share{number}of", sink.value, "double", self.entries(sink.kept))
        return self.placed(self._number(sink), self.cut.step(sink.value))

    def _number(self, sink: Sink) -> int:
        return len(self.arrays) + self.results.index(sink.name)

    def _called(self, number: int, part: Part, places: Sequence[str]) -> list[str]:
        every = [sink for sink in self.cut.sinks if sink.kind == "total" and sink.kept is None]
        totals = [every.index(sink) for sink in part.sinks if sink in every]
        sizes = "here" if part.place.when == TILES else "sizes"
        return [
            "{",
            f"    void *const given[] = {{{', '.join(places)}}};",
            f"    double found[{max(len(totals), 1)}];",
            f"    status |= part{number}_kernel(given, numbers, {sizes}, found);",
            *(f"    total{total} += found[{i}];" for i, total in enumerate(totals)),
            "}",
        ]

    def _looked_up(self, lookup: Lookup) -> Stretch:
        """Rows of a table, copied for a tile of rows."""
        step = self.cut.step(lookup.name)
        table, index, into = map(self.held, (lookup.table, lookup.index, lookup.name))
        size = f"({self.entries(step.shape[1:])}) * sizeof({STORED[step.dtype.name]})"
        call = f"looked_up({table}, {index}, {into}, count, {self.entries((step.said,))}, {size})"
        return Stretch(TILES, lookup.place.level - 0.5, [f"status |= {call} ? {ASTRAY} : 0;"])

    def _product(self, product: Product) -> Iterator[Stretch]:
        """A product: the right matrix packed once, where all rows meet it, then rows by it."""
        when, level = product.place.when, product.place.level - 0.5
        pack, call = self._lines(product, self.held(product.name), self.entries((product.terms,)))
        yield Stretch(AHEAD if product.rows == ROWS else when, level, [pack])
        yield Stretch(when, level, [call])

    def _summed(self, product: Product) -> Iterator[Stretch]:
        """A sum over rows: what a tile adds to it, and what it comes to."""
        step = self.cut.step(product.name)
        kind, end, size = STORED[step.dtype.name], SUFFIX[step.dtype.name], self.entries(step.shape)
        tile = self.own("tile", product.name, kind, size)
        sums = self.own("sums", product.name, "double", size)
        yield Stretch(AHEAD, 0, [f"memset({sums}, 0, (size_t)({size}) * sizeof *{sums});"])
        lines = [*self._lines(product, tile, f"{TILE}"), f"added_{end}({sums}, {tile}, {size});"]
        yield Stretch(TILES, product.place.level - 0.5, lines)
        yield Stretch(BEHIND, 0, [f"settled_{end}({sums}, {self.held(product.name)}, {size});"])

    def _lines(self, product: Product, into: str, most: str) -> tuple[str, str]:
        """The lines that pack the right matrix, of so many rows at `most`, and that make the product."""
        dtype = self.cut.step(product.name).dtype.name
        kind, end = STORED[dtype], SUFFIX[dtype]
        rows, terms, columns = (self.entries((size,)) for size in (product.rows, product.terms, product.columns))
        panels = self.own("panels", product.name, kind, f"whole_panels_{end}({columns}) * {most}")
        left, right = self.held(product.left.name), self.held(product.right.name)
        steps = [_steps(product.right, terms, columns), _steps(product.left, rows, terms)]
        return (
            f"packed_{end}({right}, {steps[0]}, {terms}, {columns}, {panels});",
            f"product_{end}({left}, {steps[1]}, {panels}, {into}, {rows}, {columns}, {terms});",
        )

    def _kernel(self, stretches: Sequence[Stretch]) -> list[str]:
        """The function around all."""
        ahead, within, behind = (
            [line for each in stretches if each.when == when for line in each.lines] for when in (AHEAD, TILES, BEHIND)
        )
        totals = range(sum(sink.kind == "total" and sink.kept is None for sink in self.cut.sinks))
        batch = self.axes.index(ROWS.name)
        return [
            "int kernel(void *const *arrays, const double *numbers, const int64_t *sizes, double *totals) {",
            f"    int64_t here[{len(self.axes)}];",
            "    memcpy(here, sizes, sizeof here);",
            "    int status = 0;",
            *(f"    double total{i} = 0.0;" for i in totals),
            *(f"    {kind} *const {name} = ROOM({kind}, {size});" for name, (kind, size) in self.room.items()),
            *(f"    if (!{name}) status |= {NO_ROOM};" for name in self.room),
            f"    if (!(status & {NO_ROOM})) {{",
            *(f"        {line}" for line in ahead),
            f"        for (int64_t first = 0; first < sizes[{batch}]; first += {TILE}) {{",
            f"            const int64_t left = sizes[{batch}] - first, count = left < {TILE} ? left : {TILE};",
            f"            here[{batch}] = count;",
            *(f"            {line}" for line in within),
            "        }",
            *(f"        {line}" for line in behind),
            "    }",
            *(f"    free({name});" for name in self.room),
            *(f"    totals[{i}] = total{i};" for i in totals),
            "    return status;",
            "}",
        ]


def _steps(factor: Factor, rows: str, columns: str) -> str:
    """How far it is to the next row and to the next column of a matrix of so many."""
    return f"1, {rows}" if factor.turned else f"{columns}, 1"
