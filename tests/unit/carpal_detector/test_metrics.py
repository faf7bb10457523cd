"""No way out of a request escapes the count."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from carpal.errors import RequestError
from carpal.records.record import Timings
from carpal_detector.lifecycle import Served
from carpal_detector.metrics import Metrics


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["code"], sample.labels["reason"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "carpal_requests_total"
    }


@pytest.mark.parametrize(
    ("failure", "labels"),
    [
        (None, ("200", "ok")),
        (RequestError("what"), ("400", "request.invalid")),
        (asyncio.CancelledError(), ("499", "request.cancelled")),
        (ZeroDivisionError(), ("500", "internal.unexpected")),
    ],
)
def test_every_way_out_is_counted_once_and_passed_on(failure: BaseException | None, labels: tuple[str, str]):
    metrics = Metrics(CollectorRegistry())
    if failure is None:
        with metrics.request():
            assert metrics.registry.get_sample_value("carpal_requests_in_flight") == 1
    else:
        with pytest.raises(type(failure)), metrics.request():
            raise failure
    assert counted(metrics) == {labels: 1.0}
    assert metrics.registry.get_sample_value("carpal_requests_in_flight") == 0


def test_stages_are_in_seconds():
    metrics = Metrics(CollectorRegistry())
    metrics.stages(Timings(infer_ms=250.0))
    total = metrics.registry.get_sample_value("carpal_request_duration_seconds_sum", {"stage": "infer"})
    assert total == 0.25


def test_the_model_is_named_and_an_emulated_engine_would_be(served: Served):
    metrics = Metrics(CollectorRegistry())
    metrics.serving("tiny", served.detector)
    labels = {
        "name": "tiny", "version": "1", "digest": served.detector.package.digest,
        "engine": "onnxruntime", "precision": "float32", "emulated": "false",
    }  # fmt: skip
    assert metrics.registry.get_sample_value("carpal_model_info", labels) == 1


def test_gauges_are_read_when_they_are_asked_for():
    metrics, depth = Metrics(CollectorRegistry()), [0]
    metrics.watch(ready=lambda: True, depth=lambda: depth[0], running=lambda: 2, capacity=32)
    depth[0] = 5
    text = metrics.render().decode()
    for line in ("carpal_ready 1.0", "carpal_queue_depth 5.0", "carpal_streams_busy 2.0", "carpal_queue_capacity 32.0"):
        assert line in text
