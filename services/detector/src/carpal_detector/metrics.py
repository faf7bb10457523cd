"""What Prometheus is told; the registry is an argument, so that two services in one process do not meet.

With several workers prometheus_client keeps every value in a file of the folder that $PROMETHEUS_MULTIPROC_DIR names,
and each worker answers for all of them.

What is said of images, and of requests that end well, is counted some at a time, and always before anybody is answered:
counting each by itself took a fifth of the time around an image. Workers count each at once, because another one may be
asked.
"""

from __future__ import annotations

import os
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from carpal.detection.detector import Detector
from carpal.records.record import Record
from carpal_detector import families
from carpal_detector.errors import DeadlinePassedError, RetryLaterError
from carpal_detector.exemplars import Exemplars
from carpal_detector.families import FAMILIES, Family
from carpal_detector.histograms import Histogram
from carpal_detector.scratch import reserve

STAGES = ("queue", "read", "preprocess", "infer", "postprocess")
MEASURES = ("sharpness", "noise", "exposure", "clipped_share", "padded_share")
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
# Records that are held until they are counted.
MOST_NOTED = 64
_MADE: Mapping[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Metrics:
    """Counters of requests for detection; probes and metadata are not counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        folder = Path(os.environ[MULTIPROCESS]) if MULTIPROCESS in os.environ else None
        if folder is not None:
            reserve(folder, {f"gauge_{one.merged}" if one.kind == "gauge" else one.kind for one in FAMILIES})
        self._metrics = {family.name: _make(family, registry) for family in FAMILIES}
        self._children: dict[tuple[str, ...], Any] = {}
        self._gauges: dict[Family, Callable[[], float]] = {}
        self._info: dict[str, tuple[str, ...]] = {}
        self._in_flight = 0
        self._noted: deque[tuple[str, Record]] = deque()
        self._answered: dict[str, list[float]] = {}
        self._last_answers: dict[str, float] = {}
        self._most_noted = 1 if folder else MOST_NOTED
        self._exemplars = Exemplars(folder, families.DURATION) if folder else None
        self.watch({families.IN_FLIGHT: lambda: self._in_flight})

    def began(self) -> None:
        """A request for detection has begun."""
        self._in_flight += 1

    def ended(
        self,
        model: str,
        code: str,
        reason: str,
        failure: BaseException | None = None,
        *,
        seconds: float,
        trace_id: str | None = None,
    ) -> None:
        """A request for detection has ended.

        Args:
            model: name of the model; empty where there is no such one.
            code: HTTP status, or the equal one.
            reason: error code, or ok.
            failure: why there is no answer.
            seconds: from its first line to its answer.
            trace_id: of the caller's trace, for the exemplar.
        """
        self._in_flight -= 1
        if failure is None:
            self._last_answers[model] = time()
        if failure is None and trace_id is None:
            self._answer(model, seconds)
            return
        if failure is None:
            self._of(families.DURATION, model, "total").observe(seconds, {"trace_id": trace_id})
            if self._exemplars is not None and trace_id is not None:
                self._exemplars.note((model, "total"), seconds, trace_id)
        elif isinstance(failure, RetryLaterError | DeadlinePassedError):
            self._of(families.SHED, reason).inc()
        self._of(families.REQUESTS, model, code, reason).inc()

    def reloaded(self, model: str, outcome: str) -> None:
        """A channel has moved, and this came of it."""
        self._of(families.RELOADS, model, outcome).inc()

    def image(self, model: str, record: Record) -> None:
        """One image went through all stages, and this was said of it; called from any thread."""
        self._noted.append((model, record))
        if len(self._noted) >= self._most_noted:
            self._count_noted()

    def batch(self, model: str, images: int, seconds: float) -> None:
        """One call of the engine."""
        self._of(families.BATCHES, model, str(images)).inc()
        self._of(families.BATCH_SECONDS, model, str(images)).inc(seconds)

    def audit_lost(self) -> None:
        """A line of the audit trail could not be written."""
        self._of(families.AUDIT_LOST).inc()

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
        # There from the start, at nought, because a rate is taken of what was there before.
        self._of(families.REQUESTS, name, "200", "ok")
        for stage in (*STAGES, "total"):
            self._of(families.DURATION, name, stage)

    def refresh(self) -> None:
        """Bring everything up to date; every worker does it now and then, because another may be asked."""
        self._count_noted()
        self._count_answered()
        for family, value in self._gauges.items():
            self._of(family).set(value())
        for model, when_s in self._last_answers.items():
            self._of(families.LAST_ANSWER, model).set(when_s)
        if self._exemplars is not None:
            self._exemplars.write()

    def collect(self) -> Iterable[Metric]:
        """All values, of all workers."""
        self.refresh()
        return self._all().collect()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """An exposition and its media type: OpenMetrics, which has exemplars, where it is accepted; else plain text."""
        self.refresh()
        encode, media_type = choose_encoder(accept)
        return encode(self._all()), media_type

    def _answer(self, model: str, seconds: float) -> None:
        spans = self._answered.setdefault(model, [])
        spans.append(seconds)
        if len(spans) >= self._most_noted:
            self._count_answered()

    def _count_answered(self) -> None:
        """On the event loop, as all that ends requests."""
        for model, spans in self._answered.items():
            self._of(families.DURATION, model, "total").observe_all(spans)
            self._of(families.REQUESTS, model, "200", "ok").inc(len(spans))
        self._answered.clear()

    def _count_noted(self) -> None:
        by_model: dict[str, list[Record]] = {}
        while self._noted:
            try:
                model, record = self._noted.popleft()
            except IndexError:  # another thread was quicker
                break
            by_model.setdefault(model, []).append(record)
        for model, records in by_model.items():
            self._images(model, records)

    def _images(self, model: str, records: Sequence[Record]) -> None:
        for stage in STAGES:
            key = f"{stage}_ms"
            spent_s = [getattr(record.timings, key) / 1e3 for record in records]
            self._of(families.DURATION, model, stage).observe_all(spent_s)
        for measure in MEASURES:
            self._of(families.QUALITY, model, measure).observe_all(
                [getattr(record.quality, measure) for record in records]
            )
        for warning, count in Tally(one for record in records for one in record.quality.warnings).items():
            self._of(families.WARNINGS, model, warning).inc(count)
        findings = [finding for record in records for finding in record.findings]
        for (label, status), count in Tally((one.label, one.status) for one in findings).items():
            self._of(families.DETECTIONS, model, label, status).inc(count)
        for label in {one.label for one in findings}:
            said = [one.probability for one in findings if one.label == label]
            self._of(families.CONFIDENCE, model, label).observe_all(said)

    def _all(self) -> CollectorRegistry:
        if self._exemplars is None:
            return self.registry
        registry = CollectorRegistry()
        registry.register(self._exemplars.onto(MultiProcessCollector(None)))  # type: ignore[no-untyped-call]  # no types
        return registry

    def _of(self, family: Family, *labels: str) -> Any:
        """A child of a metric; looked up once, because prometheus_client takes a lock to find it."""
        key = (family.name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics[family.name]
            child = self._children[key] = metric.labels(*labels) if family.labels else metric
        return child


def _make(family: Family, registry: CollectorRegistry) -> Any:
    options: dict[str, Any] = {}
    if family.kind == "histogram":
        options["buckets"] = family.buckets
    if family.kind == "gauge":
        options["multiprocess_mode"] = family.merged
    return _MADE[family.kind](family.name, family.meaning, family.labels, registry=registry, **options)
