"""Every definition whose rows do not see each other can be kept as a stream, and read again by another process."""

from collections.abc import Iterator
from typing import Any

import pytest

from lossapi import registry
from lossapi.codecs import json
from lossapi.codecs.tensors import tensor
from lossapi.definition import Definition, Primitive
from lossapi.errors import Unsupported
from lossapi.evaluation.items import read_items
from lossapi.evaluation.panel import fold, read
from lossapi.windows.content import Content, opened
from lossapi.windows.given_rows import rows_of
from lossapi.windows.pieces import readings, unpack_piece

WINDOWS: dict[str, Any] = {
    "everything": None,
    "rows": {"rows": 5},
    "seconds": {"seconds": 60},
    "half_life": {"half_life_rows": 3},
}


def mergeable(definition: Definition) -> bool:
    """Whether its rows do not see each other, as far as its record says."""
    return not isinstance(definition, Primitive) or definition.merges({})


DEFINITIONS = [each for each in registry.catalogue().values() if mergeable(each)]


def example(definition: Definition) -> tuple[Any, Any]:
    """What is asked for, and a batch: those of the example in its card."""
    request, _ = definition.document.example
    inputs = {*definition.input_names, "weight"}
    tensors = {name: tensor(value) for name, value in request.items() if name in inputs and value is not None}
    given = {name: value for name, value in request.items() if name not in inputs and name not in ("return", "backend")}
    if given.get("reduction") == "none":
        given.pop("reduction")
    items = read_items({registry.PLURAL[definition.kind]: [{"name": definition.name, **given}]})
    return items, rows_of(items, tensors, tensors.pop("weight", None))


def written(content: Content, time: int) -> bytes:
    """What is read, as it is sent."""
    return json.encode({"values": [each.value for each in readings(content.panel(time))]})


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: f"{each.kind}-{each.name}")
def test_a_stream_is_read_again_to_the_same_bits(definition: Definition, window: str) -> None:
    items, rows = example(definition)
    try:
        here = there = opened(WINDOWS[window], items)
        pieces = [here.piece(rows) for _ in range(3)]
    except Unsupported:
        assert window != "everything" or not isinstance(definition, Primitive)
        return
    for time, piece in enumerate(pieces):
        here = here.add(piece, time)
        there = there.add(unpack_piece(items, json.decode(json.encode(piece.pack()))), time)
        there = opened(WINDOWS[window], items).unpacked(json.decode(json.encode(there.pack())))
        assert written(here, time) == written(there, time)


def numbers(value: Any) -> Iterator[Any]:
    """Every number of a value, in order."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, dict | list | tuple):
        for each in plain.values() if isinstance(plain, dict) else plain:
            yield from numbers(each)
    else:
        yield plain


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: f"{each.kind}-{each.name}")
def test_a_window_of_as_many_rows_as_a_batch_has_is_the_batch(definition: Definition) -> None:
    items, rows = example(definition)
    content = opened({"rows": rows.count}, items)
    for part in (rows, rows[: rows.count // 2], rows[rows.count // 2 :]):
        if part.count:
            content = content.add(content.piece(part), 0)
    (found,), (expected,) = readings(content.panel(0)), read(fold(items, rows.tensors, rows.weight))
    assert found.count == expected.count
    assert list(numbers(found.value)) == pytest.approx(list(numbers(expected.value)), rel=1e-9, abs=1e-12, nan_ok=True)
