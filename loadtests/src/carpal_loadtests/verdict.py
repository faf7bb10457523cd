"""Pass, fail or invalid, with a reason for each: what a load test comes to."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.figures import Figures
from carpal_loadtests.proof import needed, proved
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Slos, Validity

EXIT = {"pass": 0, "fail": 1, "invalid": 3}


class Check(Document):
    """One condition and how it was met."""

    name: str
    limit: float
    found: float | None = Field(
        description="None where there is nothing to compare, or the value is an unanswered request"
    )
    basis: Literal["proved", "empirical", "count"] = Field(
        description="proved at the confidence of the scenario, compared as measured, or counted"
    )
    holds: bool
    reason: str


class Verdict(Document):
    """Pass: every check holds. Fail: a service level does not. Invalid: the measurement itself cannot be trusted."""

    outcome: Literal["pass", "fail", "invalid"]
    reasons: tuple[str, ...] = Field(description="of the checks that decided; of all service levels on a pass")
    service_levels: tuple[Check, ...]
    validity: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 invalid."""
        return EXIT[self.outcome]


def decide(
    slos: Slos,
    validity: Validity,
    *,
    rows: Sequence[Row],
    figures: Figures,
    cpu_share: float | None,
    cut_short: str | None = None,
) -> Verdict:
    """Judge a run.

    Args:
        rows: of the measurement, without the warm-up.
        figures: of the same rows.
        cpu_share: what the generator used of one core; None where it could not say.
        cut_short: why the run did not go to its end, if it did not.
    """
    service_levels = (*_latencies(slos, rows), *_shares(slos, figures))
    conditions = _conditions(validity, figures, cpu_share)
    broken = [check.reason for check in conditions if not check.holds]
    missed = [check.reason for check in service_levels if not check.holds]
    if cut_short:
        broken.insert(0, cut_short)
    if broken:
        return Verdict(outcome="invalid", reasons=tuple(broken), service_levels=service_levels, validity=conditions)
    if missed:
        return Verdict(outcome="fail", reasons=tuple(missed), service_levels=service_levels, validity=conditions)
    held = tuple(check.reason for check in service_levels)
    return Verdict(outcome="pass", reasons=held, service_levels=service_levels, validity=conditions)


def _latencies(slos: Slos, rows: Sequence[Row]) -> list[Check]:
    """What was not answered well is late, whatever the limit; what was refused in good order is not counted here."""
    counted = [row for row in rows if row.outcome is not Outcome.SHED]
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
        f"{name}: {shown} is within {limit:g} ms, and not proved at a confidence of {confidence:g}: {tally}, "
        f"{more} more requests in time are needed"
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


def _conditions(validity: Validity, figures: Figures, cpu_share: float | None) -> tuple[Check, ...]:
    offered = figures.offered_rate_per_s / figures.planned_rate_per_s if figures.planned_rate_per_s else None
    lag_ms = figures.lag.p99_ms if figures.lag else None
    return (
        _at_least("offered_share", validity.offered_share, offered, "of the planned rate was offered"),
        _at_most("lag_p99_ms", validity.lag_p99_ms, lag_ms, "ms is the 99th percentile of the generator's delay"),
        _at_most("generator_cpu", validity.generator_cpu, cpu_share, "of one core was used by the generator"),
    )


def _at_least(name: str, limit: float, found: float | None, meaning: str) -> Check:
    holds = found is not None and found >= limit
    return _condition(name, limit, found, holds, f"{meaning}, at least {limit:g} is needed")


def _at_most(name: str, limit: float, found: float | None, meaning: str) -> Check:
    holds = found is not None and found <= limit
    return _condition(name, limit, found, holds, f"{meaning}, at most {limit:g} is allowed")


def _condition(name: str, limit: float, found: float | None, holds: bool, meaning: str) -> Check:
    shown = "an unknown number" if found is None else f"{found:.4g}"
    return Check(name=name, limit=limit, found=found, basis="count", holds=holds, reason=f"{name}: {shown} {meaning}")
