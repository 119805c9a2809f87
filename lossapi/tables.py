"""Tables as tensors: CSV and Parquet, their columns by name, read a part at a time.

A tensor is the column of its name, a column of lists, or columns numbered from 0: `prediction.0`, `prediction.1`, …;
`columns` says otherwise: `{"prediction": "score", "target": ["y0", "y1"]}`. Other columns are left alone. A column of
whole numbers is one of labels, as everywhere; CSV, which names no types, is looked through for that first.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import Buffer
from lossapi.columns import numbers, values
from lossapi.domains import Array
from lossapi.errors import Unreadable, Unsupported

INSTALL = "pip install 'lossapi[tables]'"
ROWS = 1 << 16
"""Rows of one part, as Parquet is read."""
BLOCK = 1 << 22
"""Bytes of one part, as CSV is read."""
TABLE = "table"
"""The name under which a request holds a table."""

ANY = Limits(sys.maxsize)


def installed() -> bool:
    """Whether what reads tables is there."""
    return find_spec("pyarrow") is not None


def of_file(path: Path) -> "Table":
    """The table of a file, by the end of its name."""
    if not installed():
        raise Unsupported("pyarrow, which reads tables", f"none; {INSTALL}")
    return next(form.kind(path) for form in FORMS.values() if form.suffix == path.suffix)


@dataclass(frozen=True)
class Table:
    """The columns of a file or a body; `source` is a path or bytes."""

    source: Any
    limits: Limits = ANY

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The type of each column."""
        raise NotImplementedError

    @property
    def rows(self) -> int | None:
        """How many rows there are, where that is known before they are read."""
        return None

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Parts of some columns, in order."""
        raise NotImplementedError

    def parts(
        self, tensors: Mapping[str, Sequence[str]], texts: Sequence[str]
    ) -> Iterator[tuple[dict[str, Array], dict[str, Any]]]:
        """The tensors of each part, and the columns that group its rows."""
        named = list(dict.fromkeys([name for columns in tensors.values() for name in columns] + list(texts)))
        start = 0
        for batch in self.batches(named):
            if batch.nbytes > self.limits.unfolded:
                raise self.limits.over()
            columns = {name: batch.column(name) for name in named}
            arrays = {name: numbers([(c, columns[c]) for c in found], start) for name, found in tensors.items()}
            yield arrays, {name: values(name, columns[name], start) for name in texts}
            start += batch.num_rows


class Csv(Table):
    """CSV with a line of names first."""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Names alone: their types follow from the columns that are asked for."""
        return dict.fromkeys(self._open({}, None).schema.names)

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Numbers and truth values where a column holds nothing else, else texts; looked through twice."""
        kinds = self._kinds(names)
        yield from self._open(kinds, names)

    def _kinds(self, names: Sequence[str]) -> dict[str, Any]:
        """The narrowest type that takes the whole of each column."""
        import pyarrow as pa

        widening = (pa.int64(), pa.float64(), pa.bool_(), pa.string())
        kinds = dict.fromkeys(names, widening[0])
        while True:
            try:
                for _ in self._open(kinds, names):
                    pass
            except pa.ArrowInvalid as error:
                found = re.match(r"In CSV column #(\d+):.* CSV conversion error", str(error))
                if found is None or "to string" in str(error):
                    raise Unreadable("CSV", str(error)[:200]) from None
                name = list(self.schema)[int(found[1])]
                kinds[name] = widening[widening.index(kinds[name]) + 1]
            else:
                return kinds

    def _open(self, kinds: Mapping[str, Any], names: Sequence[str] | None) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        options = csv.ConvertOptions(column_types=kinds, include_columns=names, null_values=[""])
        reading = csv.ReadOptions(block_size=BLOCK)
        source = pa.BufferReader(self.source) if isinstance(self.source, pa.Buffer) else str(self.source)
        try:
            return csv.open_csv(source, read_options=reading, convert_options=options)
        except pa.ArrowInvalid as error:
            if kinds and "conversion error" in str(error):
                raise
            raise Unreadable("CSV with a line of names", str(error)[:200]) from None


class Parquet(Table):
    """Parquet, whose columns have types."""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The type of each column."""
        return {field.name: field.type for field in self._file.schema_arrow}

    @property
    def rows(self) -> int | None:
        """As the file says."""
        return int(self._file.metadata.num_rows)

    @cached_property
    def _file(self) -> Any:
        import pyarrow as pa
        from pyarrow import parquet

        source = pa.BufferReader(self.source) if isinstance(self.source, pa.Buffer) else str(self.source)
        try:
            return parquet.ParquetFile(source)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Unreadable("Parquet", str(error)[:200]) from None

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Parts of as many rows each."""
        import pyarrow as pa

        try:
            yield from self._file.iter_batches(batch_size=ROWS, columns=list(names))
        except (pa.ArrowInvalid, OSError) as error:
            raise Unreadable("Parquet", str(error)[:200]) from None


@dataclass(frozen=True)
class Form:
    """A kind of table as a format of requests."""

    media_type: str
    suffix: str
    kind: type[Table]

    def decode(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """The body as a table, which is read when it is asked for its columns."""
        import pyarrow as pa

        return {TABLE: self.kind(pa.py_buffer(body), limits)}


FORMS = {
    form.media_type: form
    for form in (Form("text/csv", ".csv", Csv), Form("application/vnd.apache.parquet", ".parquet", Parquet))
}
