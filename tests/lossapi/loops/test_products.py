"""Products within loops: every size of matrices, rows that stand alone, and what is no product that a loop makes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lossapi import compute, fusion
from lossapi.binding import planned
from lossapi.definition import loss
from lossapi.domains import Array, Label, Real, Rows, Sums
from lossapi.errors import DomainError, Unsupported
from lossapi.functions import namespace
from lossapi.loops import build
from lossapi.loops.program import TILE
from lossapi.signature import Function
from tests.laws.every import definition_of
from tests.laws.test_onnx import RTOL

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="needs a C compiler")

SHAPES = [
    *((rows, 5, 7) for rows in (1, 2, 3, 6, 7, TILE - 1, TILE, TILE + 1, 3 * TILE + 4)),
    *((20, terms, 3) for terms in (1, 2, 64, 255, 256, 257, 700)),
    *((20, 9, columns) for columns in (1, 2, 7, 8, 9, 15, 16, 17, 24, 25, 100)),
]
"""Rows, terms and columns of a product: around the sizes of tiles, of sums in registers, and of vectors and panels."""


@loss(family="test")
def projected(x: Real[Array, "batch dim"], matrix: Real[Array, "dim classes"]) -> Rows[Array, "batch"]:
    xp = namespace(x)
    return xp.sum(xp.exp(0.1 * xp.matmul(x, matrix)), axis=1)


@loss(family="test")
def twice(
    x: Real[Array, "batch dim"], one: Real[Array, "dim inner"], two: Real[Array, "classes inner"]
) -> Rows[Array, "batch"]:
    xp = namespace(x)
    whole = xp.matmul(one, xp.matrix_transpose(xp.tanh(two)))
    return xp.sum(xp.square(xp.matmul(x, whole)), axis=1) + xp.sum(x, axis=1)


def _powers(x: Real[Array, "batch dim"], matrix: Real[Array, "dim classes"]) -> Sums[dict[str, Array], "batch classes"]:
    xp = namespace(x)
    return {"powers": xp.exp(0.1 * xp.matmul(x, matrix)), "rows": xp.matmul(x, matrix)}


@loss(family="test", of=_powers)
def pooled(sums: dict[str, Array]) -> Array:
    xp = namespace(sums["rows"])
    return xp.sum(xp.log(sums["powers"])) + xp.sum(sums["rows"] * sums["powers"])


@loss(family="test")
def found(
    x: Real[Array, "batch dim"], place: Label[Array, "batch"], table: Real[Array, "classes dim"]
) -> Rows[Array, "batch"]:
    xp = namespace(x)
    return xp.sum(x * xp.take(xp.exp(table), place, axis=0), axis=1)


@loss(family="test")
def among(x: Real[Array, "batch dim"]) -> Rows[Array, "batch"]:
    xp = namespace(x)
    return xp.sum(xp.matmul(x, xp.matrix_transpose(x)), axis=1)


@loss(family="test")
def numbered(x: Real[Array, "batch dim"], matrix: Real[Array, "dim classes"]) -> Rows[Array, "batch"]:
    xp = namespace(x)
    return xp.sum(xp.matmul(x, matrix), axis=1) * xp.astype(xp.arange(x.shape[0]), x.dtype)


@loss(family="test")
def turned(x: Real[Array, "batch dim"], matrix: Real[Array, "dim dim"]) -> Rows[Array, "batch"]:
    xp = namespace(x)
    return xp.sum(xp.matmul(x, matrix + xp.matrix_transpose(matrix)), axis=1)


def drawn(dtype: str, **shapes: tuple[int, ...]) -> dict[str, Array]:
    """Standard normal arrays."""
    rng = np.random.default_rng(sum(map(sum, shapes.values())))
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def named(kernel: Function | str) -> Any:
    """What is computed by a name, or by the kernel itself."""
    return kernel if isinstance(kernel, str) else definition_of(kernel)


def slopes(kernel: Function | str, arrays: Mapping[str, Array], backend: str, **options: Any) -> dict[str, Array]:
    """The sum of the rows, and its derivatives."""
    found = compute(named(kernel), arrays, reduction="sum", backend=backend, returns=("value", "gradient"), **options)
    assert found.backend == backend
    assert found.gradient is not None
    return {"value": np.asarray(found.value), **found.gradient}


def rows(arrays: Mapping[str, Array]) -> Array:
    """The values of rows, each on its own."""
    return np.asarray(compute(named(projected), arrays, reduction="none", backend="fused").value)


def folds(kernel: Function, arrays: Mapping[str, Array]) -> bool:
    """Whether loops fold what a kernel gives, with its gradients."""
    plan = planned(named(kernel), arrays, {})
    found = fusion.backend(plan, "sum", frozenset(), list(arrays), wait=True)
    return found is not None and found.rows is not None


def agree(kernel: Function, arrays: Mapping[str, Array], dtype: str) -> None:
    assert folds(kernel, arrays)
    ours, theirs = (slopes(kernel, arrays, backend) for backend in ("fused", "numpy"))
    assert ours.keys() == theirs.keys()
    for name, each in ours.items():
        size = np.abs(theirs[name]).max()
        np.testing.assert_allclose(each, theirs[name], rtol=0, atol=20 * RTOL[dtype] * size, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "terms", "columns"), SHAPES)
def test_products_of_every_size_agree_with_numpy(rows: int, terms: int, columns: int, dtype: str) -> None:
    agree(projected, drawn(dtype, x=(rows, terms), matrix=(terms, columns)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_what_all_rows_meet_are_made_once_and_gone_back_through(dtype: str) -> None:
    agree(twice, drawn(dtype, x=(200, 6), one=(6, 17), two=(9, 17)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_has_the_bits_that_it_has_alone(dtype: str) -> None:
    arrays = drawn(dtype, x=(TILE + 5, 300), matrix=(300, 19))
    whole, gradient = rows(arrays), slopes(projected, arrays, "fused")["x"]
    for row in (0, 3, TILE - 1, TILE, TILE + 4):
        alone = {**arrays, "x": arrays["x"][row : row + 1]}
        assert (
            compute(named(projected), alone, reduction="none", backend="fused").value.tobytes() == whole[row].tobytes()
        )
        assert slopes(projected, alone, "fused")["x"].tobytes() == gradient[row].tobytes()


def test_nan_and_infinities_stay_in_their_rows() -> None:
    arrays = drawn("float64", x=(10, 4), matrix=(4, 3))
    before = rows(arrays)
    arrays["x"][2, 1], arrays["x"][7, 0] = np.nan, np.inf
    after = rows(arrays)
    assert np.isnan(after[2])
    assert not np.isfinite(after[7])
    others = [row for row in range(10) if row not in (2, 7)]
    assert after[others].tobytes() == before[others].tobytes()


@pytest.mark.parametrize(
    ("kernel", "shapes", "why"),
    [
        (among, {"x": (8, 3)}, "rows that see each other"),
        (numbered, {"x": (8, 3), "matrix": (3, 2)}, "the number of rows, or their places"),
        (turned, {"x": (8, 3), "matrix": (3, 3)}, "a matrix the other way round"),
    ],
)
def test_what_needs_more_than_a_tile_of_rows_has_no_loop(
    kernel: Function, shapes: Mapping[str, tuple[int, ...]], why: str
) -> None:
    with pytest.raises(Unsupported, match=why):
        compute(named(kernel), drawn("float64", **shapes), backend="fused")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_over_rows_are_added_up_over_tiles(dtype: str) -> None:
    for rows in (1, TILE, 2 * TILE + 9):
        agree(pooled, drawn(dtype, x=(rows, 6), matrix=(6, 17)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_a_table_are_looked_up(dtype: str) -> None:
    for rows, dim, classes in ((1, 1, 1), (TILE + 7, 19, 5), (3 * TILE, 64, 300)):
        arrays = drawn(dtype, x=(rows, dim), table=(classes, dim))
        arrays |= {"place": np.random.default_rng(rows).integers(0, classes, rows)}
        ours, theirs = (slopes(found, arrays, backend, wrt=["x"]) for backend in ("fused", "numpy"))
        for name, each in ours.items():
            np.testing.assert_allclose(each, theirs[name], rtol=20 * RTOL[dtype], atol=20 * RTOL[dtype], err_msg=name)


def test_a_place_outside_a_table_is_found_within_the_loop() -> None:
    arrays = {**drawn("float64", x=(200, 4), table=(5, 4)), "place": np.full(200, 4)}
    arrays["place"][150] = 5
    with pytest.raises(DomainError, match=r"Expected label < 5 \(axis classes\), got 5 - at \$\.place\[150\]"):
        compute(named(found), arrays, backend="fused")


def test_a_label_beyond_the_classes_is_found_within_the_loop() -> None:
    arrays = {**drawn("float32", embedding=(300, 8), class_embedding=(5, 8)), "label": np.full(300, 4)}
    arrays["label"][299] = 5
    with pytest.raises(DomainError, match=r"Expected label < 5 \(axis classes\), got 5 - at \$\.label\[299\]"):
        compute("arcface", arrays, backend="fused")


def test_rows_of_two_kinds_of_axes_are_made_by_loops_of_their_own() -> None:
    arrays = {**drawn("float64", embedding=(300, 8), class_embedding=(5, 8)), "label": np.arange(300) % 5}
    found = [slopes("sphereface", arrays, backend) for backend in ("fused", "numpy")]
    for name in ("value", "embedding", "class_embedding"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-9, atol=1e-12)
