"""npz: NumPy's own files, and archives that lie."""

import io
import struct
import tracemalloc
import zipfile
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lossapi.codecs.archive import END, ENTRY
from lossapi.codecs.codec import Limits
from lossapi.codecs.npz import Npz
from lossapi.errors import DtypeError, LossError, TooLarge, Unreadable

CODEC = Npz()


def saved(compressed: bool = False, **entries: Any) -> bytes:
    """What NumPy writes."""
    archive = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(archive, **entries)
    return archive.getvalue()


def member(data: bytes, name: str = "x.npy", method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with one member of any bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as writer:
        writer.writestr(name, data)
    return archive.getvalue()


def array(descr: str = "'<f4'", shape: str = "(1,)", data: bytes = bytes(4), order: str = "False") -> bytes:
    """An array of NumPy's with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def patched(body: bytes, field: int, value: int) -> bytes:
    """An archive whose first directory entry says something else."""
    place = struct.unpack_from("<L", body, len(body) - END.size + 16)[0]
    fields = list(ENTRY.unpack_from(body, place))
    fields[field] = value
    return body[:place] + ENTRY.pack(*fields) + body[place + ENTRY.size :]


def refuse(body: bytes, limit: int = 2**28) -> LossError:
    """The error of a body."""
    with pytest.raises(LossError) as caught:
        CODEC.decode(body, Limits(limit, "LOSSAPI_BODY_BYTES"))
    return caught.value


@pytest.mark.parametrize("compressed", [False, True])
def test_what_numpy_saves_is_read(compressed: bool) -> None:
    decoded = CODEC.decode(
        saved(
            compressed,
            fortran=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            big=np.arange(6, dtype=">f4").reshape(2, 3),
            half=np.ones(2, ml_dtypes.bfloat16),
            delta=2.0,
            reduction="sum",
            returns='["value"]',
        ),
        Limits(),
    )
    assert decoded.pop("fortran").tolist() == decoded["big"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert decoded.pop("big").dtype == np.float32
    assert decoded.pop("half").dtype == ml_dtypes.bfloat16
    assert decoded == {"delta": 2.0, "reduction": "sum", "returns": ["value"]}


def test_what_is_written_is_read_by_numpy() -> None:
    reply = {"value": float("nan"), "name": "huber", "count": 3, "gradient": {"p": np.arange(3)}, "terms": [1, 2]}
    with np.load(io.BytesIO(CODEC.encode(reply, "string", "list"))) as archive:
        written = dict(archive)
    assert written.pop("gradient.p").tolist() == [0, 1, 2]
    assert np.isnan(written.pop("value"))
    assert {name: each.item() for name, each in written.items()} == {"name": "huber", "count": 3, "terms": "[1,2]"}


def test_stored_arrays_that_lie_aligned_are_views_of_the_body() -> None:
    body = saved(abcdefgh=np.ones(4, np.uint8))
    assert np.shares_memory(CODEC.decode(body, Limits())["abcdefgh"], np.frombuffer(body, np.uint8))


@pytest.mark.parametrize("entry", [np.array([None]), np.array([{1: 2}], object)])
def test_a_pickle_is_never_opened(entry: Any) -> None:
    error = refuse(saved(x=entry))
    assert type(error) is DtypeError
    assert "never pickled" in str(error)


@pytest.mark.parametrize(
    "entry",
    [np.zeros(2, "M8[s]"), np.zeros(2, "c8"), np.array(["a", "b"]), np.zeros(2, [("a", "f4")]), np.zeros(2, "V4")],
)
def test_what_is_no_number_is_refused_by_name(entry: Any) -> None:
    error = refuse(saved(x=entry))
    assert (type(error), error.faults[0].where) == (DtypeError, ("x",))


GOOD = saved(x=np.ones(3, np.float32))
LYING: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "no directory"),
    ("no archive", b"PK" * 30, "no directory"),
    ("an archive that breaks off", GOOD[:-1], "zip archive"),
    ("half an archive", GOOD[: len(GOOD) // 2], "no directory"),
    ("bytes before", b"x" + GOOD, "another place"),
    ("bytes after", GOOD + b"x", "another place"),
    ("more entries than there are", GOOD[:-14] + b"\x02\x00\x02\x00" + GOOD[-10:], "fewer"),
    ("fewer entries than there are", GOOD[:-14] + b"\x00\x00\x00\x00" + GOOD[-10:], "more"),
    ("a size that it has not", patched(GOOD, 9, 1000), "size and checksum"),
    ("a packed size beyond the end", patched(GOOD, 8, 2**31), "within the archive"),
    ("a place beyond the end", patched(GOOD, 16, 2**31), "within the archive"),
    ("a place in the middle", patched(GOOD, 16, 7), "within the archive"),
    ("another checksum", patched(GOOD, 7, 1), "size and checksum"),
    ("a password", patched(GOOD, 3, 1), "stored or deflated"),
    ("another compression", member(array(), method=zipfile.ZIP_LZMA), "stored or deflated"),
    ("no array", member(b"hello"), "an array of NumPy's"),
    ("a version to come", member(b"\x93NUMPY\x04\x00" + bytes(100)), "an array of NumPy's"),
    ("a header beyond the end", member(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"), "an array of NumPy's"),
    ("a header that is no literal", member(array("__import__('os')")), "header of NumPy's"),
    ("deep brackets", member(array("(" * 4000)), "header of NumPy's"),
    ("a header of too little", member(array().replace(b"descr", b"dscr_")), "descr, fortran_order and shape"),
    ("a negative size", member(array(shape="(-1,)")), "whole numbers"),
    ("a size of true", member(array(shape="(True,)")), "whole numbers"),
    ("too few bytes", member(array(shape="(2,)")), "8 bytes for x"),
    ("too many bytes", member(array(shape="()", data=bytes(8))), "4 bytes for x"),
    ("a huge shape", member(array(shape=f"({2**17}, {2**10})")), "bytes for x"),
    ("broken text", member(array("'<U1'", "()", b"\xff\xff\xff\xff")), "x as text"),
]


@pytest.mark.parametrize(("body", "words"), [row[1:] for row in LYING], ids=[row[0] for row in LYING])
def test_an_archive_that_lies_is_unreadable(body: bytes, words: str) -> None:
    error = refuse(body)
    assert type(error) is Unreadable
    assert words in str(error)


def test_a_name_twice_is_unreadable() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("x.npy", array())
        with pytest.warns(UserWarning, match="Duplicate"):
            writer.writestr("x.npy", array())
    assert "x.npy once" in str(refuse(archive.getvalue()))


@pytest.mark.parametrize("claimed", [None, 100, 2**20])
def test_a_bomb_is_noticed_before_it_goes_off(claimed: int | None) -> None:
    bomb = saved(True, x=np.zeros(2**26, np.uint8))
    bomb = bomb if claimed is None else patched(bomb, 9, claimed)
    tracemalloc.start()
    error = refuse(bomb, 2**22)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(error) is (TooLarge if claimed is None else Unreadable)
    assert ("LOSSAPI_BODY_BYTES" in str(error)) == (claimed is None)
    assert peak < 2**23


def test_many_members_together_are_bounded() -> None:
    assert type(refuse(saved(True, **{f"x{i}": np.zeros(2**20, np.uint8) for i in range(5)}), 2**22)) is TooLarge
