"""Many losses and metrics over one set of tensors: values, slices, intervals, tables of classes, a second prediction.

evaluate({"prediction": …, "target": …, "metrics": ["accuracy", "recall"], "slices": {"country": ["de", …]}})
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossapi.codecs.tensors import tensor
from lossapi.domains import Array
from lossapi.errors import LossError, ParameterError, ShapeError, TooLarge, nearest, placed_at
from lossapi.evaluation import class_tables, comparison, intervals, panel, portable_panel, slices
from lossapi.evaluation.comparison import Comparison
from lossapi.evaluation.intervals import Confidence
from lossapi.evaluation.items import KINDS, Item, read_items
from lossapi.evaluation.panel import Outcome, Panel
from lossapi.evaluation.rows import rows_of
from lossapi.evaluation.sharing import Layout, lay
from lossapi.evaluation.slices import Column, Groups
from lossapi.plan import Plan

OPTIONS = (*KINDS, "slices", "crossings", "confidence", "compare", "classes", "return", "backend")
RETURNS = ("value", "state")
MOST_READINGS = 5_000_000
"""How many values draws, slices and items may come to together."""
MOST_DRAWN = 4_000_000_000
"""How many rows may be drawn for one request."""

Problem = Callable[[LossError], Any]


@dataclass(frozen=True)
class Request:
    """What is asked for, read and checked."""

    items: tuple[Item, ...]
    tensors: Mapping[str, Array]
    weight: Array | None
    columns: Mapping[str, Column]
    crossings: Sequence[tuple[str, ...]]
    confidence: Confidence | None
    comparison: Comparison | None
    classes: list[str] | bool
    returns: Sequence[str]
    backend: str


def read_request(given: Mapping[str, Any]) -> Request:
    """A request by its keys; every fault is placed within it."""
    items = read_items(given)
    named = {name: value for name, value in given.items() if name not in OPTIONS}
    panel.require_taken(items, named, OPTIONS)
    tensors = {name: _tensor(name, value) for name, value in named.items() if value is not None}
    columns = slices.read_columns(given.get("slices"))
    return Request(
        items=items,
        weight=tensors.pop("weight", None),
        tensors=tensors,
        columns=columns,
        crossings=slices.read_crossings(given.get("crossings"), columns),
        confidence=intervals.read_confidence(given.get("confidence")),
        comparison=comparison.read_comparison(given.get("compare"), tensors),
        classes=class_tables.read_classes(given.get("classes")),
        returns=read_returns(given.get("return")),
        backend=given.get("backend") or "auto",
    )


def _tensor(name: str, value: Any) -> Array:
    with placed_at(name):
        found: Array = tensor(value)
        return found


def read_returns(given: Any) -> Sequence[str]:
    """What to answer with: the values alone by default."""
    if given is None:
        return ("value",)
    if not isinstance(given, list) or not given:
        raise ParameterError(f"return as a list of {', '.join(RETURNS)}", repr(given)[:60], ("return",))
    for index, each in enumerate(given):
        if not isinstance(each, str) or each not in RETURNS:
            raise ParameterError(f"return of {nearest(str(each), RETURNS)}", repr(each)[:60], ("return", index))
    return given


def evaluate(given: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """The reply to a request; `problem` writes the error of an item that fails."""
    asked = read_request(given)
    layout = lay(asked.items, asked.tensors, asked.weight, asked.backend)
    return _Evaluating(asked, layout, problem).reply()


@dataclass(frozen=True)
class _Evaluating:
    """A request laid out, and how errors are written."""

    asked: Request
    layout: Layout
    problem: Problem

    def reply(self) -> dict[str, Any]:
        """Everything that was asked for."""
        whole = panel.folded(self.layout)
        groups = self._groups()
        self._require_few(groups)
        rows = self._rows()
        return {
            **({} if rows is None else {"count": rows}),
            **({"results": self._results(self.layout, whole)} if "value" in self.asked.returns else {}),
            **self._classes(whole),
            **by_groups({names: self._parts(each) for names, each in groups.items()}),
            **self._compared(),
            **({"confidence": self.asked.confidence.shown()} if self.asked.confidence else {}),
            **({"state": portable_panel.pack(whole)} if "state" in self.asked.returns else {}),
        }

    def _rows(self) -> int | None:
        """How many rows most items' tensors have; nothing where they see each other."""
        counts = [rows_of(p) for p in self.layout.plans.values() if isinstance(p, Plan) and p.batch is not None]
        return max(set(counts), key=counts.count) if counts else None

    def _groups(self) -> dict[tuple[str, ...], Groups]:
        """The groups of each column and crossing."""
        rows = self._rows()
        for name, each in self.asked.columns.items():
            if rows is not None and len(each) != rows:
                raise ShapeError(f"{rows} values, one for each row", str(len(each)), ("slices", name))
        found: dict[tuple[str, ...], Groups] = {}
        found |= {(name,): slices.grouped([each], ("slices", name)) for name, each in self.asked.columns.items()}
        for index, names in enumerate(self.asked.crossings):
            crossed = [self.asked.columns[name] for name in names]
            found[names] = slices.grouped(crossed, ("crossings", index))
        return found

    def _require_few(self, groups: Mapping[tuple[str, ...], Groups]) -> None:
        """Refuse what would keep a processor for minutes."""
        asked, values, rows = self.asked, 0, 0
        if asked.confidence and asked.confidence.method == "bootstrap":
            parts = 1 + sum(len(each.labels) for each in groups.values())
            values += asked.confidence.resamples * parts
            rows += asked.confidence.resamples * (1 + len(groups)) * (self._rows() or 0)
        if asked.comparison and asked.comparison.method != "analytic":
            values += 2 * asked.comparison.resamples
            rows += 2 * asked.comparison.resamples * (self._rows() or 0)
        where = ("confidence" if asked.confidence else "compare", "resamples")
        if values * len(asked.items) > MOST_READINGS:
            got = f"{values * len(asked.items)} (draws × groups × items)"
            raise TooLarge(f"at most {MOST_READINGS} values of draws", got, where)
        if rows > MOST_DRAWN:
            raise TooLarge(f"at most {MOST_DRAWN} rows drawn", f"{rows} (draws × rows)", where)

    def _results(self, layout: Layout, whole: Panel) -> list[dict[str, Any]]:
        """What every item comes to, with its interval."""
        found = panel.read(whole)
        if self.asked.confidence is None:
            return [each.plain(self.problem) for each in found]
        around = intervals.intervals(layout, whole, found, self.asked.confidence)
        return [
            {**each.plain(self.problem), **(interval.plain(self.problem) if interval else {})}
            for each, interval in zip(found, around, strict=True)
        ]

    def _classes(self, whole: Panel) -> dict[str, Any]:
        if self.asked.classes is False:
            return {}
        outcomes: list[Outcome] = panel.read(whole)
        return {"classes": class_tables.class_table(outcomes, self.asked.classes)}

    def _parts(self, groups: Groups) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """Each group with its rows: they are brought together once, and each is then a view."""
        ordered = self.layout.of_rows(groups.order)
        found = []
        for label, rows in groups.parts():
            layout = ordered.of_rows(rows)
            results = self._results(layout, panel.folded(layout))
            found.append((label, {"count": rows.stop - rows.start, "results": results}))
        return found

    def _compared(self) -> dict[str, Any]:
        asked = self.asked.comparison
        if asked is None:
            return {}
        other = lay(self.asked.items, {**self.asked.tensors, **asked.tensors}, self.asked.weight, self.asked.backend)
        found = comparison.compared(self.layout, other, asked)
        return {"comparison": {"method": asked.method, "results": [each.plain(self.problem) for each in found]}}


def by_groups(groups: Mapping[tuple[str, ...], Sequence[tuple[tuple[Any, ...], Any]]]) -> dict[str, Any]:
    """Columns by their values, then crossings with the values of all their columns."""
    columns = {names[0]: {_key(v[0]): part for v, part in each} for names, each in groups.items() if len(names) == 1}
    crossings = [
        {
            "columns": list(names),
            "slices": [{"values": dict(zip(names, values, strict=True)), **part} for values, part in each],
        }
        for names, each in groups.items()
        if len(names) > 1
    ]
    return {**({"slices": columns} if columns else {}), **({"crossings": crossings} if crossings else {})}


def _key(value: Any) -> str:
    """A value of a column as a key."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)
