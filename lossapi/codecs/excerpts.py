"""JSON whose long tensors are cut out before it is parsed: a parser would hold its text and objects of it all at once.

Long base64 under `data` becomes a view of the body, a long list of numbers its array. The rest is parsed, and these are
put in their place. Text with a backslash in it is parsed as it is, so that a quote is the end of a string, and a
placeholder nobody else's; so is a list that is not quite one of numbers, for the parser to say why.
"""

from collections.abc import Iterator, Sequence
from mmap import mmap
from typing import Any, NamedTuple

import orjson

from lossapi.codecs.long_lists import PART, Text, parsed
from lossapi.codecs.tensors import Base64, Buffer
from lossapi.domains import Array

LONG = 2**16
MOST_STRINGS = 2**12
"""Behind so many strings nothing is looked for any more."""


class Cut(NamedTuple):
    """What lies in a text from one place to another."""

    start: int
    end: int
    value: Base64 | Array


def loads(body: Buffer, long: int = LONG, part: int = PART) -> Any:
    """The JSON value of a body; strings under `data` that are that long are views of it, lists of numbers arrays."""
    if type(body) is bytes and len(body) < long:
        return orjson.loads(body)
    if len(body) < long or isinstance(body, memoryview) or body.find(b"\\") >= 0:
        return _parsed(body)
    cuts = tuple(_cuts(body, long, part))
    if not cuts:
        return _parsed(body)
    rest, kept = [], 0
    for number, cut in enumerate(cuts):
        rest += [body[kept : cut.start], b'"\\u0000%d"' % number]
        kept = cut.end
    return _put_back(orjson.loads(b"".join([*rest, body[kept:]])), cuts)


def _parsed(body: Buffer) -> Any:
    return orjson.loads(memoryview(body) if isinstance(body, mmap) else body)


def _cuts(body: Text, long: int, part: int) -> Iterator[Cut]:
    """What is cut out of a text: lists lie behind a string, between it and the next one."""
    view, key, place = memoryview(body), b"", 0
    for _ in range(MOST_STRINGS):
        start = body.find(b'"', place)
        until = len(body) if start < 0 else start
        if until - place >= long:
            yield from _list(body, place, until, part)
        end = body.find(b'"', start + 1)
        if start < 0 or end < 0:
            return
        if end - start < long:
            key = bytes(body[start + 1 : end])
        elif key == b"data" and _is_colon(body, place, start):
            yield Cut(start, end + 1, Base64(view[start + 1 : end]))
        place = end + 1


def _list(body: Text, place: int, until: int, part: int) -> Iterator[Cut]:
    """The list of numbers between a key and what follows it, if that is what stands there."""
    start, brace = body.find(b"[", place, until), body.find(b"}", place, until)
    end = body.rfind(b"]", place, until if brace < 0 else brace) + 1
    if 0 <= start < end and _is_colon(body, place, start):
        array = parsed(body, start, end, part)
        if array is not None:
            yield Cut(start, end, array)


def _is_colon(body: Text, start: int, end: int) -> bool:
    """Whether all that stands there is the colon behind a key."""
    return end - start < LONG and body[start:end].strip() == b":"


def _put_back(value: Any, cuts: Sequence[Cut]) -> Any:
    """What was cut out, where its number stands."""
    within = [value]
    while within:
        each = within.pop()
        if type(each) is list:
            within += each if {dict, list} & set(map(type, each)) else ()
            continue
        for key, part in each.items() if type(each) is dict else ():
            if type(part) is str and part[:1] == "\0":
                each[key] = cuts[int(part[1:])].value
            else:
                within.append(part)
    return value
