"""Service levels: each objective of a scenario against the rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from carpal_loadtests.answers import Outcome
from carpal_loadtests.check import Check
from carpal_loadtests.figures import Figures
from carpal_loadtests.proof import needed, proved
from carpal_loadtests.rows import Row
from carpal_loadtests.slos import Slos
from carpal_loadtests.trend import Slope

MIB_PER_H = 3600 / 2**20
# A second counts as recovered where this share of its requests are answered well.
RECOVERED = 0.9


def service_levels(
    slos: Slos, *, rows: Sequence[Row], figures: Figures, peak_end_s: float | None, memory: Slope | None
) -> tuple[Check, ...]:
    """A check an objective.

    Args:
        slos: the objectives.
        rows: of the measurement, without the warm-up.
        figures: of the same rows.
        peak_end_s: when the highest rate ended, in seconds of the run.
        memory: how the target's memory grew, in bytes a second; None where it was not seen.
    """
    return (
        *_latencies(slos, rows),
        *_shares(slos, figures),
        *_goodput(slos, rows, figures),
        *_recovery(slos, rows, peak_end_s),
        *_memory(slos, memory),
    )


def _latencies(slos: Slos, rows: Sequence[Row]) -> list[Check]:
    """What was not answered well is late, whatever the limit; what was refused in good order is not counted here, nor
    are bad inputs that were refused."""
    if not slos.latencies():
        return []
    counted = [row for row in rows if row.outcome not in (Outcome.SHED, Outcome.REFUSED)]
    waits_ms = sorted(
        row.latency_s * 1000 if row.outcome is Outcome.ANSWERED and row.latency_s is not None else float("inf")
        for row in counted
    )
    return [_latency(name, share, limit, waits_ms, slos.confidence) for name, share, limit in slos.latencies()]


def _latency(name: str, share: float, limit: float, waits_ms: list[float], confidence: float | None) -> Check:
    requests = len(waits_ms)
    late = sum(wait > limit for wait in waits_ms)
    # Nearest rank; the product is rounded because 0.95 * 100 is a little more than 95 in binary.
    rank = ceil(round(share * requests, 9))
    at = waits_ms[rank - 1] if requests else float("inf")
    found = round(at, 3) if at < float("inf") else None
    shown = f"{at:.1f} ms" if found is not None else "no answer"
    within = bool(requests) and at <= limit
    tally = f"{late} of {requests} late"
    if not within:
        return Check(
            name=name,
            limit=limit,
            found=found,
            basis="empirical",
            holds=False,
            reason=f"{name}: {shown} where {limit:g} ms is allowed ({tally})",
        )
    if confidence is None:
        reason = f"{name}: {shown} is within {limit:g} ms ({tally}, empirical)"
        return Check(name=name, limit=limit, found=found, basis="empirical", holds=True, reason=reason)
    if proved(late, requests, share, confidence):
        reason = f"{name}: {limit:g} ms is proved at a confidence of {confidence:g} ({shown}, {tally})"
        return Check(name=name, limit=limit, found=found, basis="proved", holds=True, reason=reason)
    more = needed(late, share, confidence) - requests
    reason = (
        f"{name}: not proved: {more} more requests in time are needed for a confidence of {confidence:g} "
        f"({shown} is within {limit:g} ms, {tally})"
    )
    return Check(name=name, limit=limit, found=found, basis="empirical", holds=False, reason=reason)


def _shares(slos: Slos, figures: Figures) -> list[Check]:
    counts = figures.counts
    errors = counts.failed + counts.dropped + counts.open
    kinds = {**counts.failures, "dropped": counts.dropped, "open": counts.open}
    which = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    return [
        _share("error_share", slos.error_share, errors, counts.offered, which),
        _share("shed_share", slos.shed_share, counts.shed, counts.offered, ""),
    ]


def _share(name: str, limit: float, number: int, offered: int, which: str) -> Check:
    share = number / offered if offered else None
    holds = share is not None and share <= limit
    shown = f"{number} of {offered} ({share:.2%})" if share is not None else "nothing was offered"
    reason = f"{name}: {shown} where {limit:.2%} is allowed" + (f": {which}" if which else "")
    return Check(name=name, limit=limit, found=share, basis="count", holds=holds, reason=reason)


def is_good(row: Row, within_ms: float) -> bool:
    """Whether a request was answered as it should be, in time from its intended start."""
    right = row.outcome in (Outcome.ANSWERED, Outcome.REFUSED)
    return right and row.latency_s is not None and row.latency_s * 1000 <= within_ms


def _goodput(slos: Slos, rows: Sequence[Row], figures: Figures) -> list[Check]:
    if slos.goodput_ms is None:
        return []
    good = sum(is_good(row, slos.goodput_ms) for row in rows)
    within = f"answered within {slos.goodput_ms:g} ms"
    checks = []
    if slos.goodput_per_s is not None:
        rate = good / figures.span_s
        reason = f"goodput_per_s: {rate:.4g} a second were {within}, at least {slos.goodput_per_s:g} are wanted"
        checks.append(_at_least("goodput_per_s", slos.goodput_per_s, rate, reason))
    if slos.goodput_share is not None:
        share = good / len(rows) if rows else 0.0
        reason = (
            f"goodput_share: {good} of {len(rows)} ({share:.2%}) were {within}, at least {slos.goodput_share:.2%} "
            "are wanted"
        )
        checks.append(_at_least("goodput_share", slos.goodput_share, share, reason))
    return checks


def _at_least(name: str, limit: float, found: float, reason: str) -> Check:
    return Check(name=name, limit=limit, found=found, basis="count", holds=found >= limit, reason=reason)


def recovery_s(rows: Sequence[Row], *, peak_end_s: float, within_ms: float, share: float = RECOVERED) -> float:
    """Seconds from the end of the peak until that share of each second's requests, and of all after it, is good."""
    seconds: dict[int, list[bool]] = {}
    for row in rows:
        if row.intended_s >= peak_end_s:
            seconds.setdefault(int(row.intended_s - peak_end_s), []).append(is_good(row, within_ms))
    bad = [second for second, goods in seconds.items() if sum(goods) < share * len(goods)]
    return float(max(bad) + 1) if bad else 0.0


