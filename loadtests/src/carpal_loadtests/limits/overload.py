"""``overload``: what a service does at twice and ten times its capacity, and how soon it is itself again.

A backend "should continue to serve traffic at that rate without any significant impact on latency, regardless of how
much excess traffic" (Beyer et al., Site Reliability Engineering, 2016, ch. 21): it sheds the excess, and keeps goodput.
"""

from __future__ import annotations

from collections.abc import Sequence

from carpal_loadtests.answers import Outcome
from carpal_loadtests.arrivals import Stage, Stages
from carpal_loadtests.check import Check
from carpal_loadtests.levels import is_good, recovery_s
from carpal_loadtests.result import Part, Result
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.slos import Slos
from carpal_loadtests.telemetry import MEMORY, Sample, series

LEAST_GOODPUT = 0.9
MOST_MEMORY = 1.5
# Between overloads a service has a fifth of its capacity to spare: what it drains in 5 s is one second of work, and
# whoever lets a longer queue form is found. A second has few requests, so a good service misses a share of 90 % by luck
# in one rest of 17, and 80 % in one of 150 (loadtests/studies/thresholds.py); one that queues misses both always.
REST_SHARE = 0.8
MOST_RECOVERY_S = 5.0
RECOVERED = 0.8


def overloaded(scenario: Scenario, *, capacity_per_s: float, times: Sequence[float], stage_s: float) -> Scenario:
    """The scenario at 80 % of its capacity, then at each multiple of it, with a stage at 80 % after each.

    Its service levels become those of a run that must shed: how much it sheds is judged by the goodput instead.
    """
    held = Stage(rate_per_s=REST_SHARE * capacity_per_s, duration_s=stage_s)
    stages = [held]
    for factor in times:
        stages += [Stage(rate_per_s=factor * capacity_per_s, duration_s=stage_s), held]
    return scenario.model_copy(
        update={
            "arrivals": Stages(stages=tuple(stages)),
            "slos": Slos(error_share=scenario.slos.error_share, shed_share=1.0),
        }
    )


def overload_checks(
    result: Result,
    rows: Sequence[Row],
    samples: Sequence[Sample],
    *,
    capacity_per_s: float,
    good_ms: float,
    zero_unix_s: float = 0.0,
) -> tuple[Check, ...]:
    """Goodput and accepted latency beyond capacity, recovery after each overload, and memory over all of it.

    Args:
        result: of the run.
        rows: of its measurement.
        samples: what the target said of itself, by Unix time.
        capacity_per_s: what it can do, from ``saturate`` say.
        good_ms: an answer within it is a good one.
        zero_unix_s: second 0 of the run.
    """
    checks: list[Check] = []
    last_s = result.scenario.warmup_s + result.duration_s
    for place, part in enumerate(result.parts):
        if part.from_per_s <= capacity_per_s:
            continue
        end_s = part.from_s + part.figures.span_s
        until_s = result.parts[place + 2].from_s if place + 2 < len(result.parts) else last_s
        name = f"{part.from_per_s / capacity_per_s:g}x"
        inside = [row for row in rows if part.from_s <= row.intended_s < end_s]
        checks.append(_goodput(name, part, inside, capacity_per_s, good_ms))
        checks.append(_accepted(name, inside, good_ms))
        checks.append(_recovery(name, [row for row in rows if row.intended_s < until_s], end_s, good_ms))
    return (*checks, *_memory(samples, zero_unix_s + result.parts[0].from_s + result.parts[0].figures.span_s))


def _goodput(name: str, part: Part, rows: Sequence[Row], capacity_per_s: float, good_ms: float) -> Check:
    rate = sum(row.outcome is Outcome.ANSWERED and is_good(row, good_ms) for row in rows) / part.figures.span_s
    limit = LEAST_GOODPUT * capacity_per_s
    return Check(
        name=f"{name}.goodput_per_s",
        limit=limit,
        found=rate,
        basis="count",
        holds=rate >= limit,
        reason=f"{name}.goodput_per_s: {rate:.4g} good answers a second, at least {limit:.4g} are wanted "
        f"({LEAST_GOODPUT:.0%} of the capacity)",
    )


def _accepted(name: str, rows: Sequence[Row], good_ms: float) -> Check:
    """What was taken in must be answered in time; the 99th percentile by nearest rank."""
    waits = sorted((row.latency_s or 0.0) * 1000 for row in rows if row.outcome is Outcome.ANSWERED)
    at = waits[max(-(-99 * len(waits) // 100) - 1, 0)] if waits else None
    shown = "nothing was answered" if at is None else f"{at:.1f} ms"
    return Check(
        name=f"{name}.accepted_p99_ms",
        limit=good_ms,
        found=at,
        basis="empirical",
        holds=at is not None and at <= good_ms,
        reason=f"{name}.accepted_p99_ms: {shown} where {good_ms:g} ms is allowed ({len(waits)} answered)",
    )


def _recovery(name: str, rows: Sequence[Row], end_s: float, good_ms: float) -> Check:
    took_s = recovery_s(rows, peak_end_s=end_s, within_ms=good_ms, share=RECOVERED)
    return Check(
        name=f"{name}.recovery_s",
        limit=MOST_RECOVERY_S,
        found=took_s,
        basis="count",
        holds=took_s <= MOST_RECOVERY_S,
        reason=f"{name}.recovery_s: {took_s:g} s until {RECOVERED:.0%} of each second's requests were good again, "
        f"{MOST_RECOVERY_S:g} s are allowed",
    )


def _memory(samples: Sequence[Sample], begin_s: float) -> list[Check]:
    """The highest resident memory against the highest before the first overload; nothing where it was not seen."""
    at_s, values = series(samples, MEMORY)
    before = [value for at, value in zip(at_s, values, strict=True) if at < begin_s]
    after = [value for at, value in zip(at_s, values, strict=True) if at >= begin_s]
    if not before or not after:
        return []
    ratio = max(after) / max(before)
    return [
        Check(
            name="memory_ratio",
            limit=MOST_MEMORY,
            found=ratio,
            basis="count",
            holds=ratio <= MOST_MEMORY,
            reason=f"memory_ratio: the target took {ratio:.2f} times the memory that it took before, "
            f"{MOST_MEMORY:g} are allowed",
        )
    ]
