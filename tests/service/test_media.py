"""Which format a request comes in and its reply is asked for: headers as clients really send them."""

import pytest
from starlette.exceptions import HTTPException

from lossapi.codecs import CODECS
from service.media import wire

JSON, SAFETENSORS, NPZ, MSGPACK = CODECS


def written(accept: str) -> str:
    """The format of the reply."""
    return wire(b"", b"", accept.encode()).writer.media_type


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("", JSON),
        ("application/json; charset=utf-8", JSON),
        ("Application/JSON", JSON),
        ("text/json", JSON),
        ("application/vnd.api+json", JSON),
        ("application/x-www-form-urlencoded", JSON),
        ("application/vnd.safetensors", SAFETENSORS),
        ("application/x-npz", NPZ),
        ("application/msgpack", MSGPACK),
        ("application/x-msgpack", MSGPACK),
        ("application/vnd.msgpack", MSGPACK),
    ],
)
def test_the_content_type_says_how_a_body_is_read(content_type: str, media_type: str) -> None:
    assert wire(content_type.encode(), b"", b"").reader.media_type == media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("application/vnd.safetensors", SAFETENSORS),
        ("application/vnd.safetensors, */*", SAFETENSORS),
        ("application/vnd.safetensors;q=0.5, application/json;q=0.1", SAFETENSORS),
        ("application/vnd.safetensors;q=0.1, application/json;q=0.5", JSON),
        ("application/json;q=0, application/*", SAFETENSORS),
        ("APPLICATION/X-NPZ ; Q=1", NPZ),
        ("application/x-msgpack", MSGPACK),
        ("application/x-npz;q=never", NPZ),
    ],
)
def test_accept_says_how_a_reply_is_written(accept: str, media_type: str) -> None:
    assert written(accept) == media_type


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/json;q=0", "*/*;q=0", "json"])
def test_what_no_reply_is_written_in_is_told_what_is(accept: str) -> None:
    with pytest.raises(HTTPException) as caught:
        written(accept)
    assert caught.value.status_code == 406
    assert all(media_type in caught.value.detail for media_type in CODECS)


@pytest.mark.parametrize(
    ("content_type", "coding", "offered"),
    [("text/xml", "", MSGPACK), ("application/octet-stream", "", JSON), ("", "br", "zstd"), ("", "gzip, gzip", "gzip")],
)
def test_what_is_not_read_is_told_what_is(content_type: str, coding: str, offered: str) -> None:
    with pytest.raises(HTTPException) as caught:
        wire(content_type.encode(), coding.encode(), b"")
    assert caught.value.status_code == 415
    assert offered in caught.value.detail


@pytest.mark.parametrize(("header", "coding"), [("", ""), ("identity", ""), ("GZIP", "gzip"), ("zstd", "zstd")])
def test_the_content_encoding_says_how_a_body_was_compressed(header: str, coding: str) -> None:
    assert wire(b"", header.encode(), b"").coding == coding
