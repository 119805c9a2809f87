"""W3C trace context: the trace that a request belongs to is taken from `traceparent` and continued."""

import re
from random import getrandbits
from typing import NamedTuple

FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
NEVER = b"ff"


class Trace(NamedTuple):
    """Where a request stands in a trace: the caller's span, and ours below it."""

    trace_id: str
    parent_id: str
    span_id: str
    flags: str

    @property
    def header(self) -> bytes:
        """As the next one is told."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}".encode()


def continued(given: bytes | None) -> Trace | None:
    """The trace of a request that says so in order; another is none, as the recommendation has it."""
    found = FORM.fullmatch(given) if given else None
    if found is None or found[1] == NEVER or (found[1] == b"00" and found[5]):
        return None
    if not int(found[2], 16) or not int(found[3], 16):
        return None
    return Trace(found[2].decode(), found[3].decode(), f"{getrandbits(64) or 1:016x}", found[4].decode())
