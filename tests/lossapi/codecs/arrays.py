"""Arrays and bodies for the tests of all codecs."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from lossapi.codecs.tensors import DTYPES
from lossapi.domains import Array

EDGES = [
    b"\x00",
    b"\x80",
    b"\xff",
    b"\x7f",
    b"\x7f\x80",
    b"\xff\x80",
    b"\x7c\x00",
    b"\xfc\x00",
    b"\x7f\xf0",
    b"\xff\xf0",
]
"""The first bytes of -0.0, of infinities and of NaN in one float or another; the rest are zeros."""


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    """An array of any dtype, rank 0 to 4, empty ones among them: any bits, and the edges of floats."""
    dtype = DTYPES[draw(st.sampled_from(list(DTYPES)))]
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    size = int(np.prod(shape, dtype=int))
    width = dtype.itemsize
    edge = st.sampled_from([start[:width].ljust(width, b"\0")[::-1] for start in EDGES])
    element = st.one_of(st.binary(min_size=width, max_size=width), edge)
    raw = b"".join(draw(st.lists(element, min_size=size, max_size=size)))
    if dtype.kind == "b":
        raw = bytes(byte & 1 for byte in raw)
    return np.frombuffer(raw, dtype).reshape(shape)


def same(given: Any, array: Array) -> bool:
    """Whether dtype, shape and every bit are alike."""
    read = np.asarray(given)
    alike = (read.dtype.name, read.shape) == (array.dtype.name, array.shape)
    return alike and np.ascontiguousarray(read).tobytes() == array.tobytes()
