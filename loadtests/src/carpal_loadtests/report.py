"""The result in a few lines of text, for a terminal."""

from __future__ import annotations

from carpal_loadtests.figures import Percentiles
from carpal_loadtests.result import Result


def lines(result: Result) -> list[str]:
    """What was measured and what decided the verdict."""
    counts = result.figures.counts
    said = [
        f"offered {counts.offered} of {counts.planned} planned: {counts.answered} answered, {counts.shed} shed, "
        f"{counts.failed} failed, {counts.dropped} dropped, {counts.open} open",
        f"latency from the intended send time: {_percentiles(result.figures.latency)}",
        f"service time alone:                  {_percentiles(result.figures.service_time)}",
        f"generator: {_percentiles(result.figures.lag)} late, {_cpu(result.generator_cpu)} of one core",
    ]
    if result.emulated:
        said.append("the engine is emulated: latencies say nothing of the model")
    return said + [f"{result.verdict.outcome}: {reason}" for reason in result.verdict.reasons]


def _percentiles(values: Percentiles | None) -> str:
    if values is None:
        return "nothing"
    named = {"p50": values.p50_ms, "p95": values.p95_ms, "p99": values.p99_ms, "max": values.max_ms}
    return ", ".join(f"{name} {value:.1f} ms" for name, value in named.items())


def _cpu(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
