"""Many observations at once are counted as one by one."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Reference

from carpal_detector.families import SECONDS
from carpal_detector.histograms import Histogram


def test_every_amount_falls_into_the_bucket_that_it_falls_into_alone():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    amounts = [*np.random.default_rng(0).exponential(1.0, 500).tolist(), *SECONDS, 0.0, 1e9]
    Histogram("seconds", "All.", ("stage",), registry=ours, buckets=SECONDS).labels("read").observe_all(amounts)
    reference = Reference("seconds", "All.", ("stage",), registry=theirs, buckets=SECONDS).labels("read")
    for amount in amounts:
        reference.observe(amount)

    def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
        found = [sample for metric in registry.collect() for sample in metric.samples]
        return {(one.name, one.labels.get("le", "")): round(one.value, 3) for one in found if "created" not in one.name}

    assert samples(ours) == samples(theirs)


def test_nothing_at_all_changes_nothing():
    registry = CollectorRegistry()
    Histogram("seconds", "All.", registry=registry, buckets=SECONDS).observe_all([])
    assert registry.get_sample_value("seconds_count") == 0
