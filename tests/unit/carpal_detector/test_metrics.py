"""No way out of a request escapes the count, and what was said of images is counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from carpal.errors import RequestError
from carpal_detector import families
from carpal_detector.errors import DeadlinePassedError, OverloadedError
from carpal_detector.metrics import MOST_NOTED, MULTIPROCESS, Metrics
from carpal_detector.served import Served


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def counted(metrics: Metrics, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == name
    }


def test_a_request_is_in_flight_until_it_has_ended(metrics: Metrics):
    metrics.began()
    assert counted(metrics, "carpal_requests_in_flight") == {(): 1}
    metrics.ended("tiny", "200", "ok", seconds=0.25)
    assert counted(metrics, "carpal_requests_in_flight") == {(): 0}
    assert counted(metrics, "carpal_requests_total", "model", "code", "reason") == {("tiny", "200", "ok"): 1}
    assert counted(metrics, "carpal_request_duration_seconds_sum", "stage") == {("total",): 0.25}


@pytest.mark.parametrize(
    ("failure", "shed"),
    [(OverloadedError("w"), {("reason",): 1}), (DeadlinePassedError("w"), {("reason",): 1}), (RequestError("w"), {})],
)
def test_what_was_shed_is_counted_and_what_failed_has_no_duration(
    metrics: Metrics, failure: Exception, shed: dict[tuple[str], float]
):
    metrics.ended("tiny", "400", "reason", failure, seconds=0.25)
    assert counted(metrics, "carpal_shed_total", "reason") == shed
    assert counted(metrics, "carpal_request_duration_seconds_sum", "stage") == {}


def test_the_time_of_the_last_answer_is_that_of_an_answer(metrics: Metrics, monkeypatch: pytest.MonkeyPatch):
    for now_s, failure in ((100.0, None), (200.5, None), (300.0, RequestError("w"))):
        monkeypatch.setattr("carpal_detector.metrics.time", lambda now_s=now_s: now_s)
        metrics.ended("tiny", "200", "ok", failure, seconds=0.25, trace_id="ab" * 16 if now_s == 200.5 else None)
    assert counted(metrics, "carpal_last_answer_timestamp_seconds", "model") == {("tiny",): 200.5}


def test_reloads_are_counted_by_outcome(metrics: Metrics):
    metrics.reloaded("tiny", "done")
    assert counted(metrics, "carpal_reloads_total", "model", "outcome") == {("tiny", "done"): 1}


def test_what_was_said_of_an_image_is_counted(metrics: Metrics, served: Served, grey_png: Callable[..., bytes]):
    record = served.detector.detect(grey_png())
    timings = record.timings.model_copy(update={"infer_ms": 250.0})
    metrics.image("tiny", record.model_copy(update={"timings": timings}))
    seconds = counted(metrics, "carpal_request_duration_seconds_sum", "model", "stage")
    assert seconds["tiny", "infer"] == 0.25
    assert set(seconds) == {("tiny", stage) for stage in ("queue", "read", "preprocess", "infer", "postprocess")}
    found = counted(metrics, "carpal_detections_total", "class", "status")
    labels = [(finding.label, finding.status) for finding in record.findings]
    assert found == {label: labels.count(label) for label in labels}
    assert sum(counted(metrics, "carpal_confidence_count", "class").values()) == len(record.findings)
    assert counted(metrics, "carpal_image_quality_sum", "measure")["exposure",] == pytest.approx(
        record.quality.exposure
    )


def test_the_model_is_named_and_one_that_took_its_place_too(metrics: Metrics, served: Served):
    metrics.serving("tiny", served.detector)
    assert counted(metrics, "carpal_model_info", "name", "version", "engine", "emulated") == {
        ("tiny", "1", "onnxruntime", "false"): 1
    }
    digest = served.detector.package.digest
    metrics._info["tiny"] = ("tiny", "0", digest, "onnxruntime", "float32", "false")
    metrics.serving("tiny", served.detector)
    assert counted(metrics, "carpal_model_info", "version") == {("1",): 1, ("0",): 0}


def test_gauges_are_read_when_they_are_asked_for(metrics: Metrics):
    depth = [0]
    metrics.watch({families.QUEUE_DEPTH: lambda: depth[0], families.READY: lambda: True})
    depth[0] = 5
    text, media_type = metrics.render()
    assert b"carpal_queue_depth 5.0" in text
    assert b"carpal_ready 1.0" in text
    assert media_type.startswith("text/plain")


def test_the_trace_of_a_slow_request_is_an_exemplar_for_who_reads_openmetrics(metrics: Metrics):
    metrics.ended("tiny", "200", "ok", seconds=0.25, trace_id="ab" * 16)
    text, media_type = metrics.render("application/openmetrics-text;version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert b'# {trace_id="' + b"ab" * 16 + b'"}' in text


def test_batches_are_counted_by_size(metrics: Metrics):
    metrics.batch("tiny", 4, 0.25)
    metrics.batch("tiny", 4, 0.25)
    assert counted(metrics, "carpal_batches_total", "model", "size") == {("tiny", "4"): 2}
    assert counted(metrics, "carpal_batch_seconds_total", "model", "size") == {("tiny", "4"): 0.5}


def test_images_are_counted_together_and_never_later_than_they_are_asked_for(
    metrics: Metrics, served: Served, grey_png: Callable[..., bytes]
):
    record = served.detector.detect(grey_png())
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3 * MOST_NOTED + 1):
            pool.submit(metrics.image, "tiny", record)
    assert len(metrics._noted) < MOST_NOTED
    stages = counted(metrics, "carpal_request_duration_seconds_count", "stage")
    assert set(stages.values()) == {3 * MOST_NOTED + 1}
    assert metrics._noted == deque()


def test_a_worker_holds_no_count_back(
    served: Served, grey_png: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Its counts would go with it. prometheus_client read the variable when it was imported, before this test."""
    monkeypatch.setenv(MULTIPROCESS, str(tmp_path))
    metrics = Metrics(CollectorRegistry())
    metrics.image("tiny", served.detector.detect(grey_png()))
    assert metrics._noted == deque()
