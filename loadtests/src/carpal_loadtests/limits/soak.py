"""``soak``: one rate for long, and whether anything grows: memory, file descriptors, threads, latency."""

from __future__ import annotations

from carpal_loadtests.arrivals import Soak
from carpal_loadtests.check import Check
from carpal_loadtests.result import Result
from carpal_loadtests.scenario import Scenario

HOUR_S = 3600.0
# A slope counts where it would be so strong by luck less often than this, and where an hour of it is more than this.
LUCK = 0.01
MOST_PER_H = {"process_open_fds": 5.0, "process_threads": 5.0}


def soaked(scenario: Scenario, *, rate_per_s: float, duration_s: float, memory_mib_per_h: float) -> Scenario:
    """The scenario at one rate for that long, with a bound on the growth of memory."""
    return scenario.model_copy(
        update={
            "arrivals": Soak(rate_per_s=rate_per_s, duration_s=duration_s),
            "slos": scenario.slos.model_copy(update={"memory_mib_per_h": memory_mib_per_h}),
        }
    )


def soak_checks(result: Result) -> tuple[Check, ...]:
    """Whether files and threads grow, beside the memory that the run's own verdict judges.

    They are counts, so a slope with its whole interval above the bound is growth, and anything less is not.
    """
    checks = []
    for name, limit in MOST_PER_H.items():
        found = result.watched.slopes.get(name)
        if found is None:
            continue
        per_h = found.per_s * HOUR_S
        grows = found.low_per_s * HOUR_S > limit and found.p_value <= LUCK
        checks.append(
            Check(
                name=f"{name}_per_h",
                limit=limit,
                found=per_h,
                basis="proved" if grows else "empirical",
                holds=not grows,
                reason=f"{name}_per_h: {per_h:+.3g} an hour (p = {found.p_value:.2g}), {limit:g} are allowed",
            )
        )
    return tuple(checks)
