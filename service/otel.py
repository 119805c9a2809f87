"""OpenTelemetry, where it is wanted: each request as a span that is sent to a collector."""

import time
from time import perf_counter
from typing import Any

from service.settings import Settings, variable
from service.traces import Trace
from service.visit import Visit

INSTALL = 'pip install "lossapi[otel]"'
FAULT = 500


class Tracer:
    """What makes spans; `provider` sends them on."""

    def __init__(self, provider: Any, api: Any) -> None:
        self.provider, self.api = provider, api
        self.made = provider.get_tracer("lossapi")
        self.carried = api.trace.propagation.tracecontext.TraceContextTextMapPropagator()
        self.spans: dict[Visit, Any] = {}

    def begin(self, visit: Visit) -> Trace:
        """The span of a request, below its caller's where it brings one."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in visit.headers.items()}
        since = time.time_ns() - int((perf_counter() - visit.arrived) * 1e9)
        kind = self.api.trace.SpanKind.SERVER
        span = self.made.start_span("request", self.carried.extract(headers), kind, start_time=since)
        self.spans[visit] = span
        told, parent = span.get_span_context(), getattr(span, "parent", None)
        above = f"{parent.span_id:016x}" if parent else ""
        return Trace(f"{told.trace_id:032x}", above, f"{told.span_id:016x}", f"{int(told.trace_flags):02x}")

    def end(self, visit: Visit, method: str, route: str) -> None:
        """The request has left."""
        span = self.spans.pop(visit)
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": visit.status,
                "http.request.body.size": visit.received,
                "http.response.body.size": visit.sent,
                "lossapi.request_id": visit.identity.decode(),
                "lossapi.codec": visit.codec,
                "lossapi.key": visit.key,
            }
        )
        if visit.status >= FAULT:
            span.set_status(self.api.trace.StatusCode.ERROR)
        span.end()


def tracer(settings: Settings) -> Tracer | None:
    """What sends spans to the collector of the settings, if they name one."""
    if not settings.traces:
        return None
    try:
        import opentelemetry.trace.propagation.tracecontext  # the package's own name is bound by it
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SystemExit(f"lossapi: {variable('traces')} needs OpenTelemetry ({error}): {INSTALL}") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "lossapi"}))
    exporter = OTLPSpanExporter(f"{settings.traces.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracer(provider, opentelemetry)
