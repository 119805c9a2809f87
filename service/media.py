"""Which format a request comes in and which its reply is asked for: `Content-Type`, `Content-Encoding`, `Accept`."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from time import perf_counter
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException

from lossapi.codecs import CODECS
from lossapi.codecs.codec import Codec, Limits
from lossapi.codecs.json import MEDIA_TYPE
from lossapi.codecs.room import let_go
from lossapi.codecs.tensors import Base64, Buffer
from lossapi.codecs.unfold import PARTS, unfold
from lossapi.tables import files
from lossapi.tables.files import FORMS, INSTALL, Form
from service.visit import current

JSON = CODECS[MEDIA_TYPE]
ALIASES: Mapping[str, str] = {
    "": MEDIA_TYPE,
    "application/x-www-form-urlencoded": MEDIA_TYPE,
    "text/json": MEDIA_TYPE,
    "application/vnd.msgpack": "application/msgpack",
    "application/x-msgpack": "application/msgpack",
}
"""Other names that a format goes by; no name at all is JSON, and so is what `curl -d` says of itself."""


class Wire(NamedTuple):
    """How the bytes of a request are read, and those of its reply written."""

    reader: Codec | Form
    coding: str
    writer: Codec
    table: bool = False

    def require_no_table(self) -> None:
        """Refuse a table where tensors are wanted."""
        if self.table:
            raise HTTPException(415, f"{self.reader.media_type} is not read here; send {', '.join(CODECS)}")

    def read(self, body: Buffer, limits: Limits) -> dict[str, Any]:
        """What a body says by names; the body is let go of where no tensor is a view of it."""
        visit = current()
        plain = unfold(body, self.coding, limits) if self.coding else body
        if visit is not None and self.coding:
            visit.has(len(plain))
        given = self.reader.decode(plain, limits)
        if type(body) is not bytes:
            let_go(body)
        if plain is not body:
            let_go(plain)
        if visit is not None:
            visit.codec, visit.decoded = self.reader.suffix[1:], perf_counter()
        return given

    def write(self, reply: Mapping[str, Any], form: Mapping[str, Any]) -> bytes:
        """The bytes of a reply; one that no work led to has no stages."""
        visit = current()
        if visit is None or not visit.begun:
            return self.writer.encode(reply, form["nonfinite"], form["encoding"])
        visit.computed = perf_counter()
        written = self.writer.encode(reply, form["nonfinite"], form["encoding"])
        visit.encoded = perf_counter()
        return written

    def form(self, options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """How numbers are written: as asked, else tensors as the request's were, bytes or lists."""
        encoding = options.get("encoding")
        if not encoding:
            lists = self.reader is JSON and not (dict in map(type, given.values()) and _in_bytes(given))
            encoding = "list" if lists else "base64"
        return {"nonfinite": options.get("nonfinite") or "string", "encoding": encoding}


def _in_bytes(given: Mapping[str, Any]) -> bool:
    """Whether any tensor came as base64."""
    return bool([each for each in given.values() if type(each) is dict and isinstance(each.get("data"), str | Base64)])


def wire_of(headers: Mapping[bytes, bytes]) -> Wire:
    """The formats of a request and its reply, by its headers."""
    get = headers.get
    return wire(get(b"content-type", b""), get(b"content-encoding", b""), get(b"accept", b""))


@lru_cache(maxsize=256)
def wire(content_type: bytes, content_encoding: bytes, accept: bytes) -> Wire:
    """The formats that the headers name; a format that is not read here is refused with those that are."""
    reader, coding = _reader(_name(content_type)), _coding(_name(content_encoding))
    return Wire(reader, coding, _writer(accept.decode("latin-1")), reader.media_type in FORMS)


def _name(header: bytes) -> str:
    return header.decode("latin-1").partition(";")[0].strip().lower()


def _reader(name: str) -> Codec | Form:
    known = MEDIA_TYPE if name.endswith("+json") else ALIASES.get(name, name)
    if known in FORMS:
        if not files.installed():
            raise HTTPException(415, f"{name} is read where {INSTALL} was done; send {', '.join(CODECS)}")
        return FORMS[known]
    if known not in CODECS:
        raise HTTPException(415, f"{name} is not read here; send {', '.join(CODECS)}")
    return CODECS[known]


def _coding(name: str) -> str:
    if name in ("", "identity"):
        return ""
    if name not in PARTS:
        raise HTTPException(415, f"Content-Encoding {name} is not read here; send {', '.join(PARTS)} or none")
    return name


def _writer(accept: str) -> Codec:
    """The format that is wanted most; where several are, the one that is named most closely, JSON before others."""
    ranges = [_range(each) for each in accept.split(",") if each.strip()] or [("*/*", 1.0)]
    wanted: list[tuple[float, int, Codec]] = []
    for name, codec in CODECS.items():
        names = ("*/*", f"{name.partition('/')[0]}/*", name)
        closest, quality = max(
            (names.index(each), quality) for each, quality in [*ranges, ("*/*", 0.0)] if each in names
        )
        wanted.append((quality, closest, codec))
    quality, _, best = max(wanted, key=lambda each: each[:2])
    if not quality:
        raise HTTPException(406, f"no reply in {accept}; accept {', '.join(CODECS)}")
    return best


def _range(text: str) -> tuple[str, float]:
    """A media range and how much it is wanted."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for key, _, value in (each.partition("=") for each in parameters):
        if key.strip() == "q":
            with suppress(ValueError):
                quality = float(value)
    name = "*/*" if name == "*" else ALIASES.get(name, name)
    return name, quality if 0 <= quality <= 1 else 1.0
