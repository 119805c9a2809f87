"""What requests to streams say: a stream to make, a batch, states to merge, a span of time."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.types import Scope

from lossapi import portable
from lossapi.codecs import json
from lossapi.codecs.tensors import Buffer, tensor
from lossapi.errors import Conflict, LossError, ParameterError, UnknownKey, Unsupported, nearest
from lossapi.evaluation.items import KINDS, Item, read_items
from lossapi.evaluation.panel import Panel, Term, merge, require_taken, zero
from lossapi.evaluation.portable_panel import is_panel, pack, unpack
from lossapi.windows.content import opened
from lossapi.windows.given_rows import Rows, rows_of
from lossapi.windows.pieces import Piece, settled
from service.media import Wire
from service.stores.store import Key

KEYS = ("losses", "metrics", "name", "labels", "ttl", "window")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
OWN_LABELS = ("id", "stream", "series", "index")
"""Labels that the service itself gives to what it publishes."""
MOST_LABELS, LONGEST = 16, 200
LONGEST_KEY, MOST_POINTS = 255, 100_000
LONGEST_LIFE = 10 * 366 * 86_400.0


def require_known(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse keys that nothing asks for."""
    for name in given:
        if name not in known:
            raise UnknownKey(nearest(name, known), f"unknown key {name!r}", (name,))


def read_head(given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """What a stream is asked to be, under a new id; checked, so that it can be read again without fault."""
    require_known(given, KEYS)
    items, window = read_items(given), given.get("window")
    opened(window, items)
    _require_mergeable(items)
    name, ttl = given.get("name"), given.get("ttl")
    if name is not None:
        _require_text("name", name, "name")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= LONGEST_LIFE):
        raise ParameterError(f"ttl, seconds above 0 and up to {LONGEST_LIFE:g}", repr(ttl)[:60], ("ttl",))
    head = {"id": secrets.token_hex(8), "name": name, "labels": _labels(given.get("labels")), "created": now}
    return {
        **head,
        "ttl": ttl,
        "window": window,
        **{kind: each for kind, each in pack(zero(items)).items() if kind in KINDS},
    }


def _require_mergeable(items: Sequence[Item]) -> None:
    for item in items:
        merges = getattr(item.definition, "merges", None)
        try:
            portable.require_mergeable(item.definition, item.reduction, cut=not merges or merges(item.parameters))
        except LossError as error:
            raise type(error)(error.faults[0].expected, error.faults[0].got, item.place) from None


def _require_text(name: str, value: Any, *where: str | int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise ParameterError(f"{name}, a text of 1 to {LONGEST} printable characters", repr(value)[:60], where)


def _labels(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or len(given) > MOST_LABELS:
        raise ParameterError(f"labels, an object of at most {MOST_LABELS} texts", repr(given)[:60], ("labels",))
    for name, value in given.items():
        if not LABEL.match(name) or name in OWN_LABELS or name.startswith("__") or len(name) > LONGEST:
            expected = f"a label of letters, digits and _ other than {', '.join(OWN_LABELS)}"
            raise ParameterError(expected, repr(name)[:60], ("labels", name))
        _require_text(name, value, "labels", name)
    return dict(given)


def read_labels(given: Sequence[str]) -> dict[str, str]:
    """What is asked of labels, each as `key:value`."""
    found = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon:
            raise ParameterError("label as key:value", repr(each)[:60], ("label",))
        found[name] = value
    return found


def written_form(wire: Wire, options: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """How numbers are written in the reply to a change, which is stored whatever they are."""
    form = wire.form(options, given)
    if form["nonfinite"] == "error":
        raise Unsupported("nonfinite string or null (what is stored is stored)", "error", ("nonfinite",))
    return form


def read_key(scope: Scope, body: Buffer) -> Key | None:
    """The Idempotency-Key, with a digest of all that says what is sent."""
    headers = dict(scope["headers"])
    name = headers.get(b"idempotency-key")
    if name is None:
        return None
    if not 0 < len(name) <= LONGEST_KEY or not all(32 <= byte < 127 for byte in name):
        expected = f"an Idempotency-Key of 1 to {LONGEST_KEY} printable characters"
        raise ParameterError(expected, f"{len(name)} bytes", ("Idempotency-Key",))
    digest = sha256()
    for part in (headers.get(b"content-type", b""), headers.get(b"content-encoding", b""), scope["query_string"], body):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return Key(name.decode(), digest.hexdigest())


def read_rows(items: Sequence[Item], given: Mapping[str, Any]) -> Rows:
    """The tensors of a batch."""
    require_taken(items, given)
    tensors = {name: _tensor(name, value) for name, value in given.items() if value is not None}
    weight = tensors.pop("weight", None)
    return rows_of(items, tensors, weight)


def _tensor(name: str, value: Any) -> Any:
    try:
        return tensor(value)
    except LossError as error:
        raise error.within(name) from None


def read_states(items: Sequence[Item], given: Mapping[str, Any]) -> Piece:
    """States to merge in: of the stream's losses and metrics, or of its only one."""
    require_known(given, ("state", "states"))
    single = given.get("state")
    listed = [single] if single is not None else given.get("states")
    if not isinstance(listed, list) or not listed or (single is not None and given.get("states") is not None):
        raise ParameterError("state, or states as a list of at least one", repr(listed)[:60])
    panels = []
    for index, each in enumerate(listed):
        place = ("state",) if single is not None else ("states", index)
        try:
            panels.append(_panel(items, each))
        except LossError as error:
            raise error.within(*place) from None
    whole = settled(merge(panels))
    return Piece(max(map(_count, whole.parts), default=0), whole)


def _count(part: Any) -> int:
    return round(max((term.source.state.count for term in part), default=0))


def _panel(items: Sequence[Item], value: Any) -> Panel:
    if is_panel(value):
        found = unpack(value)
        if found.items != tuple(items):
            raise Conflict("a state of the stream's losses and metrics", "a state of others")
        return Panel(tuple(items), found.parts)
    state = portable.unpack(value)
    mine = [(item.definition, item.parameters, item.reduction) for item in items]
    if mine != [(state.definition, state.parameters, state.reduction)]:
        raise Conflict("a state of the stream's losses and metrics", f"a state of {state.definition.name}")
    return Panel(tuple(items), ((Term(state),),))


def read_time(name: str, value: Any) -> float | None:
    """A moment: milliseconds since 1970, or a date and time as ISO 8601 writes them."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}, milliseconds since 1970 or ISO 8601", repr(value)[:60], (name,)) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def parsed(text: str | None) -> Any:
    """What a text of the query string says: JSON where it is JSON, but for null, else itself."""
    value = None if text is None else json.value_of(text)
    return text if value is None else value


def read_count(name: str, value: Any, default: int, most: int) -> int:
    """A number of things, at least one."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ParameterError(f"{name}, an integer from 1 to {most}", repr(value)[:60], (name,))
    return value
