"""JSON whose long base64 is left where it lies: a parser would copy it twice before it is decoded.

The strings under `data` are cut out of the text, the rest is parsed, and views of the body are put in their place. Text
with a backslash in it is parsed as it is, so that a quote is the end of a string, and a placeholder nobody else's.
"""

from mmap import mmap
from typing import Any, NamedTuple

import orjson

from lossapi.codecs.tensors import Base64, Buffer

KEY = b'"data"'
LONG = 2**16
NEAR = 2**12
"""How far on the next key is looked for: what a tensor says of itself takes little room."""


class Cut(NamedTuple):
    """A text without its long strings, and these."""

    rest: bytes
    found: list[Base64]


def loads(body: Buffer, long: int = LONG) -> Any:
    """The JSON value of a body; strings under `data` that are that long are views of it."""
    cut = None if len(body) < long or isinstance(body, memoryview) else _cut(body, long)
    if cut is None:
        return orjson.loads(memoryview(body) if isinstance(body, mmap) else body)
    return _put_back(orjson.loads(cut.rest), cut.found)


def _cut(body: bytes | bytearray | mmap, long: int) -> Cut | None:
    """The text without long strings; nothing where there are none, or a backslash is among it."""
    view, kept, place = memoryview(body), 0, 0
    rest: list[bytes] = []
    found: list[Base64] = []
    while (place := body.find(KEY, place, place + NEAR)) >= 0:
        place += len(KEY)
        start = body.find(b'"', place, place + NEAR) + 1
        end = body.find(b'"', start)
        if not start or bytes(view[place : start - 1]).strip() != b":" or end - start < long:
            continue
        rest += [bytes(view[kept:start]), b"\\u0000%d" % len(found)]
        found.append(Base64(view[start:end]))
        kept = place = end
    if not found or body.find(b"\\") >= 0:
        return None
    return Cut(b"".join([*rest, view[kept:]]), found)


def _put_back(value: Any, found: list[Base64]) -> Any:
    """What was cut out, where its number stands."""
    within = [value]
    while within:
        each = within.pop()
        if type(each) is list:
            within += each if each and type(each[0]) is dict else []
            continue
        for key, part in each.items() if type(each) is dict else ():
            if key == "data" and type(part) is str and part[:1] == "\0":
                each[key] = found[int(part[1:])]
            else:
                within.append(part)
    return value
