"""Counts and nanoseconds in Triton's shape."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from prometheus_client import CollectorRegistry
from tests.unit.carpal_detector.test_rest import INFER

from carpal.errors import RequestError
from carpal_detector.metrics import Metrics
from carpal_detector.served import Served
from carpal_detector.statistics import statistics


def test_they_say_what_the_metrics_say(served: Served, grey_png: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("carpal_detector.metrics.time", lambda: 1_800_000_000.25)
    metrics = Metrics(CollectorRegistry())
    assert statistics(metrics.collect(), served)["last_inference"] == 0
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
    assert told["last_inference"] == 1_800_000_000_250
    assert (told["response_stats"], told["memory_usage"]) == ({}, [])
    assert told["batch_stats"][0]["batch_size"] == 2
    assert told["batch_stats"][0]["compute_infer"] == {"count": 1, "ns": 4_000_000}


async def test_statistics_of_all_models_are_those_of_each(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    await client.post(INFER, content=grey_png(), headers={"Content-Type": "image/png"})
    everything = (await client.get("/v2/models/stats")).json()
    assert everything == (await client.get("/v2/models/tiny/stats")).json()
    assert everything["model_stats"][0]["inference_stats"]["success"]["count"] == 1
    for version, status in (("1", 200), ("9", 404)):
        assert (await client.get(f"/v2/models/tiny/versions/{version}/stats")).status_code == status
    assert (await client.get("/v2/models/other/stats")).status_code == 404
