"""Streams in Redis: shared by all replicas of the service, as durable as Redis is set to be.

Each call is one script, which Redis runs whole before any other. A stream is a hash (head, expiry, snapshot) and a
list of entries; the index by creation is a sorted set. Keys of retries are strings that Redis lets go of by itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from service.stores.store import BEHIND, GONE, STORED, Append, Outcome, Tail, Unavailable

PREFIX = "lossapi:"
INDEX, COUNTER = PREFIX + "streams", PREFIX + "created"

LIVE = """
local function live(stream, now)
    local found = redis.call('HMGET', stream, 'head', 'expires')
    return found[1] and (found[2] == '' or tonumber(found[2]) > tonumber(now))
end
"""
CREATE = (
    LIVE
    + """
local count = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if live(ARGV[5] .. id, ARGV[4]) then count = count + 1 end
end
if count >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[3], 'head', ARGV[1], 'expires', ARGV[2], 'base', 0, 'last', 0, 'snapshot', '')
redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), ARGV[6])
return 1
"""
)
HEADS = (
    LIVE
    + """
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if live(ARGV[2] .. id, ARGV[1]) then
        found[#found + 1] = id
        found[#found + 1] = redis.call('HGET', ARGV[2] .. id, 'head')
    end
end
return found
"""
)
READ = (
    LIVE
    + """
if not live(KEYS[1], ARGV[2]) then return false end
local since = tonumber(ARGV[1])
local head, base, last = unpack(redis.call('HMGET', KEYS[1], 'head', 'base', 'last'))
local snapshot = false
if tonumber(base) > since then snapshot = redis.call('HGET', KEYS[1], 'snapshot') end
local entries = redis.call('LRANGE', KEYS[2], math.max(since - tonumber(base), 0), -1)
return {head, tonumber(base), snapshot, entries, tonumber(last)}
"""
)
APPEND = (
    LIVE
    + """
local stream, entries, now, after, expires, keep = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not live(stream, now) then return {'gone'} end
local known = {'known'}
for i = 3, #KEYS do
    local met = redis.call('GET', KEYS[i])
    if met and tonumber(string.match(met, '^%d+')) > tonumber(now) then
        known[#known + 1] = i - 3
        known[#known + 1] = string.match(met, ':(.*)$')
    end
end
if #known > 1 then return known end
if redis.call('HGET', stream, 'last') ~= after then return {'behind'} end
for i = 3, #KEYS do
    redis.call('SET', KEYS[i], ARGV[4] .. ':' .. ARGV[2 + i], 'PX', math.max(keep - tonumber(now), 1))
end
for i = #KEYS + 3, #ARGV do redis.call('RPUSH', entries, ARGV[i]) end
redis.call('HINCRBY', stream, 'last', #ARGV - #KEYS - 2)
redis.call('HSET', stream, 'expires', expires)
return {'stored'}
"""
)
COMPACT = """
local base, last = unpack(redis.call('HMGET', KEYS[1], 'base', 'last'))
local upto = tonumber(ARGV[1])
if base and tonumber(base) < upto and upto <= tonumber(last) then
    redis.call('LTRIM', KEYS[2], upto - tonumber(base), -1)
    redis.call('HSET', KEYS[1], 'base', upto, 'snapshot', ARGV[2])
end
"""
DELETE = (
    LIVE
    + """
local found = live(KEYS[2], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[1], ARGV[2])
return found and 1 or 0
"""
)
SWEEP = (
    LIVE
    + """
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if not live(ARGV[2] .. id, ARGV[1]) then
        redis.call('DEL', ARGV[2] .. id, ARGV[3] .. id)
        redis.call('ZREM', KEYS[1], id)
    end
end
"""
)
STREAM, ENTRIES = PREFIX + "stream:", PREFIX + "entries:"


class Redis:
    """One database of a Redis server."""

    def __init__(self, url: str) -> None:
        with _blamed():
            self._client: Any = redis.Redis.from_url(url)
            register: Callable[[str], Any] = self._client.register_script
            self._create, self._heads, self._read = register(CREATE), register(HEADS), register(READ)
            self._append, self._compact = register(APPEND), register(COMPACT)
            self._delete, self._sweep = register(DELETE), register(SWEEP)
            self._client.ping()

    def create(self, stream: str, head: bytes, expires: int | None, most: int, now: int) -> bool:
        """Begin a log."""
        keys = (INDEX, COUNTER, STREAM + stream)
        with _blamed():
            return bool(self._create(keys, (head, _expiry(expires), most, now, STREAM, stream)))

    def heads(self, now: int) -> Mapping[str, bytes]:
        """The head of every stream, oldest first."""
        with _blamed():
            found: list[bytes] = self._heads((INDEX,), (now, STREAM))
        return {stream.decode(): head for stream, head in zip(found[::2], found[1::2], strict=True)}

    def read(self, stream: str, since: int, now: int) -> Tail | None:
        """The log after entry `since`."""
        with _blamed():
            found = self._read((STREAM + stream, ENTRIES + stream), (since, now))
        if found is None:
            return None
        head, base, snapshot, entries, last = found
        return Tail(head, base, snapshot, tuple(entries), last)

    def append(self, appends: Sequence[Append], now: int) -> list[Outcome]:
        """Write to several logs, sent together."""
        with _blamed():
            pipeline = self._client.pipeline(transaction=False)
            for each in appends:
                self._append(*_arguments(each, now), client=pipeline)
            return [_outcome(append, found) for append, found in zip(appends, pipeline.execute(), strict=True)]

    def compact(self, stream: str, base: int, snapshot: bytes) -> None:
        """Put a snapshot in place of the first entries."""
        with _blamed():
            self._compact((STREAM + stream, ENTRIES + stream), (base, snapshot))

    def delete(self, stream: str, now: int) -> bool:
        """Remove a log; its keys are let go of when they expire."""
        with _blamed():
            return bool(self._delete((INDEX, STREAM + stream, ENTRIES + stream), (now, stream)))

    def sweep(self, now: int) -> None:
        """Let go of what has expired."""
        with _blamed():
            self._sweep((INDEX,), (now, STREAM, ENTRIES))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def _blamed() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(f"redis: {error}") from error


def _expiry(expires: int | None) -> int | str:
    return "" if expires is None else expires


def _keyed(append: Append) -> list[tuple[str, str]]:
    return [entry.key for entry in append.entries if entry.key is not None]


def _arguments(append: Append, now: int) -> tuple[list[str], list[Any]]:
    """The keys and arguments of the script: first the digests of the keys, then the entries."""
    keyed = _keyed(append)
    keys = [f"{PREFIX}key:{append.stream}:{name}" for name, _ in keyed]
    values = [now, append.after, _expiry(append.expires), append.keys_expire, *(digest for _, digest in keyed)]
    return [STREAM + append.stream, ENTRIES + append.stream, *keys], [*values, *(e.content for e in append.entries)]


def _outcome(append: Append, found: list[Any]) -> Outcome:
    status, *known = found
    if status == b"known":
        names = [name for name, _ in _keyed(append)]
        digests = zip(known[::2], known[1::2], strict=True)
        return Outcome("known", {names[index]: digest.decode() for index, digest in digests})
    return {b"stored": STORED, b"behind": BEHIND, b"gone": GONE}[status]
