"""Tables: columns as tensors, parts folded as the whole is, and errors with row and column."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from lossapi import engine
from lossapi.codecs.codec import Limits
from lossapi.errors import LossError
from lossapi.evaluation import of_tables, of_tensors
from lossapi.registry import get
from lossapi.tables import columns, files
from lossapi.tables.files import BLOCK, TABLE, Table

RNG = np.random.default_rng(0)
ROWS = 200_000


def written(path: Path, table: Any) -> Table:
    """A table as a file of the kind that its name says."""
    (csv.write_csv if path.suffix == ".csv" else parquet.write_table)(table, path)
    return files.of_file(path)


def text(path: Path, lines: str) -> Table:
    """A table of lines of CSV."""
    path.write_text(lines)
    return files.of_file(path)


@pytest.fixture(scope="module", params=[".csv", ".parquet"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, dict[str, Any]]:
    """A table of several parts, and its columns."""
    score = RNG.random(ROWS)
    values = {
        "note": ["nothing"] * ROWS,
        "prediction": score,
        "target": (RNG.random(ROWS) < score).astype(np.int64),
        "weight": RNG.random(ROWS),
        "country": np.array(["de", "fr", "it"])[RNG.integers(0, 3, ROWS)].tolist(),
        "device": RNG.integers(0, 2, ROWS),
    }
    table = written(tmp_path_factory.mktemp("tables") / f"large{request.param}", pa.table(values))
    assert ROWS > 2 * files.ROWS
    assert table.source.suffix == ".parquet" or table.source.stat().st_size > 2 * BLOCK
    return table, values


def test_a_table_comes_to_what_its_columns_come_to(large: tuple[Table, dict[str, Any]]) -> None:
    table, values = large
    asked: Any = {
        "losses": ["binary_cross_entropy"],
        "metrics": ["accuracy", "roc_auc", "r2", "mean_absolute_error"],
        "crossings": [["country", "device"]],
    }
    rows: list[int] = []
    found = of_tables.evaluate({**asked, TABLE: table, "slices": ["country", "device"]}, str, rows.append)
    tensors = {name: values[name] for name in ("prediction", "target", "weight")}
    slices = {"country": values["country"], "device": values["device"].tolist()}
    whole = of_tensors.evaluate({**asked, **tensors, "slices": slices}, str)
    assert sum(rows) == ROWS
    assert len(rows) > 2
    one, two = dict(leaves(found)), dict(leaves(whole))
    assert one.keys() == two.keys()
    for place, value in two.items():
        assert one[place] == (pytest.approx(value, rel=1e-11) if isinstance(value, float) else value), place


def leaves(value: Any, place: str = "") -> Any:
    """Everything within a reply by its place."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in pairs:
            yield from leaves(each, f"{place}/{key}")
    else:
        yield place, value


def test_a_fault_far_down_is_at_its_row(large: tuple[Table, dict[str, Any]]) -> None:
    table, values = large
    wrong = np.array(values["prediction"])
    wrong[150_000] = 1.5
    path = table.source.with_name(f"wrong{table.source.suffix}")
    other = written(path, pa.table({"prediction": wrong, "target": values["target"]}))
    asked = {"losses": ["binary_cross_entropy"], "metrics": ["r2"], TABLE: other}
    found = of_tables.evaluate(asked, lambda error: error.faults[0].pointer)
    assert [each.get("error") for each in found["results"]] == ["/prediction/150000", None]


