"""API keys: who may ask for what, how often; the file holds no key and is read again when it changes."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import pytest

from lossapi.__main__ import main
from service import keys
from service.app import create_app
from service.keys import SCOPES, Keys, make, wanted_by
from service.quota import Counter, Quota
from service.settings import Settings
from tests.service.live import serving

HUBER = {"prediction": [0.0, 3.0], "target": [0.0, 0.0]}
PATH = "/v1/losses/huber"


@contextmanager
def guarded(path: Path, **settings: Any) -> Iterator[httpx.Client]:
    """A client of a server that asks for keys."""
    with serving(create_app(Settings(keys_file=path, **settings))) as client:
        yield client


def ask(client: httpx.Client, secret: str | None, path: str = PATH) -> httpx.Response:
    """One request under a key."""
    return client.post(path, json=HUBER, headers={} if secret is None else {"Authorization": f"Bearer {secret}"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where keys are kept."""
    return tmp_path / "keys.json"


def test_the_command_prints_a_key_once_and_keeps_its_hash(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "ci", "--scope", "compute", "--scope", "streams", "--requests", "5", "--file", str(file)]) == 0
    secret = capsys.readouterr().out.strip()
    kept = json.loads(file.read_text())["keys"]
    assert [(each["name"], each["scopes"], each["requests"]) for each in kept] == [("ci", ["compute", "streams"], 5)]
    assert len(secret) > 40
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert main(["key", "ci", "--file", str(file)]) == 0
    assert capsys.readouterr().out.strip() != secret
    assert len(json.loads(file.read_text())["keys"]) == 1


def test_a_request_without_a_key_or_with_a_wrong_one_is_a_401(file: Path) -> None:
    secret = make(file, "one", ["compute"])
    with guarded(file) as client:
        for wrong in (None, "lossapi_wrong", secret + "x", secret[:-1]):
            reply = ask(client, wrong)
            assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")
            assert reply.headers["www-authenticate"].startswith("Bearer")
        assert ask(client, secret).status_code == 200
        assert client.post(PATH, json=HUBER, headers={"X-API-Key": secret}).status_code == 200


def test_a_key_opens_what_its_scopes_name_and_admin_opens_all(file: Path) -> None:
    secrets = {name: make(file, name, [name]) for name in SCOPES}
    with guarded(file) as client:
        for name, secret in secrets.items():
            assert ask(client, secret).status_code == (200 if name in ("compute", "admin") else 403)
            metrics = client.get("/metrics", headers={"X-API-Key": secret})
            assert metrics.status_code == (200 if name in ("metrics", "admin") else 403)
        reply = ask(client, secrets["metrics"])
        assert "no scope compute" in reply.json()["detail"]
        assert 'scope="compute"' in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", PATH, "compute"),
        ("POST", "/v1/evaluate", "compute"),
        ("POST", "/v2/models/huber/infer", "compute"),
        ("GET", "/v1/losses/huber/model.onnx", "compute"),
        ("GET", "/v1/streams", "streams"),
        ("DELETE", "/v1/streams/x", "streams"),
        ("POST", "/v2/systemsharedmemory/region/x/register", "admin"),
        ("GET", "/metrics", "metrics"),
        ("GET", "/health/ready", None),
        ("GET", "/v2/health/live", None),
        ("GET", "/v1/losses", None),
        ("GET", "/docs", None),
    ],
)
def test_each_path_asks_for_one_scope(method: str, path: str, scope: str | None) -> None:
    assert wanted_by(method, path) == scope


def test_the_file_is_read_again_and_a_broken_one_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "OFTEN", 0.0)
    first = make(file, "first", ["compute"])
    with guarded(file) as client:
        second = make(file, "second", ["compute"])
        assert [ask(client, each).status_code for each in (first, second)] == [200, 200]
        kept = json.loads(file.read_text())["keys"]
        file.write_text("{")
        assert ask(client, second).status_code == 200
        file.write_text(json.dumps({"keys": [each for each in kept if each["name"] != "first"]}))
        assert [ask(client, each).status_code for each in (first, second)] == [401, 200]


def test_a_quota_is_told_and_kept(file: Path) -> None:
    secret, other = make(file, "few", ["compute"], Quota(2, 3600)), make(file, "other", ["compute"])
    with guarded(file) as client:
        left = [ask(client, secret).headers["ratelimit"] for _ in range(2)]
        assert [each.rpartition(";")[0] for each in left] == ['"requests";r=1', '"requests";r=0']
        reply = ask(client, secret)
        assert (reply.status_code, reply.headers["ratelimit-policy"]) == (429, '"requests";q=2;w=3600')
        assert 3500 < int(reply.headers["retry-after"]) <= 3600
        assert "ratelimit" not in ask(client, other).headers
        assert client.get("/v1/losses", headers={"X-API-Key": secret}).status_code == 200


def test_a_window_ends(tmp_path: Path) -> None:
    counter = Counter("one", tmp_path)
    assert [counter.take(Quota(1, 0.05)).granted for _ in range(2)] == [True, False]
    threading.Event().wait(0.06)
    assert counter.take(Quota(1, 0.05)).granted


def granted(folder: Path) -> int:
    """How many of a hundred requests one process is granted."""
    counter = Counter("one", folder)
    return sum(counter.take(Quota(150, 3600)).granted for _ in range(100))


def test_processes_share_a_quota(tmp_path: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        assert sum(pool.map(granted, [tmp_path] * 2, chunksize=1)) == 150


def test_no_file_of_keys_ends_the_start(file: Path) -> None:
    with pytest.raises(SystemExit, match=r"keys\.json is no file of keys"):
        Keys(file)
    file.write_text('{"keys": [{"name": "x", "sha256": "abc", "scopes": ["everything"]}]}')
    with pytest.raises(SystemExit, match="no file of keys"):
        Keys(file)


def test_other_origins_may_ask_only_where_they_are_named(client: httpx.Client) -> None:
    origin = {"Origin": "https://example.org"}
    assert "access-control-allow-origin" not in client.post(PATH, json=HUBER, headers=origin).headers
    with serving(create_app(Settings(cors_origins="https://example.org"))) as open_client:
        reply = open_client.post(PATH, json=HUBER, headers=origin)
        assert reply.headers["access-control-allow-origin"] == "https://example.org"
        elsewhere = open_client.post(PATH, json=HUBER, headers={"Origin": "https://example.com"})
        assert "access-control-allow-origin" not in elsewhere.headers


def test_replies_carry_headers_that_keep_browsers_from_guessing(client: httpx.Client) -> None:
    for reply in (client.post(PATH, json=HUBER), client.get("/v1/losses"), client.get("/nowhere")):
        assert reply.headers["x-content-type-options"] == "nosniff"
    page = client.get("/docs")
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
