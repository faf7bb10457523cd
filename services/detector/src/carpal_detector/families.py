"""Every metric that the service exports: one table, from which the metrics are made and their page is written.

Names follow Prometheus' rules: the prefix of the project, base units, ``_total`` on counters. Labels have few values:
what the manifest names (model, class), codes of the error tree, stages. No request, image or tenant is ever a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# Noise and sharpness are thousandths, exposure and shares are tenths: steps of about three, and of tenths above.
MEASURES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, *SHARES[1:])


@dataclass(frozen=True)
class Family:
    """One metric.

    Attributes:
        kind: of Prometheus.
        name: as it is asked for; counters end in ``_total``.
        meaning: a sentence.
        labels: their names.
        buckets: upper bounds of a histogram.
        merged: how the values of several workers make one, for a gauge: prometheus_client's multiprocess mode.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merged: str = "livesum"


REQUESTS = Family(
    "counter",
    "carpal_requests_total",
    "Requests for detection by HTTP status (gRPC: the equal one) and error code, ok where there is none.",
    ("model", "code", "reason"),
)
DURATION = Family(
    "histogram",
    "carpal_request_duration_seconds",
    "Seconds in each stage of an image: queue, read, preprocess, infer, postprocess; stage total is of a whole "
    "answered request, its parsing and writing included.",
    ("model", "stage"),
    SECONDS,
)
LAST_ANSWER = Family(
    "gauge",
    "carpal_last_answer_timestamp_seconds",
    "Unix time of the last request for detection that was answered.",
    ("model",),
    merged="max",
)
IN_FLIGHT = Family("gauge", "carpal_requests_in_flight", "Requests that are not answered yet.")
SHED = Family(
    "counter",
    "carpal_shed_total",
    "Requests refused or dropped before anything was computed for them, by error code.",
    ("reason",),
)
QUEUE_DEPTH = Family("gauge", "carpal_queue_depth", "Images that wait for a stream.")
QUEUE_CAPACITY = Family("gauge", "carpal_queue_capacity", "Images that may wait for a stream.")
QUEUE_BYTES = Family("gauge", "carpal_queue_bytes", "Bytes of the requests that are held.")
QUEUE_CAPACITY_BYTES = Family("gauge", "carpal_queue_capacity_bytes", "Bytes of requests that may be held.")
STREAMS = Family("gauge", "carpal_streams", "Images that may be at work at once.")
STREAMS_BUSY = Family("gauge", "carpal_streams_busy", "Images at work.")
BATCHES = Family(
    "counter", "carpal_batches_total", "Calls of the engine by the number of images in one.", ("model", "size")
)
BATCH_SECONDS = Family("counter", "carpal_batch_seconds_total", "Seconds in calls of the engine.", ("model", "size"))
MODEL = Family(
    "gauge",
    "carpal_model_info",
    "1 for what is served, 0 for what was; emulated is true where answers are not computed from the image.",
    ("name", "version", "digest", "engine", "precision", "emulated"),
    merged="livemax",
)
READY = Family("gauge", "carpal_ready", "1 where the models are warm and requests are welcome.", merged="livemin")
RELOADS = Family(
    "counter",
    "carpal_reloads_total",
    "Versions that a channel moved to, by outcome: done, or the error code for which the old one stayed.",
    ("model", "outcome"),
)
DETECTIONS = Family("counter", "carpal_detections_total", "Findings that were reported.", ("model", "class", "status"))
CONFIDENCE = Family(
    "histogram", "carpal_confidence", "Probability of the findings that were reported.", ("model", "class"), SHARES
)
QUALITY = Family(
    "histogram",
    "carpal_image_quality",
    "Measures of the images: sharpness, noise, exposure, clipped_share, padded_share, as records say them. A shift of "
    "these is a shift of what comes in.",
    ("model", "measure"),
    MEASURES,
)
AUDIT_LOST = Family(
    "counter", "carpal_audit_lost_total", "Requests whose line of the audit trail could not be written."
)
WARNINGS = Family("counter", "carpal_image_warnings_total", "Warnings of image quality.", ("model", "warning"))

FAMILIES = (
    *(REQUESTS, DURATION, IN_FLIGHT, SHED, QUEUE_DEPTH, QUEUE_CAPACITY, QUEUE_BYTES, QUEUE_CAPACITY_BYTES, STREAMS),
    *(STREAMS_BUSY, BATCHES, BATCH_SECONDS, MODEL, READY, RELOADS, DETECTIONS, CONFIDENCE, QUALITY, WARNINGS),
    *(AUDIT_LOST, LAST_ANSWER),
)
