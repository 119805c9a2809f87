"""What moments are sums of: how far columns are from an origin, and the squares and products of that, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lossapi.graphs import elements, shapes
from lossapi.graphs.symbol import Shape, Symbol, symbol
from lossapi.loops.script import refused
from lossapi.states import WEIGHT, Columns, Comoments

ORIGIN, GAP, SQUARE, CROSS = "origin {}", "gap {}", "square {}", "cross"
"""What the origin of each part is called, and the sums."""


def summands(columns: Columns, array: Callable[[str, Any, Shape], Symbol]) -> dict[str, Symbol]:
    """What is to be added up, by the names of the sums; the origins are arrays that the loop takes."""
    parts, weight = [symbol(each) for each in columns.parts], columns.weight
    if len({each.shape for each in parts}) > 1:
        raise refused("moments of unequal numbers of columns")
    found: dict[str, Symbol] = {} if weight is None else {WEIGHT: symbol(weight)}
    flows: list[Symbol] = []
    gaps: list[Symbol] = []
    for i, part in enumerate(parts):
        gap = elements.subtract(part.astype(np.float64), array(ORIGIN.format(i), np.float64, part.shape[1:]))
        flow = gap if weight is None else elements.multiply(gap, shapes.reshape(weight, (gap.shape[0], 1)))
        found |= {GAP.format(i): flow, SQUARE.format(i): elements.multiply(flow, gap)}
        gaps.append(gap)
        flows.append(flow)
    return found | ({CROSS: elements.multiply(flows[0], gaps[1])} if columns.state is Comoments else {})
