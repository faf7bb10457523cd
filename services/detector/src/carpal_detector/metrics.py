"""What Prometheus is told; the registry is an argument, so that two services in one process do not meet.

With several workers prometheus_client keeps every value in a file of the folder that $PROMETHEUS_MULTIPROC_DIR names,
and each worker answers for all of them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from carpal.detection.detector import Detector
from carpal.errors import CarpalError
from carpal.records.record import Record
from carpal_detector import families
from carpal_detector.errors import ClientGoneError, DeadlinePassedError, RetryLaterError
from carpal_detector.families import FAMILIES, Family

STAGES = ("queue", "read", "preprocess", "infer", "postprocess")
MEASURES = ("sharpness", "noise", "exposure", "clipped_share", "padded_share")
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_MADE: Mapping[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Metrics:
    """Counters of requests for detection; probes and metadata are not counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._metrics = {family.name: _make(family, registry) for family in FAMILIES}
        self._children: dict[tuple[str, ...], Any] = {}
        self._gauges: dict[Family, Callable[[], float]] = {}
        self._info: dict[str, tuple[str, ...]] = {}
        self._in_flight = 0
        self.watch({families.IN_FLIGHT: lambda: self._in_flight})

    def request(self) -> Asked:
        """Around one request for detection: no way out escapes the count."""
        return Asked(self)

    def image(self, model: str, record: Record) -> None:
        """One image went through all stages, and this was said of it."""
        for stage in STAGES:
            self._of(families.DURATION, model, stage).observe(getattr(record.timings, f"{stage}_ms") / 1e3)
        for measure in MEASURES:
            self._of(families.QUALITY, model, measure).observe(getattr(record.quality, measure))
        for warning in record.quality.warnings:
            self._of(families.WARNINGS, model, warning).inc()
        for finding in record.findings:
            self._of(families.DETECTIONS, model, finding.label, finding.status).inc()
            self._of(families.CONFIDENCE, model, finding.label).observe(finding.probability)

    def batch(self, model: str, images: int, seconds: float) -> None:
        """One call of the engine."""
        self._of(families.BATCHES, model, str(images)).inc()
        self._of(families.BATCH_SECONDS, model, str(images)).inc(seconds)

    def watch(self, gauges: Mapping[Family, Callable[[], float]]) -> None:
        """Gauges whose values are looked up when they are asked for."""
        self._gauges |= gauges

    def serving(self, name: str, detector: Detector) -> None:
        """The model is open, in place of the one that had its name."""
        info, manifest = detector.info, detector.manifest
        labels = (
            *(name, manifest.version, detector.package.digest, info.name),
            *(info.precision, str(info.emulated).lower()),
        )
        if name in self._info:
            self._of(families.MODEL, *self._info[name]).set(0)
        self._info[name] = labels
        self._of(families.MODEL, *labels).set(1)

    def refresh(self) -> None:
        """Bring the gauges up to date; every worker does it now and then, because another may be asked."""
        for family, value in self._gauges.items():
            self._of(family).set(value())

    def collect(self) -> Iterable[Metric]:
        """All values, of all workers."""
        self.refresh()
        return self._all().collect()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """An exposition and its media type: OpenMetrics, which has exemplars, where it is accepted; else plain text."""
        self.refresh()
        encode, media_type = choose_encoder(accept)
        return encode(self._all()), media_type

    def _all(self) -> CollectorRegistry:
        if MULTIPROCESS not in os.environ:
            return self.registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types for it
        return registry

    def _of(self, family: Family, *labels: str) -> Any:
        """A child of a metric; looked up once, because prometheus_client takes a lock to find it."""
        key = (family.name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics[family.name]
            child = self._children[key] = metric.labels(*labels) if family.labels else metric
        return child


class Asked:
    """One request for detection, from its first line to its answer.

    Attributes:
        model: name of the model, once it is known that there is such a one.
        trace_id: of the caller's trace, for the exemplar.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.model = ""
        self.trace_id: str | None = None
        self._metrics = metrics
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._metrics._in_flight += 1
        self._begun = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        metrics = self._metrics
        metrics._in_flight -= 1
        code, reason = outcome(failure)
        if failure is None:
            exemplar = {"trace_id": self.trace_id} if self.trace_id else None
            metrics._of(families.DURATION, self.model, "total").observe(time.perf_counter() - self._begun, exemplar)
        elif isinstance(failure, RetryLaterError | DeadlinePassedError):
            metrics._of(families.SHED, reason).inc()
        metrics._of(families.REQUESTS, self.model, code, reason).inc()


def outcome(failure: BaseException | None) -> tuple[str, str]:
    """HTTP status and error code of how a request ended."""
    if failure is None:
        return "200", "ok"
    if isinstance(failure, CarpalError):
        return str(failure.status.http), failure.code
    if isinstance(failure, asyncio.CancelledError):
        return "499", ClientGoneError.code
    return "500", CarpalError.code


def _make(family: Family, registry: CollectorRegistry) -> Any:
    options: dict[str, Any] = {}
    if family.kind == "histogram":
        options["buckets"] = family.buckets
    if family.kind == "gauge":
        options["multiprocess_mode"] = family.merged
    return _MADE[family.kind](family.name, family.meaning, family.labels, registry=registry, **options)
