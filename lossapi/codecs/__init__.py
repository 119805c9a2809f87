"""Bytes ⇄ named arrays, one codec a file; one line here adds a format everywhere."""

from collections.abc import Mapping

from lossapi.codecs.codec import Codec
from lossapi.codecs.json import Json
from lossapi.codecs.msgpack import Msgpack
from lossapi.codecs.npz import Npz
from lossapi.codecs.safetensors import Safetensors

__all__ = ["CODECS"]

_ALL: tuple[Codec, ...] = (Json(), Safetensors(), Npz(), Msgpack())
CODECS: Mapping[str, Codec] = {codec.media_type: codec for codec in _ALL}
"""By media type, in order of preference."""
