"""Evaluations of tables: folded a part at a time, in the room of one part where states are sums.

Draws and comparisons need every row at once; so do losses whose rows see each other. Those read the whole table first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossapi import engine, registry
from lossapi.definition import Definition, Primitive
from lossapi.domains import Array
from lossapi.errors import Fault, LossError, ParameterError, TooLarge, UnknownKey, nearest
from lossapi.evaluation import class_tables, of_tensors, panel, portable_panel, slices
from lossapi.evaluation.items import KINDS, Item, read_items
from lossapi.evaluation.of_tensors import Problem
from lossapi.evaluation.panel import Panel
from lossapi.evaluation.sharing import lay
from lossapi.evaluation.slices import MOST, Column
from lossapi.request import as_call
from lossapi.tables.columns import columns_of, require_column
from lossapi.tables.files import TABLE, Table

KEYS = (*KINDS, "columns", "slices", "crossings", "confidence", "compare", "classes", "return", "backend")
Progress = Callable[[int], object]


@dataclass
class Fold:
    """Panels merged in order as they come: those of as many parts together, so that none is merged often."""

    stack: list[tuple[int, Panel]] = field(default_factory=list)
    rows: int = 0

    def add(self, part: Panel, rows: int) -> None:
        """One more part."""
        self.rows += rows
        self.stack.append((1, part))
        while len(self.stack) > 1 and self.stack[-2][0] <= self.stack[-1][0]:
            (a, one), (b, two) = self.stack[-2:]
            self.stack[-2:] = [(a + b, panel.merge([one, two]))]

    def whole(self, items: Sequence[Item]) -> Panel:
        """All parts as one."""
        return panel.merge([part for _, part in self.stack]) if self.stack else panel.zero(items)


def evaluate(given: Mapping[str, Any], problem: Problem, progress: Progress | None = None) -> dict[str, Any]:
    """The reply to a request whose tensors are columns of a table; `progress` is told of rows as they are done."""
    table = given[TABLE]
    unknown = next((key for key in given if key not in (*KEYS, TABLE)), None)
    if unknown is not None:
        raise UnknownKey(nearest(unknown, KEYS), f"unknown key {unknown!r}", (unknown,))
    items = read_items(given)
    wanted = dict.fromkeys([name for item in items for name in item.definition.input_names] + ["weight"])
    columns = columns_of(table.schema, list(wanted), given.get("columns"))
    groups = _groups(table, given.get("slices"))
    crossings = slices.read_crossings(given.get("crossings"), dict.fromkeys(groups, Column((), np.empty(0, np.intp))))
    asked = {name: each for name, each in given.items() if name not in (TABLE, "columns", "slices")}
    if any(asked.get(name) for name in ("confidence", "compare")) or not all(map(_merges, items)):
        return _at_once(table, columns, groups, asked, problem)
    folding = _Folding(items, [(name,) for name in groups] + crossings, given.get("backend") or "auto")
    for tensors, texts in table.parts(columns, groups):
        rows = folding.add(tensors, texts)
        if progress is not None:
            progress(rows)
    return folding.reply(asked, problem)


def compute(
    definition: Definition, table: Table, options: Mapping[str, Any], progress: Progress | None = None
) -> dict[str, Any]:
    """One loss or metric of a table, as a reply; what is not a sum of parts reads all rows at once."""
    asked = dict(options)
    columns = columns_of(table.schema, [*definition.input_names, "weight"], asked.pop("columns", None))
    if asked.get("reduction") == "none" or "return" in asked or asked.get("backend") == "onnx":
        tensors, _ = whole(table, columns, ())
        return engine.run(as_call(definition, {**asked, **tensors})).reply()
    backend = asked.pop("backend", None)
    given = {registry.PLURAL[definition.kind]: [{"name": definition.name, **asked}]}
    try:
        reply = evaluate(
            {**given, "columns": {n: list(c) for n, c in columns.items()}, TABLE: table, "backend": backend},
            lambda error: error,
            progress,
        )
    except LossError as error:
        error.faults = tuple(replace(fault, where=fault.where[2:] or fault.where) for fault in error.faults)
        raise
    result = reply["results"][0]
    if "error" in result:
        raise result["error"]
    reduction = {"reduction": read_items(given)[0].reduction} if definition.kind == "loss" else {}
    head = {"name": result["name"], "value": result["value"]}
    return {**head, **reduction, "count": result["count"], "finite": result["finite"]}


def _groups(table: Table, given: Any) -> list[str]:
    """The columns that group rows, by name."""
    names = given.split(",") if isinstance(given, str) else [] if given is None else given
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ParameterError("slices as names of columns", repr(given)[:60], ("slices",))
    for index, name in enumerate(names):
        require_column(table.schema, name, "slices", index)
    return list(dict.fromkeys(names))


def _merges(item: Item) -> bool:
    return not isinstance(item.definition, Primitive) or item.definition.merges(item.parameters)


def _at_once(
    table: Table, columns: Mapping[str, Any], groups: list[str], asked: dict[str, Any], problem: Problem
) -> dict[str, Any]:
    """The whole table as tensors; what is compared with is a column too."""
    compare, others = asked.get("compare"), {}
    if isinstance(compare, Mapping):
        mapped = {name: each for name, each in compare.items() if name in columns}
        others = columns_of(table.schema, list(mapped), mapped) if mapped else {}
    every: dict[Any, Any] = {**columns, **{("compare", name): found for name, found in others.items()}}
    tensors, texts = whole(table, every, groups)
    asked = {**asked, **{name: tensors[name] for name in columns}, **({"slices": texts} if texts else {})}
    if others:
        asked["compare"] = {**asked["compare"], **{name: tensors["compare", name] for name in others}}
    return of_tensors.evaluate(asked, problem)


def whole(table: Table, columns: Mapping[Any, Any], groups: Sequence[str]) -> tuple[dict[Any, Array], dict[str, Any]]:
    """All rows at once."""
    parts, room = [], 0
    for tensors, texts in table.parts(columns, groups):
        parts.append((tensors, texts))
        room += sum(each.nbytes for each in tensors.values())
        if room > table.limits.unfolded:
            raise table.limits.over()
    if not parts:
        raise ParameterError("at least one row", "none", (TABLE,))
    arrays = {name: np.concatenate([tensors[name] for tensors, _ in parts]) for name in columns}
    return arrays, {name: _joined([texts[name] for _, texts in parts]) for name in groups}


def _joined(values: list[Any]) -> Any:
    return np.concatenate(values) if isinstance(values[0], np.ndarray) else [each for part in values for each in part]


class _Folding:
    """Parts folded: all rows, and the rows of each group."""

    def __init__(self, items: Sequence[Item], groupings: Sequence[tuple[str, ...]], backend: str) -> None:
        self.items = items
        self.backend = backend
        self.total = Fold()
        self.groups: dict[tuple[str, ...], dict[tuple[Any, ...], Fold]] = {names: {} for names in groupings}

    def add(self, tensors: dict[str, Array], texts: Mapping[str, Any]) -> int:
        """One part; gives how many rows it has."""
        rows = len(next(iter(tensors.values())))
        layout = lay(self.items, tensors, tensors.get("weight"), self.backend)
        columns = {name: slices.column(values) for name, values in texts.items()}
        for names, folds in self.groups.items():
            groups = slices.grouped([columns[name] for name in names], ("slices",))
            ordered = layout.of_rows(groups.order)
            for label, part in groups.parts():
                fold = folds.setdefault(label, Fold())
                fold.add(panel.folded(ordered.of_rows(part)), part.stop - part.start)
            if len(folds) > MOST:
                raise TooLarge(f"at most {MOST} groups", str(len(folds)), ("slices",))
        self.total.add(_moved(panel.folded(layout), self.total.rows), rows)
        return rows

    def reply(self, asked: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
        """What all parts come to."""
        found = self.total.whole(self.items)
        returns, classes = of_tensors.read_returns(asked.get("return")), class_tables.read_classes(asked.get("classes"))
        outcomes = panel.read(found)
        groups = {
            names: [(label, self._part(folds[label], problem)) for label in sorted(folds)]
            for names, folds in self.groups.items()
        }
        return {
            "count": self.total.rows,
            **({"results": [each.plain(problem) for each in outcomes]} if "value" in returns else {}),
            **({} if classes is False else {"classes": class_tables.class_table(outcomes, classes)}),
            **of_tensors.by_groups(groups),
            **({"state": portable_panel.pack(found)} if "state" in returns else {}),
        }

    def _part(self, fold: Fold, problem: Problem) -> dict[str, Any]:
        results = [each.plain(problem) for each in panel.read(fold.whole(self.items))]
        return {"count": fold.rows, "results": results}


def _moved(part: Panel, rows: int) -> Panel:
    """A part's errors, whose places are those of the whole."""
    return replace(
        part, parts=tuple(_later(each, rows) if isinstance(each, LossError) else each for each in part.parts)
    )


def _later(error: LossError, rows: int) -> LossError:
    return type(error).of(replace(fault, where=_place(fault, rows)) for fault in error.faults)


def _place(fault: Fault, rows: int) -> tuple[str | int, ...]:
    match fault.where:
        case (str(name), int(row), *rest):
            return (name, row + rows, *rest)
    return fault.where
