"""A plan's moments by one loop, which adds up how far columns are from their first row, and the squares of that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossapi import chunks
from lossapi.backends import fused
from lossapi.chunks import Part
from lossapi.domains import Array
from lossapi.folds import Source, added_up
from lossapi.loops.moments import CROSS, GAP, ORIGIN, SQUARE
from lossapi.states import WEIGHT, Comoments, Moments, State, around


@dataclass(frozen=True)
class Measured:
    """A plan's moments, added up by one loop."""

    source: Source
    kernel: fused.Kernel

    def state(self, cut: slice) -> State:
        """The state of the rows in `cut`; NumPy's, where the first of them is too far from the others."""
        source, part, rows = self.source, self.source.part(cut), cut.stop - cut.start
        origin = self.origin(cut.start)
        sums = self.sums(cut, part, origin)
        gaps, raw = (np.stack([sums[name.format(i)] for i in range(len(origin))]) for name in (GAP, SQUARE))
        weight = float(sums.get(WEIGHT, rows))
        found = around(np.stack(origin), gaps, raw, weight)
        if found is None:
            return chunks.map_chunk(source.plan, cut, False, source.unchecked)
        mean, squares = found
        if CROSS in sums:
            cross = sums[CROSS] - gaps[0] * gaps[1] / (weight or 1.0)
            return Comoments(weight, mean, squares, cross, rows)
        none = np.empty(0)
        return Moments(weight, mean.reshape(-1), squares.reshape(-1), none, none, rows)

    def origin(self, start: int) -> list[Array]:
        """The columns of the first row, by the parts that they come in: how far they are from 0 under a weight of 1."""
        cut = slice(start, start + 1)
        part, loop = self.source.part(cut), self.kernel.loop
        given = {name: each for name, each in part.tensors.items() if each is not None}
        if WEIGHT in given:
            part.tensors[WEIGHT] = np.ones(1)
        sizes = {axis: given[name].shape[place] for axis, (name, place) in loop.axes.items()}
        shapes = [shape for name, _, shape in loop.arrays if name.startswith(ORIGIN.format(""))]
        nothing = [np.zeros(tuple(fused.counted(size, sizes) for size in shape)) for shape in shapes]
        sums = self.sums(cut, part, nothing)
        return [sums[GAP.format(i)] for i in range(len(nothing))]

    def sums(self, cut: slice, part: Part, origin: Sequence[Array]) -> dict[str, Array]:
        """What the loop adds up over the rows in `cut`, as they are from an origin."""
        origins = {ORIGIN.format(i): row for i, row in enumerate(origin)}
        return added_up(self.kernel, self.source.ran(self.kernel, cut, part, 1.0, origins, {}))
