"""Tables as tensors: CSV and Parquet, their columns by name, read a part at a time.

A tensor is the column of its name, a column of lists, or columns numbered from 0: `prediction.0`, `prediction.1`, …;
`columns` says otherwise: `{"prediction": "score", "target": ["y0", "y1"]}`. Other columns are left alone. A column of
whole numbers is one of labels, as everywhere; CSV, which names no types, is looked through for that first.
"""

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lossapi.codecs.codec import Limits
from lossapi.codecs.tensors import Buffer
from lossapi.domains import Array
from lossapi.errors import Unreadable, Unsupported
from lossapi.tables.columns import numbers, values

INSTALL = "pip install 'lossapi[tables]'"
ROWS = 1 << 16
"""Rows of one part, as Parquet is read."""
BLOCK = 1 << 22
"""Bytes of one part, as CSV is read."""
CONVERSION = re.compile(r"In CSV column #(\d+):.* CSV conversion error")
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
class Table(ABC):
    """The columns of a file or a body; `source` is a path or bytes."""

    source: Any
    limits: Limits = ANY

    @property
    @abstractmethod
    def schema(self) -> Mapping[str, Any]:
        """The type of each column."""

    @property
    def rows(self) -> int | None:
        """How many rows there are, where that is known before they are read."""
        return None

    @abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Parts of some columns, in order."""

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
            with readable():
                arrays = {name: numbers([(c, columns[c]) for c in found], start) for name, found in tensors.items()}
                groups = {name: values(name, columns[name], start) for name in texts}
            yield arrays, groups
            start += batch.num_rows


@contextmanager
def readable() -> Iterator[None]:
    """What the library finds in bytes that are no table."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise Unreadable("a table in CSV or Parquet", str(error)[:200]) from None


def by_name(names: Sequence[str], types: Sequence[Any]) -> dict[str, Any]:
    """The types of columns, whose names differ."""
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise Unreadable("columns whose names differ", f"several named {twice!r}")
    return dict(zip(names, types, strict=True))


def opened(source: Any) -> Any:
    """What the library reads: bytes that are there, or a file."""
    import pyarrow as pa

    return pa.BufferReader(source) if isinstance(source, pa.Buffer) else str(source)


class Csv(Table):
    """CSV with a line of names first."""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Names alone: their types follow from the columns that are asked for."""
        with readable():
            names = self._open({}, None).schema.names
        return by_name(names, [None] * len(names))

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Numbers and truth values where a column holds nothing else, else texts; looked through twice."""
        with readable():
            yield from self._open(self._kinds(names), names)

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
                found = CONVERSION.match(str(error))
                name = list(self.schema)[int(found[1])] if found else None
                if name is None or kinds[name] is widening[-1]:
                    raise
                kinds[name] = widening[widening.index(kinds[name]) + 1]
            else:
                return kinds

    def _open(self, kinds: Mapping[str, Any], names: Sequence[str] | None) -> Any:
        from pyarrow import csv

        options = csv.ConvertOptions(column_types=kinds, include_columns=names, null_values=[""])
        return csv.open_csv(opened(self.source), csv.ReadOptions(block_size=BLOCK), convert_options=options)


class Parquet(Table):
    """Parquet, whose columns have types."""

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The type of each column."""
        with readable():
            found = self._file.schema_arrow
            return by_name(found.names, found.types)

    @property
    def rows(self) -> int | None:
        """As the file says."""
        return int(self._file.metadata.num_rows)

    @cached_property
    def _file(self) -> Any:
        from pyarrow import parquet

        with readable():
            return parquet.ParquetFile(opened(self.source))

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Parts of as many rows each."""
        with readable():
            yield from self._file.iter_batches(batch_size=ROWS, columns=list(names))


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
