"""The statistics extension of the protocol, in Triton's shape: counts and nanoseconds since the process began."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client.metrics_core import Metric

from carpal_detector import families
from carpal_detector.served import Served

# Triton's names for our stages; what it calls compute_output is everything after the network.
_STAGES = {"queue": ("queue",), "compute_input": ("read", "preprocess"), "compute_infer": ("infer",)}
_NS = 1_000_000_000


class _Samples:
    """The samples of one model, by name and labels."""

    def __init__(self, metrics: Iterable[Metric], model: str) -> None:
        self._values = [
            (sample.name, sample.labels, sample.value)
            for metric in metrics
            for sample in metric.samples
            if sample.labels.get("model") == model
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples with these labels."""
        return sum(
            value
            for found, has, value in self._values
            if found == name and all(has.get(key) == wanted for key, wanted in labels.items())
        )

    def values(self, name: str, label: str) -> dict[str, float]:
        """Value of the label to value of the sample."""
        return {has[label]: value for found, has, value in self._values if found == name}

    def stage(self, *stages: str) -> dict[str, int]:
        """Count and nanoseconds of stages that follow one another."""
        name = families.DURATION.name
        count = max(self.total(f"{name}_count", stage=stage) for stage in stages)
        seconds = sum(self.total(f"{name}_sum", stage=stage) for stage in stages)
        return {"count": int(count), "ns": int(seconds * _NS)}


def statistics(metrics: Iterable[Metric], served: Served) -> dict[str, Any]:
    """The statistics of one model.

    Args:
        metrics: as the service exports them.
        served: the model.

    Returns:
        Triton's ``model_stats`` entry. Failures have no duration; a batch has the time of its inference only.
        ``last_inference`` is in milliseconds since the epoch, 0 before the first answer. There are no responses of
        decoupled models, and the memory of a model is not measured.
    """
    samples = _Samples(metrics, served.name)
    success = samples.stage("total")
    requests = samples.total(families.REQUESTS.name)
    infer = samples.stage("infer")
    sizes = samples.values(families.BATCHES.name, "size")
    seconds = samples.values(families.BATCH_SECONDS.name, "size")
    nothing = {"count": 0, "ns": 0}
    return {
        "name": served.name,
        "version": served.version,
        "last_inference": int(samples.total(families.LAST_ANSWER.name) * 1000),
        "inference_count": infer["count"],
        "execution_count": int(sum(sizes.values())),
        "inference_stats": {
            "success": success,
            "fail": {"count": int(requests) - success["count"], "ns": 0},
            **{name: samples.stage(*stages) for name, stages in _STAGES.items()},
            "compute_output": samples.stage("postprocess"),
            "cache_hit": nothing,
            "cache_miss": nothing,
        },
        "batch_stats": [
            {
                "batch_size": int(size),
                "compute_input": nothing,
                "compute_infer": {"count": int(count), "ns": int(seconds[size] * _NS)},
                "compute_output": nothing,
            }
            for size, count in sorted(sizes.items(), key=lambda item: int(item[0]))
        ],
        "response_stats": {},
        "memory_usage": [],
    }
