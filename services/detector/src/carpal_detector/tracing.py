"""Traces for OpenTelemetry: one span a request, and below it one for each stage of each image.

The spans are made after the request from the timings that it kept anyway, so a request that is not sampled costs
nothing. Without the extra ``carpal-detector[otel]`` nothing is made; a caller's trace id is read all the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from carpal.records.record import Record
from carpal_detector.errors import TracingMissingError

TRACEPARENT = "traceparent"
# https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags.
_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_STAGES = {
    "queue": ("queue_ms",),
    "decode": ("read_ms", "preprocess_ms"),
    "infer": ("infer_ms",),
    "post": ("postprocess_ms",),
}


@dataclass(frozen=True)
class Caller:
    """The caller's span, as its header says.

    Attributes:
        trace_id: of the whole trace, hexadecimal.
        header: the header itself.
    """

    trace_id: str
    header: str


def caller_of(header: str | None) -> Caller | None:
    """What a ``traceparent`` header says; None where there is none, or one that breaks the form."""
    found = _FORM.fullmatch(header) if header else None
    return Caller(found[1], found[0]) if found else None


class Tracer(Protocol):
    """Where finished requests are told to."""

    def request(
        self, *, route: str, caller: Caller | None, begun_ns: int, model: str, code: str, records: Sequence[Record]
    ) -> None:
        """One request has ended now; it began at begun_ns, nanoseconds since 1970."""

    def close(self) -> None:
        """Send what is left."""


class OtlpTracer:
    """Exports to a collector over OTLP; address and sampling come from the standard ``OTEL_*`` variables.

    Raises:
        TracingMissingError: the extra is not installed.
    """

    def __init__(self, provider: Any | None = None) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as failure:
            raise TracingMissingError(
                f"Traces need a library that does not load: {failure}",
                "It is an extra, so that the image without traces stays lean.",
                "Install it with: pip install 'carpal-detector[otel]'; or leave --traces out.",
            ) from failure
        self._api = trace
        self._propagator = TraceContextTextMapPropagator()
        self._provider: TracerProvider = provider or _exporting()
        self._tracer = self._provider.get_tracer("carpal-detector")

    def request(
        self, *, route: str, caller: Caller | None, begun_ns: int, model: str, code: str, records: Sequence[Record]
    ) -> None:
        """As the protocol says."""
        parent = self._propagator.extract({TRACEPARENT: caller.header}) if caller else None
        attributes = {"carpal.model": model, "http.response.status_code": int(code), "carpal.images": len(records)}
        span = self._tracer.start_span(
            route, parent, self._api.SpanKind.SERVER, attributes=attributes, start_time=begun_ns
        )
        if span.is_recording():
            here = self._api.set_span_in_context(span)
            for record in records:
                self._stages(record, here, begun_ns)
        span.end(time.time_ns())

    def close(self) -> None:
        """As the protocol says."""
        self._provider.shutdown()

    def _stages(self, record: Record, parent: Any, begun_ns: int) -> None:
        """Stages follow one another, so each begins where the one before has ended."""
        start_ns = begun_ns
        for name, fields in _STAGES.items():
            end_ns = start_ns + int(sum(getattr(record.timings, field) for field in fields) * 1e6)
            self._tracer.start_span(name, parent, start_time=start_ns).end(end_ns)
            start_ns = end_ns


def _exporting() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "carpal-detector"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
