"""GET /metrics: the service seen from outside, as Prometheus reads it, right across workers."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from lossapi import __version__
from lossapi.backends import choice
from service.admission import Admission
from service.tally import Tally, gathered
from service.visit import Visit

HISTOGRAMS = {
    "lossapi_request_seconds": ("From a request's arrival to its reply.", ("route", "status", "codec")),
    "lossapi_stage_seconds": ("What a request that computes spends its time on.", ("stage",)),
}
COUNTERS = {
    "lossapi_received_bytes": ("Bytes of bodies that came.", ("route",)),
    "lossapi_sent_bytes": ("Bytes of bodies that were sent.", ("route",)),
    "lossapi_rejections": ("Requests that were not let in.", ("reason",)),
    "lossapi_key_requests": ("Requests by the key that asked.", ("key",)),
}
GAUGES = {
    "lossapi_requests_in_flight": "Requests in flight.",
    "lossapi_bytes_in_flight": "Bytes of bodies in flight.",
    "lossapi_elements_in_flight": "Elements of tensors in flight.",
    "lossapi_work_in_flight": "Large requests on worker threads, or in their queue.",
    "lossapi_workers": "Server processes.",
}


TOGETHER = 256
"""Requests that are counted at once, which takes a fifth of what one by one takes."""

REASONS = {401: "key", 403: "scope", 413: "limit", 429: "quota", 499: "gone", 504: "deadline"}
"""Why a request was not let in, where its status says so."""


def note(tally: Tally, visit: Visit, route: str, seconds: float) -> None:
    """Count a request that leaves."""
    tally.histogram("lossapi_request_seconds", route, str(visit.status), visit.codec).add(seconds)
    if visit.encoded:
        tally.histogram("lossapi_stage_seconds", "queue").add(visit.begun - visit.arrived)
        tally.histogram("lossapi_stage_seconds", "decode").add(visit.decoded - visit.begun)
        tally.histogram("lossapi_stage_seconds", "compute").add(visit.computed - visit.decoded)
        tally.histogram("lossapi_stage_seconds", "encode").add(visit.encoded - visit.computed)
    tally.count("lossapi_received_bytes", route, by=visit.received)
    tally.count("lossapi_sent_bytes", route, by=visit.sent)
    if visit.key:
        tally.count("lossapi_key_requests", visit.key)
    if visit.status >= 400 and (reason := visit.reason or REASONS.get(visit.status)):
        tally.count("lossapi_rejections", reason)


def note_refusal(tally: Tally, reason: str, route: str, seconds: float, sent: int) -> None:
    """Count a request that was refused without being begun."""
    tally.histogram("lossapi_request_seconds", route, "503", "other").add(seconds)
    tally.count("lossapi_sent_bytes", route, by=sent)
    tally.count("lossapi_rejections", reason)


class Flow:
    """What `note` counts of requests that are alike and were answered: looked up once, and counted many together."""

    __slots__ = ("histograms", "noted", "received", "sent")

    def __init__(self, tally: Tally, route: str, codec: str) -> None:
        self.histograms = [tally.histogram("lossapi_request_seconds", route, "200", codec)]
        for stage in ("queue", "decode", "compute", "encode"):
            self.histograms.append(tally.histogram("lossapi_stage_seconds", stage))
        self.received = tally.counter("lossapi_received_bytes", route)
        self.sent = tally.counter("lossapi_sent_bytes", route)
        self.noted: list[tuple[float, ...]] = []
        tally.late.append(self.settle)

    def add(self, visit: Visit, seconds: float) -> None:
        """One more."""
        begun, decoded, computed = visit.begun, visit.decoded, visit.computed
        spent = seconds, begun - visit.arrived, decoded - begun, computed - decoded, visit.encoded - computed
        self.noted.append(spent)
        self.received.total += visit.received
        self.sent.total += visit.sent
        if len(self.noted) >= TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Count what is noted."""
        for histogram, seconds in zip(self.histograms, zip(*self.noted, strict=True), strict=False):
            histogram.add(*seconds)
        self.noted.clear()


def measure(tally: Tally, admission: Admission) -> None:
    """Write down what is in flight now."""
    tally.gauges = {
        "lossapi_requests_in_flight": len(admission.inside),
        "lossapi_bytes_in_flight": admission.bytes,
        "lossapi_elements_in_flight": admission.elements,
        "lossapi_work_in_flight": admission.working,
        "lossapi_workers": 1,
    }


class Everything(Collector):
    """All numbers, as Prometheus' client takes them."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def collect(self) -> Iterator[Metric]:
        """Each metric by itself."""
        yield InfoMetricFamily("lossapi_build", "The version that runs.", {"version": __version__})
        providers = GaugeMetricFamily(
            "lossapi_provider_info", "Where each backend computes; always 1.", labels=["backend", "provider"]
        )
        for each in choice.running().items():
            providers.add_metric(each, 1)
        yield providers
        for name, (meaning, labels) in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(name, meaning, labels=labels)
            for (of, values), found in self.tally.histograms.items():
                if of == name:
                    histogram.add_metric(values, found.cumulative(), found.sum)
            yield histogram
        for name, (meaning, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, meaning, labels=labels)
            for (of, values), count in self.tally.counters.items():
                if of == name:
                    counter.add_metric(values, count.total)
            yield counter
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(name, meaning, self.tally.gauges.get(name, 0.0))


async def exposition(request: Request) -> Response:
    """All metrics in Prometheus' text format."""
    tally, admission = request.app.state.tally, request.app.state.admission
    measure(tally, admission)
    registry = CollectorRegistry()
    registry.register(Everything(gathered(tally)))
    published = await request.app.state.published()
    return Response(generate_latest(registry) + published, media_type=CONTENT_TYPE_LATEST)
