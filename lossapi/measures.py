"""A plan's moments by one loop, which adds up how far columns are from their first row, and the squares of that."""

from dataclasses import dataclass

import numpy as np

from lossapi import chunks
from lossapi.backends import fused
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
        origin = self.origin(cut)
        origins = {ORIGIN.format(i): row for i, row in enumerate(origin)}
        sums = added_up(self.kernel, source.ran(self.kernel, cut, part, 1.0, origins, {}))
        gaps, raw = (np.stack([sums[name.format(i)] for i in range(len(origin))]) for name in (GAP, SQUARE))
        weight = float(sums.get(WEIGHT, rows))
        found = around(origin, gaps, raw, weight)
        if found is None:
            return chunks.map_chunk(source.plan, cut, False, source.unchecked)
        mean, squares = found
        if CROSS in sums:
            cross = sums[CROSS] - gaps[0] * gaps[1] / (weight or 1.0)
            return Comoments(weight, mean, squares, cross, rows)
        none = np.empty(0)
        return Moments(weight, mean.reshape(-1), squares.reshape(-1), none, none, rows)

    def origin(self, cut: slice) -> Array:
        """The columns of the first row, by the parts that they come in."""
        first = self.source.part(slice(cut.start, cut.start + 1))
        state = self.source.plan.map.function(*first.tensors.values(), **first.parameters)
        parts = sum(name.startswith(ORIGIN.format("")) for name, _, _ in self.kernel.loop.arrays)
        origin: Array = state.mean.reshape(parts, -1)
        return origin
