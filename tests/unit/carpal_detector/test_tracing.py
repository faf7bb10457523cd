"""Spans of a request and its stages, below the caller's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from carpal_detector.errors import TracingMissingError
from carpal_detector.served import Served
from carpal_detector.tracing import OtlpTracer, caller_of

HEADER = f"00-{'ab' * 16}-{'cd' * 8}-01"


@pytest.mark.parametrize(
    "header",
    [None, "", "x", HEADER.upper(), HEADER[:-1], HEADER + "-x", HEADER.replace("ab", "00"), HEADER.replace("cd", "00")],
)
def test_a_header_that_breaks_the_form_names_no_caller(header: str | None):
    assert caller_of(header) is None


def test_the_spans_of_a_request_stand_below_the_callers(served: Served, grey_png: Callable[..., bytes]):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = OtlpTracer(provider)
    record = served.detector.detect(grey_png())
    stages = {"queue_ms": 1.0, "read_ms": 2.0, "preprocess_ms": 3.0, "infer_ms": 4.0, "postprocess_ms": 5.0}
    record = record.model_copy(update={"timings": record.timings.model_copy(update=stages)})
    begun_ns = time.time_ns() - 20_000_000
    tracer.request(
        route="infer", caller=caller_of(HEADER), begun_ns=begun_ns, model="tiny", code="200", records=[record]
    )
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"infer", "queue", "decode", "post"} | {"infer"}
    (root,) = [
        span for span in exporter.get_finished_spans() if span.parent and span.parent.span_id == 0xCDCDCDCDCDCDCDCD
    ]
    assert f"{root.context.trace_id:032x}" == "ab" * 16
    assert root.attributes["carpal.model"] == "tiny"
    children = [span for span in exporter.get_finished_spans() if span is not root]
    assert all(span.parent.span_id == root.context.span_id for span in children)
    assert [(span.name, round((span.end_time - span.start_time) / 1e6)) for span in children] == [
        ("queue", 1),
        ("decode", 5),
        ("infer", 4),
        ("post", 5),
    ]
    assert children[1].start_time == children[0].end_time
    tracer.close()


def test_a_request_that_the_caller_does_not_sample_makes_no_span():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    unsampled = caller_of(HEADER[:-2] + "00")
    OtlpTracer(provider).request(
        route="infer", caller=unsampled, begun_ns=time.time_ns(), model="tiny", code="200", records=[]
    )
    assert exporter.get_finished_spans() == ()


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(TracingMissingError, match=r"carpal-detector\[otel\]"):
        OtlpTracer()
