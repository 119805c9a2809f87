"""Valid bodies and what becomes of them in hostile hands: the same for the same seed."""

import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import zstandard

from lossapi.codecs import CODECS
from lossapi.codecs.tensors import DTYPES

NUMBERS = (0, 1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
LONGEST = 4096


def valid() -> Mapping[str, list[bytes]]:
    """Bodies of every format and every dtype, by media type."""
    rng = np.random.default_rng(0)
    requests = [
        {
            "prediction": rng.normal(size=(2, 3)).astype(dtype),
            "target": np.zeros((2, 3)),
            "delta": 1.5,
            "return": ["value"],
        }
        for dtype in DTYPES.values()
    ]
    bodies = {
        media_type: [codec.encode(request, "string", way) for request in requests for way in ("list", "base64")]
        for media_type, codec in CODECS.items()
    }
    archive = io.BytesIO()
    np.savez_compressed(archive, prediction=rng.normal(size=(4, 3)), target=np.zeros((4, 3), order="F"))
    bodies["application/x-npz"] += [archive.getvalue()] * 10
    return bodies


def headers() -> list[bytes]:
    """Headers of safetensors, without the length that says where they end."""
    return [body[8 : body.index(b"}}") + 2] for body in valid()["application/vnd.safetensors"]]


def with_length(header: bytes) -> bytes:
    """A body with a header of its right length."""
    return len(header).to_bytes(8, "little") + header + bytes(96)


def members() -> list[bytes]:
    """Arrays as NumPy writes them."""
    written = []
    for body in valid()["application/x-npz"]:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            written += [archive.read(name) for name in archive.namelist()]
    return written


def archived(member: bytes) -> bytes:
    """An archive with this member, its checksum right."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("prediction.npy", member)
    return archive.getvalue()


def folded() -> Mapping[str, list[bytes]]:
    """A body compressed in every way, by its coding."""
    body = valid()["application/json"][0] * 3
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return {
        "gzip": [gzip.compress(body), gzip.compress(body) * 2],
        "deflate": [zlib.compress(body), zlib.compress(body, 0)],
        "zstd": [zstandard.compress(body), stream.compress(body) + stream.flush()],
    }


def mutants(bodies: list[bytes], seed: int, count: int) -> Iterator[bytes]:
    """Bodies with a few changes each."""
    chance = random.Random(seed)
    for _ in range(count):
        body = bytearray(chance.choice(bodies))
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            _change(body, chance, chance.choice(bodies))
        yield bytes(body[:LONGEST])


def _change(body: bytearray, chance: random.Random, other: bytes) -> None:
    """One change: bits, numbers, pieces lost, doubled or brought from elsewhere."""
    place, length = chance.randrange(len(body) + 1), chance.choice((1, 2, 4, 8, chance.randint(1, 64)))
    end = place + length
    match chance.choice((0, 0, 1, 2, 2, 3, 4, 5, 6, 6)):
        case 0 if place < len(body):
            body[place] ^= 1 << chance.randrange(8)
        case 1:
            body[place:end] = chance.randbytes(length)
        case 2:
            width = chance.choice((1, 2, 4, 8))
            number = chance.choice(NUMBERS) & (256**width - 1)
            body[place : place + width] = number.to_bytes(width, chance.choice(("little", "big")))
        case 3:
            del body[place:end]
        case 4:
            body[place:place] = body[place:end] * chance.randint(1, 20)
        case 5:
            start = chance.randrange(len(other))
            body[place:end] = other[start : start + length]
        case _:
            digits = str(chance.choice((-1, *NUMBERS, 10**30))).encode()
            found = [i for i, byte in enumerate(body) if 48 <= byte < 58]
            if found:
                body[(at := chance.choice(found)) : at + 1] = digits
