"""API keys: named, with scopes and quotas, in a file of their hashes that is read again when it changes.

A key is 256 random bits, so that one round of SHA-256 is enough: there is nothing to guess.
"""

import hmac
import json
import logging
import os
import secrets
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Annotated, Literal

from annotated_types import Gt, Len
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from service.quota import Counter, Quota
from service.shared import folder
from service.visit import Visit

LOG = logging.getLogger("lossapi")
Name = Literal["compute", "streams", "admin", "metrics"]
SCOPES: tuple[Name, ...] = ("compute", "streams", "admin", "metrics")
OPEN = ("/health/", "/v2/health/")
STARTS: tuple[tuple[str, Name], ...] = (
    ("/metrics", "metrics"),
    ("/v1/streams", "streams"),
    ("/v1/dashboards", "streams"),
    ("/v2/systemsharedmemory", "admin"),
)
"""What a path's beginning asks for; any other POST asks for `compute`, any other GET for nothing."""
PREFIX = "lossapi_"
REALM = 'Bearer realm="lossapi"'
OFTEN = 1.0
"""Seconds between two looks at the file."""


class Key(BaseModel):
    """One key, as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Len(1, 100)]
    sha256: Annotated[str, Len(64, 64)]
    scopes: tuple[Name, ...]
    requests: Annotated[int, Gt(0)] | None = None
    seconds: Annotated[float, Gt(0)] = 60.0

    @property
    def quota(self) -> Quota | None:
        """How many requests it may make, if that is limited."""
        return None if self.requests is None else Quota(self.requests, self.seconds)

    def may(self, scope: Name) -> bool:
        """Whether it opens what asks for a scope; `admin` opens all."""
        return scope in self.scopes or "admin" in self.scopes


class File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[Key, ...] = ()


class Keys:
    """The keys in force."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark: tuple[int, ...] = ()
        self._looked = 0.0
        self._keys: dict[str, Key] = {}
        self._counters: dict[str, Counter] = {}
        try:
            self._read()
        except (OSError, ValidationError) as error:
            raise SystemExit(f"lossapi: {path} is no file of keys: {error}") from None

    def admit(self, visit: Visit, scope: Scope) -> None:
        """Let in who shows a key that opens the path, within its quota; its name is put into the scope."""
        wanted = wanted_by(scope["method"], scope["path"])
        shown = shown_in(visit)
        if wanted is None and not shown:
            return
        key = self.find(shown)
        if wanted is not None and not key.may(wanted):
            headers = {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{wanted}"'}
            raise HTTPException(403, f"key {key.name} has no scope {wanted}", headers)
        visit.key, visit.sees_all = key.name, "admin" in key.scopes
        if key.quota is not None and wanted is not None:
            self._count(visit, key, key.quota)

    def find(self, shown: bytes) -> Key:
        """The key that was shown."""
        if monotonic() - self._looked > OFTEN:
            self.refresh()
        if not shown:
            raise HTTPException(401, "an API key in Authorization: Bearer or X-API-Key", {"WWW-Authenticate": REALM})
        digest = sha256(shown).hexdigest()
        key = self._keys.get(digest)
        if key is None or not hmac.compare_digest(key.sha256, digest):
            headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
            raise HTTPException(401, "no such API key", headers)
        return key

    def refresh(self) -> None:
        """Read the file again where it has changed; one that cannot be read leaves the keys as they are."""
        self._looked = monotonic()
        try:
            if self._mark != _mark(self.path):
                self._read()
        except (OSError, ValidationError) as error:
            LOG.error("the keys stay as they are: %s cannot be read: %s", self.path, error)

    def _read(self) -> None:
        self._mark, self._looked = _mark(self.path), monotonic()
        self._keys = {key.sha256: key for key in read(self.path).keys}

    def _count(self, visit: Visit, key: Key, quota: Quota) -> None:
        counter = self._counters.get(key.name)
        if counter is None:
            counter = self._counters[key.name] = Counter(key.name, folder())
        taken = counter.take(quota)
        visit.more += taken.headers(quota)
        if not taken.granted:
            detail = f"key {key.name} may make {quota.requests} requests in {quota.seconds:g} s"
            raise HTTPException(429, detail, {"Retry-After": str(taken.seconds)})


def wanted_by(method: str, path: str) -> Name | None:
    """The scope that a request asks for."""
    for start, name in STARTS:
        if path.startswith(start):
            return name
    computes = method == "POST" or path.endswith("/model.onnx")
    return "compute" if computes and not path.startswith(OPEN) else None


def shown_in(visit: Visit) -> bytes:
    """The key that a request brings."""
    kind, _, bearer = visit.headers.get(b"authorization", b"").partition(b" ")
    return bearer.strip() if kind.lower() == b"bearer" else visit.headers.get(b"x-api-key", b"")


def _mark(path: Path) -> tuple[int, ...]:
    known = path.stat()
    return known.st_mtime_ns, known.st_size, known.st_ino


def read(path: Path) -> File:
    """The keys of a file."""
    return File.model_validate_json(path.read_bytes())


def make(path: Path, name: str, scopes: Sequence[Name], quota: Quota | None = None) -> str:
    """Add a key to a file, or replace the one of that name; the key itself is in no file."""
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(name=name, sha256=sha256(secret.encode()).hexdigest(), scopes=tuple(scopes))
    if quota is not None:
        key = key.model_copy(update=quota._asdict())
    others = [each for each in read(path).keys if each.name != name] if path.exists() else []
    text = json.dumps({"keys": [each.model_dump(exclude_none=True) for each in (*others, key)]}, indent=2)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    new.replace(path)
    return secret
