"""What is seen of the server: metrics across workers, logs, timings and traces; nothing of what requests bring."""

import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from service import otel
from service.app import create_app
from service.logs import Objects, configuration
from service.settings import Settings
from service.tally import BOUNDS, Tally, gathered, leave
from service.traces import continued
from tests.programs import require
from tests.service.live import serving
from tests.service.test_lifecycle import started

HUBER = {"prediction": [0.0, 3.0], "target": [0.0, 0.0]}
PATH = "/v1/losses/huber"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = 271828.1828


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every number, by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(client: httpx.Client, name: str, **labels: str) -> float:
    """One number as it is now; what is not there yet is 0."""
    return samples(client.get("/metrics").text).get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def fresh() -> Iterator[httpx.Client]:
    """A client of a server that has counted nothing."""
    with serving(create_app(Settings(body_bytes=10_000))) as client:
        yield client


def test_requests_are_counted_by_route_status_and_codec(fresh: httpx.Client) -> None:
    for _ in range(3):
        fresh.post(PATH, json=HUBER)
    fresh.post("/v1/losses/mean_squared_error", json=HUBER)
    fresh.post("/v1/metrics/nothing", json=HUBER)
    fresh.get("/v1/losses/huber")
    fresh.get("/anywhere")
    name = "lossapi_request_seconds_count"
    assert counted(fresh, name, route="/v1/losses/{name}", status="200", codec="json") == 4
    assert counted(fresh, name, route="/v1/losses/{name}", status="200", codec="other") == 1
    assert counted(fresh, name, route="/v1/metrics/{name}", status="404", codec="other") == 1
    assert counted(fresh, name, route="other", status="404", codec="other") == 1
    for stage in ("queue", "decode", "compute", "encode"):
        assert counted(fresh, "lossapi_stage_seconds_count", stage=stage) == 4
    sent = len(json.dumps(HUBER, separators=(",", ":")))
    assert counted(fresh, "lossapi_received_bytes_total", route="/v1/losses/{name}") == 4 * sent


def test_the_protocol_is_counted_and_timed(fresh: httpx.Client) -> None:
    inputs = [{"name": name, "datatype": "FP64", "shape": [2], "data": data} for name, data in HUBER.items()]
    reply = fresh.post("/v2/models/huber/infer", json={"inputs": inputs})
    assert "compute;dur=" in reply.headers["server-timing"]
    told = {"route": "/v2/models/{model}/infer", "status": "200", "codec": "openinference"}
    assert counted(fresh, "lossapi_request_seconds_count", **told) == 1


def test_rejections_are_counted_by_reason(fresh: httpx.Client) -> None:
    fresh.post(PATH, content=b" " * 20_000)
    fresh.post(PATH, json=HUBER, headers={"X-Request-Timeout": "0.000001"})
    assert [counted(fresh, "lossapi_rejections_total", reason=each) for each in ("limit", "deadline")] == [1, 1]


def test_workers_gather_what_each_has_counted(tmp_path: Path) -> None:
    ours, theirs = Tally(), Tally()
    for tally, process in ((ours, None), (theirs, 2**22 + 1)):
        tally.histogram("seconds", "a").add(0.003)
        tally.count("requests", "a", by=2)
        tally.gauges = {"in_flight": 1.0}
        leave(tally, tmp_path)
        if process:
            next(tmp_path.glob("tally-*")).rename(tmp_path / f"tally-{process}")
    whole = gathered(ours, tmp_path)
    assert whole.histogram("seconds", "a").cumulative()[BOUNDS.index(0.005)] == ("0.005", 2.0)
    assert whole.counter("requests", "a").total == 4
    assert whole.gauges == {"in_flight": 1.0}, "what a process that has ended held is held no more"


