"""Where there are API keys, a stream is for the key that made it, and for `admin`; for others there is none."""

from pathlib import Path

import httpx

from service.app import create_app
from service.keys import make
from service.settings import Settings
from tests.service.live import serving
from tests.service.streams.asking import created, read, rows, sent

BATCH = rows(slice(10))
CALLS = [
    ("GET", ""),
    ("GET", "/history"),
    ("GET", "/state"),
    ("POST", "/batches"),
    ("POST", "/merge"),
    ("POST", "/reset"),
    ("DELETE", ""),
]


def listed(client: httpx.Client) -> list[str]:
    """The streams that a key sees, wherever they are listed."""
    flat = {row["id"] for row in client.get("/v1/dashboards/values").json()}
    names = [each["id"] for each in client.get("/v1/streams").json()["streams"]]
    assert flat == set(names)
    assert len(client.post("/v1/dashboards/grafana/metrics", json={}).json()) == 3 * bool(names)
    return names


def test_a_stream_is_there_for_its_own_key_and_for_admin_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secrets = {name: make(path, name, ["streams"]) for name in ("one", "two")}
    secrets["chief"] = make(path, "chief", ["admin"])
    with serving(create_app(Settings(keys_file=path, store="memory://"))) as client:
        keyed = {
            name: httpx.Client(base_url=client.base_url, headers={"X-API-Key": secret})
            for name, secret in secrets.items()
        }
        identity = created(keyed["one"])
        sent(keyed["one"], identity, BATCH)
        assert [listed(keyed[name]) for name in ("one", "two", "chief")] == [[identity], [], [identity]]
        for method, call in CALLS:
            reply = keyed["two"].request(
                method, f"/v1/streams/{identity}{call}", json=BATCH if method == "POST" else None
            )
            assert (reply.status_code, reply.json()["code"]) == (404, "unknown"), call
        assert read(keyed["chief"], identity)["count"] == read(keyed["one"], identity)["count"] == 10
        assert "owner" not in read(keyed["one"], identity)
        assert keyed["chief"].delete(f"/v1/streams/{identity}").status_code == 204
        for each in keyed.values():
            each.close()
