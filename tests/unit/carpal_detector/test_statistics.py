"""Counts and nanoseconds in Triton's shape."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from carpal.errors import RequestError
from carpal_detector.metrics import Metrics
from carpal_detector.served import Served
from carpal_detector.statistics import statistics


def test_they_say_what_the_metrics_say(served: Served, grey_png: Callable[..., bytes]):
    metrics = Metrics(CollectorRegistry())
    record = served.detector.detect(grey_png())
    stages = {"queue_ms": 1.0, "read_ms": 2.0, "preprocess_ms": 3.0, "infer_ms": 4.0, "postprocess_ms": 5.0}
    record = record.model_copy(update={"timings": record.timings.model_copy(update=stages)})
    metrics.ended("tiny", "200", "ok", seconds=0.25)
    for name in ("tiny", "tiny", "other"):
        metrics.image(name, record)
    metrics.ended("tiny", "400", "request.invalid", RequestError("what"), seconds=0.25)
    metrics.batch("tiny", 2, 0.004)
    told = statistics(metrics.collect(), served)
    parts = told["inference_stats"]
    assert (told["inference_count"], told["execution_count"]) == (2, 1)
    assert (parts["success"]["count"], parts["fail"]["count"]) == (1, 1)
    names = ("queue", "compute_input", "compute_infer", "compute_output")
    assert {name: parts[name]["count"] for name in names} == dict.fromkeys(names, 2)
    assert [round(parts[name]["ns"] / 1e6) for name in names] == [2, 10, 8, 10]
    assert told["batch_stats"][0]["batch_size"] == 2
    assert told["batch_stats"][0]["compute_infer"] == {"count": 1, "ns": 4_000_000}
