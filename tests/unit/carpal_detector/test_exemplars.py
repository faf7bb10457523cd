"""Exemplars of several workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from carpal_detector.exemplars import Exemplars
from carpal_detector.families import DURATION

LABELS = ("tiny", "total")


def shown(exemplars: Exemplars, *observed: float) -> dict[str, str]:
    """Bucket to the exemplar on it, as OpenMetrics writes both."""
    registry, whole = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram(DURATION.name, "x", DURATION.labels, buckets=DURATION.buckets, registry=registry)
    for amount in observed:
        histogram.labels(*LABELS).observe(amount)
    whole.register(exemplars.onto(registry))  # type: ignore[arg-type]  # a registry collects as a collector does
    lines = [line for line in generate_latest(whole).decode().splitlines() if " # " in line]
    return {line.partition('le="')[2].partition('"')[0]: line.partition('trace_id="')[2][:1] for line in lines}


def test_whoever_is_asked_shows_the_last_of_each_bucket_of_all_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one, other = Exemplars(tmp_path, DURATION), Exemplars(tmp_path, DURATION)
    one.note(LABELS, 0.012, "a")
    one.note(LABELS, 0.04, "b")
    one.write()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    other.note(LABELS, 0.013, "c")
    other.note(LABELS, 1000.0, "d")
    other.write()
    assert shown(one, 0.012, 0.04, 0.013, 1000.0) == {"0.02": "c", "0.05": "b", "+Inf": "d"}


def test_nothing_is_written_where_nothing_has_come(tmp_path: Path):
    exemplars = Exemplars(tmp_path, DURATION)
    exemplars.write()
    assert list(tmp_path.iterdir()) == []
    exemplars.note(LABELS, 1.0, "a")
    exemplars.write()
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    exemplars.write()
    assert path.stat().st_mtime_ns == before


def test_a_disk_that_takes_nothing_fails_nobody_and_is_tried_again(tmp_path: Path):
    exemplars = Exemplars(tmp_path / "later", DURATION)
    exemplars.note(LABELS, 1.0, "a")
    exemplars.write()
    (tmp_path / "later").mkdir()
    exemplars.write()
    assert shown(exemplars, 1.0) == {"1.0": "a"}
