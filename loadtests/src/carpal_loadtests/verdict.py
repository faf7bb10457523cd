"""Pass, fail or invalid, with a reason for each: what a load test comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import OWN_LIMIT, Outcome
from carpal_loadtests.check import Check
from carpal_loadtests.figures import Figures
from carpal_loadtests.levels import service_levels
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.slos import Validity
from carpal_loadtests.trend import Slope, slope

EXIT = {"pass": 0, "fail": 1, "invalid": 3}
SHORTEST_FOR_DRIFT_S = 30.0
# A trend counts where it would be so strong by luck less often than this. Latencies of a queue are alike for longer
# than a window, so at 90 % busy a level of 0.01 accuses one steady run in eleven and 0.001 one in 37, and both find
# what grows nearly as often (loadtests/studies/thresholds.py).
LUCK = 0.001


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

    def also(self, checks: Sequence[Check]) -> Verdict:
        """The verdict with more service levels: a pass or a fail that they can turn, and an invalid that stays."""
        levels = (*self.service_levels, *checks)
        missed = tuple(check.reason for check in levels if not check.holds)
        if self.outcome == "invalid":
            return self.model_copy(update={"service_levels": levels})
        reasons = missed or tuple(check.reason for check in levels)
        return Verdict(
            outcome="fail" if missed else "pass", reasons=reasons, service_levels=levels, validity=self.validity
        )


def decide(
    scenario: Scenario,
    *,
    rows: Sequence[Row],
    figures: Figures,
    cpu_share: float | None,
    pause_p99_ms: float | None = None,
    cut_short: str | None = None,
    memory: Slope | None = None,
) -> Verdict:
    """Judge a run.

    Args:
        scenario: what was wanted.
        rows: of the measurement, without the warm-up.
        figures: of the same rows.
        cpu_share: what the generator used of one core; None where it could not say.
        pause_p99_ms: how late it was at moments that no request sets; None where it could not say.
        cut_short: why the run did not go to its end, if it did not.
        memory: how the target's memory grew; None where it was not seen.
    """
    levels = service_levels(scenario.slos, rows=rows, figures=figures, peak_end_s=scenario.peak_end_s, memory=memory)
    conditions = _conditions(scenario.validity, figures, cpu_share, pause_p99_ms)
    broken = [check.reason for check in conditions if not check.holds]
    missed = [check.reason for check in levels if not check.holds]
    if cut_short:
        broken.insert(0, cut_short)
    if broken:
        return Verdict(outcome="invalid", reasons=tuple(broken), service_levels=levels, validity=conditions)
    if missed:
        return Verdict(outcome="fail", reasons=tuple(missed), service_levels=levels, validity=conditions)
    # Only a pass is spoiled by a drift: a service that falls behind under too high a rate has failed, and said so.
    steady = _steady(scenario, rows, figures)
    conditions = (*conditions, *steady)
    broken = [check.reason for check in steady if not check.holds]
    if broken:
        return Verdict(outcome="invalid", reasons=tuple(broken), service_levels=levels, validity=conditions)
    held = tuple(check.reason for check in levels)
    return Verdict(outcome="pass", reasons=held, service_levels=levels, validity=conditions)


def _conditions(
    validity: Validity, figures: Figures, cpu_share: float | None, pause_p99_ms: float | None
) -> tuple[Check, ...]:
    offered = figures.offered_rate_per_s / figures.planned_rate_per_s if figures.planned_rate_per_s else None
    # Late to send makes an answer look late, and so does late to read it: the worse of the two counts.
    lag_ms = max(figures.lag.p99_ms, pause_p99_ms or 0.0) if figures.lag else None
    return (
        _at_least("offered_share", validity.offered_share, offered, "of the planned rate was offered"),
        _at_most("lag_p99_ms", validity.lag_p99_ms, lag_ms, "ms is the 99th percentile of the generator's delay"),
        _at_most("generator_limits", 0, _own_limits(figures), "requests found no file descriptor, port or buffer here"),
        _at_most("generator_cpu", validity.generator_cpu, cpu_share, "of one core was used by the generator"),
    )


def _own_limits(figures: Figures) -> int:
    """Requests that failed because this machine could not open another connection: no fault of the target."""
    return sum(count for code, count in figures.counts.codes.items() if code.startswith(f"transport.{OWN_LIMIT}"))


def _steady(scenario: Scenario, rows: Sequence[Row], figures: Figures) -> tuple[Check, ...]:
    """Whether the latency of a run at one rate stays what it is."""
    limit = scenario.validity.drift_share
    held = scenario.arrivals.kind in ("constant", "poisson", "soak")
    if limit is None or not held or figures.span_s < SHORTEST_FOR_DRIFT_S:
        return ()
    answered = [row for row in rows if row.outcome is Outcome.ANSWERED and row.latency_s is not None]
    waits = [row.latency_s or 0.0 for row in answered]
    trend = slope([row.intended_s for row in answered], waits)
    if trend is None:
        return ()
    change = abs(trend.per_s) * figures.span_s / float(np.median(waits))
    holds = change <= limit or trend.p_value > LUCK
    reason = (
        f"drift_share: the latency changed by {change:.0%} of its median over the run (p = {trend.p_value:.2g}), "
        f"{limit:.0%} is allowed; a longer warm-up may help"
    )
    return (Check(name="drift_share", limit=limit, found=change, basis="empirical", holds=holds, reason=reason),)


def _at_least(name: str, limit: float, found: float | None, meaning: str) -> Check:
    holds = found is not None and found >= limit
    return _condition(name, limit, found, holds, f"{meaning}, at least {limit:g} is needed")


def _at_most(name: str, limit: float, found: float | None, meaning: str) -> Check:
    holds = found is not None and found <= limit
    return _condition(name, limit, found, holds, f"{meaning}, at most {limit:g} is allowed")


def _condition(name: str, limit: float, found: float | None, holds: bool, meaning: str) -> Check:
    shown = "an unknown number" if found is None else f"{found:.4g}"
    return Check(name=name, limit=limit, found=found, basis="count", holds=holds, reason=f"{name}: {shown} {meaning}")
