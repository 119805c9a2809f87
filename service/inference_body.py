"""The bytes of an Open Inference request and reply: read into one buffer, unfolded, folded as the client wishes."""

import gzip
import zlib
from collections.abc import Iterable, Mapping

from starlette.exceptions import HTTPException
from starlette.types import Receive

from lossapi.codecs.codec import Limits
from lossapi.codecs.unfold import PARTS
from service.visit import Gone, current

Headers = Mapping[bytes, bytes]
ALIGNMENT = 16
LEVEL = 1
"""Of compression: numbers fold little, at any cost."""


def coding_of(headers: Headers) -> str | None:
    """How the body is compressed, if it is."""
    coding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding not in PARTS:
        raise HTTPException(415, f"Content-Encoding {coding} is not read here; {', '.join(PARTS)} are")
    return coding


async def read_aligned(headers: Headers, receive: Receive, limits: Limits, header_length: int) -> memoryview:
    """The whole body as it comes; what follows the header lies so that numbers are aligned."""
    if (declared := headers.get(b"content-length", b"")).isdigit() and int(declared) > limits.unfolded:
        raise limits.over(int(declared))
    pad = -header_length % ALIGNMENT
    buffer, more = bytearray(pad), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        buffer += message.get("body", b"")
        if len(buffer) - pad > limits.unfolded:
            raise limits.over(len(buffer) - pad)
        more = message.get("more_body", False)
        if more and (visit := current()) is not None:
            visit.has(len(buffer) - pad)
    return memoryview(buffer)[pad:]


def chosen_coding(accepted: bytes) -> str | None:
    """gzip or deflate where the client prefers it to all others; of several codings alike it prefers none.

    So a client that names one coding gets it, and one that lists all it can read, as HTTP libraries do of
    themselves, gets its tensors plain: they fold little, at a cost.
    """
    if not accepted:
        return None
    weights: dict[str, float] = {}
    for token in accepted.decode("latin-1").lower().split(","):
        coding, _, quality = token.partition(";")
        try:
            weights[coding.strip()] = float(quality.partition("=")[2] or 1)
        except ValueError:
            continue
    most = max(weights.values(), default=0.0)
    best = [coding for coding, weight in weights.items() if weight == most > 0]
    return best[0] if len(best) == 1 and best[0] in ("gzip", "deflate") else None


def folded(coding: str, parts: Iterable[bytes | memoryview]) -> bytes:
    """Parts as one compressed body."""
    whole = b"".join(parts)
    return gzip.compress(whole, LEVEL) if coding == "gzip" else zlib.compress(whole, LEVEL)
