"""The columns of a table: which stand for a tensor, and what they hold as arrays."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.errors import DomainError, DtypeError, ParameterError, ShapeError, UnknownKey, nearest

NUMBERED = re.compile(r"^(?P<name>.+)\.(?P<number>\d+)$")

Schema = Mapping[str, Any]


def columns_of(schema: Schema, wanted: Sequence[str], given: Any) -> dict[str, tuple[str, ...]]:
    """The columns of each tensor that is wanted and there; `given` maps tensors to columns of other names."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise ParameterError("columns as names by tensor", type(given).__name__, ("columns",))
    for name in given:
        if name not in wanted:
            raise UnknownKey(nearest(str(name), wanted), f"unknown tensor {name!r}", ("columns", str(name)))
    found = {}
    for name in wanted:
        columns = _mapped(schema, name, given[name]) if given.get(name) is not None else _by_name(schema, name)
        if columns:
            found[name] = columns
    if not found:
        got = ", ".join(list(schema)[:12]) or "no columns"
        raise ParameterError(f"a column of the name of a tensor ({', '.join(wanted)}), or columns", got, ("columns",))
    return found


def _mapped(schema: Schema, name: str, given: Any) -> tuple[str, ...]:
    columns = [given] if isinstance(given, str) else given
    if not isinstance(columns, list) or not columns or not all(isinstance(each, str) for each in columns):
        raise ParameterError(f"a column for {name}, or a list of them", repr(given)[:60], ("columns", name))
    for each in columns:
        require_column(schema, each, "columns", name)
    return tuple(columns)


def require_column(schema: Schema, name: str, *where: str | int) -> None:
    """Refuse a column that is not there."""
    if name not in schema:
        raise UnknownKey(f"a column such as {nearest(name, schema)}", f"unknown column {name!r}", where)


def _by_name(schema: Schema, name: str) -> tuple[str, ...]:
    """The column of that name, or those of that name and a number."""
    if name in schema:
        return (name,)
    numbered = {}
    for each in schema:
        found = NUMBERED.match(each)
        if found and found["name"] == name:
            numbered[int(found["number"])] = each
    if numbered and set(numbered) != set(range(len(numbered))):
        missing = next(i for i in range(len(numbered)) if i not in numbered)
        raise ParameterError(f"columns {name}.0, {name}.1, … without a gap", f"no {name}.{missing}", ("columns", name))
    return tuple(numbered[number] for number in sorted(numbered))


def numbers(columns: Sequence[tuple[str, Any]], start: int) -> Array:
    """The rows of one column as an array, or of several side by side; the first is row `start` of the table."""
    arrays = [_numbers(name, column, start) for name, column in columns]
    return arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1)


def _numbers(name: str, column: Any, start: int) -> Array:
    """A column as numbers; one of lists has as many in every row."""
    import pyarrow as pa

    _require_filled(name, column, start)
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = np.asarray(column.value_lengths()) if not pa.types.is_fixed_size_list(kind) else None
        if lengths is not None and len(lengths) and (lengths != lengths[0]).any():
            row = int(np.argmax(lengths != lengths[0]))
            raise ShapeError(f"lists of {lengths[0]} in column {name}", f"{lengths[row]} in row {start + row}", (name,))
        flat = _numbers(name, column.flatten(), start)
        return flat.reshape(len(column), len(flat) // max(len(column), 1))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        found: Array = column.to_numpy(zero_copy_only=False)
        return found
    got = f"{kind}" + (f", {_first_text(column, start)}" if pa.types.is_string(kind) else "")
    raise DtypeError(f"column {name} of numbers", got, (name,))


def _first_text(column: Any, start: int) -> str:
    """The first text that is no number, and its row."""
    for row, text in enumerate(column.to_pylist()):
        try:
            float(text)
        except ValueError:
            return f"{text!r} in row {start + row}"
    return "numbers among truth values"


def _require_filled(name: str, column: Any, start: int) -> None:
    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DomainError(f"a value in every row of column {name}", f"none in row {row}", (name, row))


def values(name: str, column: Any, start: int) -> Any:
    """A column that groups rows: whole numbers and truth values as an array, texts as a list."""
    import pyarrow as pa

    _require_filled(name, column, start)
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type):
        return column.to_numpy(zero_copy_only=False)
    texts: list[Any] = column.to_pylist()
    if texts and not isinstance(texts[0], str):
        raise DtypeError(f"column {name} of texts, whole numbers or truth values", str(column.type), (name,))
    return texts