def test_a_column_is_of_labels_where_all_its_numbers_are_whole(tmp_path: Path) -> None:
    lines = ["prediction,target"] + ["1,1"] * (BLOCK // 4 + 10)
    labels, scores = text(tmp_path / "a.csv", "\n".join(lines)), text(tmp_path / "b.csv", "\n".join([*lines, "0.4,1"]))
    for table, kind in ((labels, "i"), (scores, "f")):
        kinds = {arrays["prediction"].dtype.kind for arrays, _ in table.parts({"prediction": ("prediction",)}, ())}
        assert kinds == {kind}


def test_names_of_numbers_that_are_none_are_read(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "x\n1\nNaN\n-inf\n")
    (part,) = table.parts({"x": ("x",)}, ())
    assert np.array_equal(part[0]["x"], [1.0, np.nan, -np.inf], equal_nan=True)


def test_several_columns_and_lists_are_one_tensor(tmp_path: Path) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    apart = {"prediction.1": rows[:, 1], "prediction.0": rows[:, 0]}
    kinds = [pa.list_(pa.float64()), pa.list_(pa.float64(), 2)]
    every = [pa.table(apart), *(pa.table({"prediction": pa.array(rows.tolist(), kind)}) for kind in kinds)]
    for index, each in enumerate(every):
        table = written(tmp_path / f"{index}.parquet", each)
        found = columns.columns_of(table.schema, ["prediction"], None)
        (part,) = table.parts(found, ())
        assert np.array_equal(part[0]["prediction"], rows)
    table = written(tmp_path / "a.csv", pa.table({"p": rows[:, 0], "q": rows[:, 1]}))
    (part,) = table.parts(columns.columns_of(table.schema, ["prediction"], {"prediction": ["p", "q"]}), ())
    assert np.array_equal(part[0]["prediction"], rows)


def test_one_definition_computes_what_its_arrays_come_to(tmp_path: Path) -> None:
    prediction, target = RNG.random(10), RNG.random(10)
    table = written(tmp_path / "a.csv", pa.table({"p": prediction, "target": target}))
    huber = get("loss", "huber")
    options = {"columns": {"prediction": "p"}, "delta": 0.1}
    alone = engine.compute("huber", {"prediction": prediction, "target": target}, {"delta": 0.1})
    found = of_tables.compute(huber, table, options)
    assert found == {"name": "huber", "value": alone.value, "reduction": "mean", "count": 10, "finite": True}
    rows = of_tables.compute(huber, table, {**options, "reduction": "none"})["values"]
    assert np.mean(rows) == pytest.approx(alone.value)


@pytest.mark.parametrize(
    ("lines", "asked", "message"),
    [
        ("prediction,target\n1,2\n,3\n", {}, r"a value in every row of column prediction, got none in row 1"),
        ("prediction,target\n1,2\n4,x\n", {}, r"column target of numbers, got string, 'x' in row 1"),
        ("target,target\n1,2\n", {}, r"names differ, got several named 'target'"),
        ("a,b\n1,2\n", {}, r"a column of the name of a tensor .* got a, b - at \$.columns"),
        ("a,b\n1,2\n", {"columns": {"prediction": "c"}}, r"unknown column 'c' - at \$.columns.prediction"),
        ("a,b\n1,2\n", {"columns": {"predicton": "a"}}, r"'prediction'.* unknown tensor 'predicton'"),
        ("prediction,target\n1,2\n", {"slices": "country"}, r"unknown column 'country' - at \$.slices\[0\]"),
        ("prediction,target,prediction.1\n1,2,3\n", {"table2": 1}, "unknown key 'table2'"),
        ("prediction.0,prediction.2,target\n1,2,3\n", {}, r"without a gap, got no prediction.1"),
    ],
)
def test_a_fault_names_row_and_column(tmp_path: Path, lines: str, asked: Any, message: str) -> None:
    table = text(tmp_path / "a.csv", lines)
    with pytest.raises(LossError, match=message):
        of_tables.evaluate({"metrics": ["mean_squared_error"], TABLE: table, **asked}, str)


def test_bytes_that_were_changed_are_a_table_or_an_error() -> None:
    """Footers, headers and data, a few bytes at a time: what the library raises never comes through."""
    values = {"prediction": RNG.random(50), "target": RNG.integers(0, 2, 50), "country": ["a", "ü"] * 25}
    random, codes = np.random.default_rng(5), set()
    for form, write in zip(files.FORMS.values(), (csv.write_csv, parquet.write_table), strict=True):
        room = pa.BufferOutputStream()
        write(pa.table(values), room)
        body = room.getvalue().to_pybytes()
        for _ in range(300):
            changed = bytearray(body)
            for place in random.integers(-min(600, len(body)), 0, 3):
                changed[place] = random.integers(256)
            table = form.decode(bytes(changed), Limits())
            try:
                of_tables.evaluate({**table, "metrics": ["accuracy"], "slices": ["country"]}, str)
            except LossError as error:
                codes.add(error.code)
    assert "unreadable" in codes


def test_without_the_library_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "installed", lambda: False)
    with pytest.raises(LossError, match=r"pip install 'lossapi\[tables\]'"):
        files.of_file(tmp_path / "a.csv")