def _recovery(slos: Slos, rows: Sequence[Row], peak_end_s: float | None) -> list[Check]:
    if slos.recovery_s is None or slos.goodput_ms is None or peak_end_s is None:
        return []
    last_s = max((row.intended_s for row in rows), default=peak_end_s)
    took_s = recovery_s(rows, peak_end_s=peak_end_s, within_ms=slos.goodput_ms)
    never = took_s >= last_s - peak_end_s
    shown = f"not within the {last_s - peak_end_s:.0f} s that followed" if never else f"{took_s:g} s"
    reason = f"recovery_s: {shown} after the peak, {slos.recovery_s:g} s are allowed"
    holds = not never and took_s <= slos.recovery_s
    return [
        Check(
            name="recovery_s",
            limit=slos.recovery_s,
            found=None if never else took_s,
            basis="count",
            holds=holds,
            reason=reason,
        )
    ]


def _memory(slos: Slos, memory: Slope | None) -> list[Check]:
    """Growth is proved absent, proved present, or neither: only the first passes."""
    limit = slos.memory_mib_per_h
    if limit is None:
        return []
    if memory is None:
        reason = "memory_mib_per_h: not proved: the target's memory was not seen for long enough"
        return [Check(name="memory_mib_per_h", limit=limit, found=None, basis="count", holds=False, reason=reason)]
    low, found, high = (rate * MIB_PER_H for rate in (memory.low_per_s, memory.per_s, memory.high_per_s))
    interval = f"{found:.3g} MiB/h, {low:.3g} to {high:.3g} at a confidence of {memory.confidence:g}"
    if high <= limit:
        holds, said = True, f"{interval}, is within {limit:g}"
    elif low > limit:
        holds, said = False, f"{interval}, where {limit:g} is allowed (p = {memory.p_value:.2g})"
    else:
        holds, said = False, f"not proved: {interval} reaches beyond {limit:g}; run longer"
    return [
        Check(
            name="memory_mib_per_h",
            limit=limit,
            found=found,
            basis="proved" if holds else "empirical",
            holds=holds,
            reason=f"memory_mib_per_h: {said}",
        )
    ]
