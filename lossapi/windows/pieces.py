"""Batches on their way into a stream: a state, and the rows themselves where some of them may have to leave again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossapi import portable
from lossapi.codecs.tensors import tensor
from lossapi.errors import Conflict, LossError, ParameterError, Unsupported
from lossapi.evaluation.items import Item
from lossapi.evaluation.panel import Outcome, Panel, fold, merge, read
from lossapi.evaluation.portable_panel import pack, unpack
from lossapi.windows.given_rows import Rows, rows_of


@dataclass(frozen=True)
class Piece:
    """So many rows: their panel, and themselves where they are kept."""

    count: int
    panel: Panel
    rows: Rows | None = None

    def pack(self) -> dict[str, Any]:
        """As plain data: the rows where they are kept, else the state."""
        if self.rows is None:
            return {"count": self.count, "panel": pack(self.panel)}
        tensors, weight = portable.plain(dict(self.rows.tensors)), portable.plain(self.rows.weight)
        return {"count": self.count, "tensors": tensors, "weight": weight}


def unpack_piece(items: Sequence[Item], value: Mapping[str, Any]) -> Piece:
    """A piece from plain data; the state of rows is computed again, to the same bits."""
    if "panel" in value:
        return Piece(value["count"], unpack(value["panel"]))
    tensors = {name: tensor(each) for name, each in value["tensors"].items()}
    weight = None if value["weight"] is None else tensor(value["weight"])
    return replace(kept(items, rows_of(items, tensors, weight)), count=value["count"])


def kept(items: Sequence[Item], rows: Rows) -> Piece:
    """Rows that stay with their state."""
    return replace(folded(items, rows), rows=rows)


def folded(items: Sequence[Item], rows: Rows) -> Piece:
    """The state of some rows; it must be one that can be merged."""
    panel = settled(fold(items, rows.tensors, rows.weight))
    for item, part in zip(items, panel.parts, strict=True):
        if isinstance(part, tuple) and not all(term.merges for term in part):
            raise Unsupported("a loss or metric whose rows do not see each other", item.definition.name, item.place)
    return Piece(rows.count, panel)


def settled(panel: Panel) -> Panel:
    """A panel in which no item failed; else the first error."""
    for part in panel.parts:
        if isinstance(part, LossError):
            raise part
    return panel


def readings(panel: Panel) -> list[Outcome]:
    """What every item comes to; states that cannot be read together, however much comes, are a conflict."""
    found = read(settled(panel))
    for each in found:
        if isinstance(each.error, ParameterError):
            raise Conflict(f"a batch that goes with those before it, for {each.item.label}", str(each.error))
    return found


def added(panels: Sequence[Panel]) -> Panel:
    """Several panels as one."""
    return settled(merge(panels))
