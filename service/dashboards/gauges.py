"""Streams on GET /metrics: each series a gauge, with the labels of its stream."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lossapi.codecs import json
from lossapi.errors import UnknownName
from service.dashboards.series import series_of
from service.stores.store import Unavailable
from service.streams.endpoints import Streams
from service.streams.stream import Head, Stream

VALUE = "The value of a loss or metric of a stream; what is no finite number is left out."
ROWS = "Rows that a stream has taken in since it was made or reset."
BATCHES = "Batches that a stream has taken in since it was made or reset."
UPDATED = "When a stream last changed, in seconds since 1970."
LEFT_OUT = "Series of streams that are not published: more than the setting published_series, or of too many numbers."
UP = "Whether the store of streams can be read."


class Published(Collector):
    """The gauges of all streams, up to as many series as may be."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.left_out = 0
        self.value = GaugeMetricFamily("lossapi_stream_value", VALUE)
        self.rows = GaugeMetricFamily("lossapi_stream_rows", ROWS)
        self.batches = GaugeMetricFamily("lossapi_stream_batches", BATCHES)
        self.updated = GaugeMetricFamily("lossapi_stream_updated_timestamp_seconds", UPDATED)

    def collect(self) -> Iterable[Metric]:
        """Every family; where the store is out of reach, that alone."""
        try:
            self._read()
        except Unavailable:
            return [GaugeMetricFamily("lossapi_stream_store_up", UP, 0)]
        up = GaugeMetricFamily("lossapi_stream_store_up", UP, 1)
        left_out = GaugeMetricFamily("lossapi_stream_series_left_out", LEFT_OUT, self.left_out)
        return [up, self.value, self.rows, self.batches, self.updated, left_out]

    def _read(self) -> None:
        """Stream by stream while there is room; of the rest only how many series they have is looked at."""
        shelf, room = self.streams.shelf, self.streams.settings.published_series
        for identity, content in shelf.store.heads(self.streams.clock()).items():
            head = Head(json.decode(content))
            items = sum(len(head.plain.get(kind, ())) for kind in ("losses", "metrics"))
            if room < items:
                self.left_out += items
                continue
            try:
                room -= self._publish(shelf.caught_up(identity).stream, room)
            except UnknownName:  # it has gone meanwhile
                continue

    def _publish(self, stream: Stream, room: int) -> int:
        """The gauges of one stream; how many series they were."""
        outcomes = stream.read(self.streams.clock())
        series = series_of(stream, outcomes)
        shown = {each.label for each in series}
        self.left_out += sum(each.item.label not in shown for each in outcomes) + max(0, len(series) - room)
        labels = {
            "id": stream.head.plain["id"],
            "stream": stream.head.plain["name"] or "",
            **stream.head.plain["labels"],
        }
        for each in series[:room]:
            if each.value is not None:
                place = {"index": each.place} if each.place else {}
                self.value.add_sample(self.value.name, {**labels, "series": each.label, **place}, each.value)
        self.rows.add_sample(self.rows.name, labels, stream.count)
        self.batches.add_sample(self.batches.name, labels, stream.batches)
        if stream.updated is not None:
            self.updated.add_sample(self.updated.name, labels, stream.updated / 1000)
        return min(len(series), room)


def exposition(streams: Streams) -> bytes:
    """All gauges of streams in Prometheus' text format."""
    if not streams.settings.published_series:
        return b""
    registry = CollectorRegistry()
    registry.register(Published(streams))
    return generate_latest(registry)