def test_each_worker_tells_of_all(fresh: httpx.Client) -> None:
    with started(workers=2, drain_delay=0) as server:
        for _ in range(40):
            assert httpx.post(server.base + PATH, json=HUBER).status_code == 200
        subprocess.run(["sleep", "2.5"], check=True)
        told = {"route": "/v1/losses/{name}", "status": "200", "codec": "json"}
        for _ in range(8):
            with httpx.Client(base_url=server.base) as client:
                assert counted(client, "lossapi_request_seconds_count", **told) == 40
                assert counted(client, "lossapi_workers") == 2


def test_promtool_finds_no_fault(fresh: httpx.Client) -> None:
    require("promtool", "prometheus")
    fresh.post(PATH, json=HUBER)
    text = fresh.get("/metrics").text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_reply_says_where_its_time_went(client: httpx.Client) -> None:
    timing = client.post(PATH, json=HUBER).headers["server-timing"]
    stages = dict(each.split(";dur=") for each in timing.split(", "))
    assert list(stages) == ["queue", "decode", "compute", "encode"]
    assert all(float(each) >= 0 for each in stages.values())
    assert client.get("/v1/losses").headers["server-timing"].startswith("queue;dur=")


def test_a_trace_is_continued(client: httpx.Client) -> None:
    reply = client.post(PATH, json=HUBER, headers={"traceparent": TRACE})
    version, trace, span, flags = reply.headers["traceresponse"].split("-")
    assert (version, trace, flags) == ("00", TRACE.split("-")[1], "01")
    assert span != TRACE.split("-")[2]
    assert "traceresponse" not in client.post(PATH, json=HUBER).headers


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00",
        TRACE.upper(),
        "ff" + TRACE[2:],
        TRACE + "-more",
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
    ],
)
def test_a_trace_that_is_none_is_not_continued(given: str) -> None:
    assert continued(given.encode()) is None
    assert continued(b"01" + TRACE[2:].encode() + b"-more") is not None


def test_spans_are_made_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    import opentelemetry.trace.propagation.tracecontext

    seen, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    app: Any = create_app()
    app.tracer = otel.Tracer(provider, opentelemetry)
    with serving(app) as client:
        reply = client.post(PATH, json=HUBER, headers={"traceparent": TRACE})
    span = next(each for each in seen.get_finished_spans() if each.name == "POST /v1/losses/{name}")
    assert span.parent is not None
    assert span.context is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == tuple(TRACE.split("-")[1:3])
    assert reply.headers["traceresponse"].split("-")[2] == f"{span.context.span_id:016x}"
    assert (span.attributes or {})["http.response.status_code"] == 200


class Kept(logging.Handler):
    """Keeps the lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(Objects())

    def emit(self, record: logging.LogRecord) -> None:
        """One line more."""
        self.lines.append(json.loads(self.format(record)))


def test_the_log_names_requests_and_tells_nothing_of_what_they_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, log = Kept(), logging.getLogger("lossapi")
    monkeypatch.setattr(log, "handlers", [kept])
    monkeypatch.setattr(log, "level", logging.DEBUG)
    monkeypatch.setattr(log, "propagate", False)
    with serving(create_app(Settings(access_log=True))) as client:
        headers = {"X-Request-Id": "one", "traceparent": TRACE}
        client.post(f"{PATH}?delta={SECRET}", json={**HUBER, "prediction": [SECRET, 1]}, headers=headers)
        client.post(PATH, json={"prediction": [str(SECRET)], "target": [0]})
    line = next(each for each in kept.lines if each.get("request_id") == "one")
    told = {name: line[name] for name in ("level", "method", "route", "status", "codec", "trace_id")}
    assert told == {
        "level": "info",
        "method": "POST",
        "route": "/v1/losses/{name}",
        "status": 200,
        "codec": "json",
        "trace_id": TRACE.split("-")[1],
    }
    assert [each["status"] for each in kept.lines if "status" in each] == [200, 422]
    assert str(SECRET) not in json.dumps(kept.lines)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_is_as_the_setting_says(form: Any) -> None:
    told = configuration(Settings(log_format=form, log_level="warning"))
    assert told["handlers"]["stderr"]["formatter"] == form
    assert {each["level"] for each in told["loggers"].values()} == {"WARNING"}
