"""What Prometheus is told; the registry is an argument, so that two services in one process do not meet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from carpal.detection.detector import Detector
from carpal.errors import CarpalError
from carpal.records.record import Timings
from carpal_detector.errors import ClientGoneError

MEDIA_TYPE = CONTENT_TYPE_LATEST
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGES = ("queue", "read", "preprocess", "infer", "postprocess")


class Metrics:
    """Counters of requests for detection; probes and metadata are not counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._requests = Counter(
            "carpal_requests",
            "Requests for detection by HTTP status (gRPC: the equal one) and error code, ok where there is none.",
            ("code", "reason"),
            registry=registry,
        )
        self._duration = Histogram(
            "carpal_request_duration_seconds",
            "Seconds in each stage of an image; stage total is of a whole answered request.",
            ("stage",),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._in_flight = Gauge("carpal_requests_in_flight", "Requests that are not answered yet.", registry=registry)
        self._model = Gauge(
            "carpal_model_info",
            "1, with what is served; emulated is true where answers are not computed from the image.",
            ("name", "version", "digest", "engine", "precision", "emulated"),
            registry=registry,
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around one request for detection: no way out escapes the count."""
        begun = time.perf_counter()
        self._in_flight.inc()
        code, reason = "500", CarpalError.code
        try:
            yield
            code, reason = "200", "ok"
            self._duration.labels("total").observe(time.perf_counter() - begun)
        except CarpalError as failure:
            code, reason = str(failure.status.http), failure.code
            raise
        except asyncio.CancelledError:
            code, reason = "499", ClientGoneError.code
            raise
        finally:
            self._in_flight.dec()
            self._requests.labels(code, reason).inc()

    def stages(self, timings: Timings) -> None:
        """One image went through all stages."""
        for stage in STAGES:
            self._duration.labels(stage).observe(getattr(timings, f"{stage}_ms") / 1e3)

    def watch(
        self, *, ready: Callable[[], bool], depth: Callable[[], int], running: Callable[[], int], capacity: int
    ) -> None:
        """Gauges that are read when Prometheus asks."""
        registry = self.registry
        Gauge("carpal_ready", "1 where the model is warm and requests are welcome.", registry=registry).set_function(
            ready
        )
        Gauge("carpal_queue_depth", "Images that wait for a stream.", registry=registry).set_function(depth)
        Gauge("carpal_streams_busy", "Images at work.", registry=registry).set_function(running)
        Gauge("carpal_queue_capacity", "Images that may wait for a stream.", registry=registry).set(capacity)

    def serving(self, name: str, detector: Detector) -> None:
        """The model is open."""
        info, manifest = detector.info, detector.manifest
        self._model.labels(
            name, manifest.version, detector.package.digest, info.name, info.precision, str(info.emulated).lower()
        ).set(1)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
