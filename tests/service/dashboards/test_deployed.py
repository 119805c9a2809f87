"""What is deployed beside the service: every query of the dashboard finds something on a live server."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from service.dashboards.grafana import PREFIX
from service.settings import Settings
from tests.programs import require
from tests.service.dashboards.conftest import Board, times
from tests.service.redis_server import free_port

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DASHBOARD: Any = json.loads((DEPLOY / "grafana/dashboards/streams.json").read_text())
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
SPAN = {"from": times(0)[0], "to": times(10)[0]}


def read_yaml(path: str) -> Any:
    """A file of the deployment."""
    return yaml.safe_load((ROOT / path).read_text())


def test_every_panel_asks_a_source_that_is_provisioned() -> None:
    sources = {
        each["uid"]: each["type"]
        for each in read_yaml("deploy/grafana/provisioning/datasources/lossapi.yml")["datasources"]
    }
    asked = [each["datasource"] for each in [*DASHBOARD["panels"], *TARGETS, *DASHBOARD["templating"]["list"]]]
    assert len(TARGETS) == len(DASHBOARD["panels"])
    assert all(sources[each["uid"]] == each["type"] for each in asked)


def test_panels_do_not_overlap() -> None:
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_the_files_that_compose_mounts_are_there() -> None:
    composed = read_yaml("docker-compose.yml")
    services = composed["services"]
    mounted = [volume.split(":") for each in services.values() for volume in each.get("volumes", ())]
    for source, *_ in mounted:
        assert source in composed["volumes"] or (ROOT / source).exists(), source
    sources = read_yaml("deploy/grafana/provisioning/datasources/lossapi.yml")["datasources"]
    hosts = [httpx.URL(each["url"]).host for each in sources]
    hosts += [
        each.split(":")[0]
        for each in read_yaml("deploy/prometheus/prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"]
    ]
    hosts.append(httpx.URL(services["lossapi"]["environment"]["LOSSAPI_STORE"]).host)
    assert set(hosts) <= services.keys()
    assert httpx.URL(sources[1]["url"]).path == PREFIX
    for each in ("lossapi", "lossapi-gpu"):
        given = services[each]["environment"]
        Settings.model_validate({name.removeprefix("LOSSAPI_").lower(): value for name, value in given.items()})


@pytest.mark.parametrize("target", [each for each in TARGETS if "target" in each], ids=lambda each: each["type"])
def test_every_query_of_the_json_data_source_finds_something(board: Board, target: Any) -> None:
    found = board.client.post(f"{PREFIX}/query", json={"range": SPAN, "maxDataPoints": 100, "targets": [target]}).json()
    assert any(each.get("datapoints") or each.get("rows") for each in found)


@pytest.fixture(scope="module")
def prometheus(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that scrapes the board's server as it is configured to, but every second."""
    require("prometheus", "prometheus")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    address = f"{board.client.base_url.host}:{board.client.base_url.port}"
    text = (DEPLOY / "prometheus/prometheus.yml").read_text().replace("lossapi:8000", address).replace("10s", "1s")
    (folder / "prometheus.yml").write_text(text)
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", "--log.level=error"]
    server = subprocess.Popen(["prometheus", *options, f"--web.listen-address=127.0.0.1:{port}"])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while not scraped(client, "deriv(lossapi_stream_rows[1m])"):
                assert server.poll() is None, "prometheus ended at its start"
                time.sleep(0.2)
            yield client
    finally:
        server.terminate()
        server.wait()


def scraped(client: httpx.Client, expression: str) -> list[Any]:
    """What an expression comes to; nothing while Prometheus is starting."""
    try:
        reply = client.get("/api/v1/query", params={"query": expression})
    except httpx.TransportError:
        return []
    if reply.status_code == 503:
        return []
    assert reply.status_code == 200, reply.text
    found: list[Any] = reply.json()["data"]["result"]
    return found


@pytest.mark.parametrize("target", [each for each in TARGETS if "expr" in each], ids=lambda each: each["expr"][:40])
def test_every_query_of_prometheus_finds_something(prometheus: httpx.Client, target: Any) -> None:
    found = scraped(prometheus, target["expr"].replace("$stream", ".*"))
    assert found
    for label in ("stream", "series"):
        if "{{" + label + "}}" in target["legendFormat"]:
            assert all(label in each["metric"] for each in found if each["metric"].get("stream"))


def test_the_variable_lists_the_streams(prometheus: httpx.Client) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["query"]["query"] == "label_values(lossapi_stream_value, stream)"
    assert {each["metric"].get("stream") for each in scraped(prometheus, "lossapi_stream_value")} >= {"val"}


def test_promtool_takes_the_configuration() -> None:
    require("promtool", "prometheus")
    subprocess.run(["promtool", "check", "config", str(DEPLOY / "prometheus/prometheus.yml")], check=True)
