"""What the evidence advises, in sentences; each follows from a figure of the report and names it."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from carpal_loadtests.capacity.plan import Capacity
from carpal_loadtests.limits.saturation import Saturation
from carpal_loadtests.scaling.analysis import Scaling
from carpal_loadtests.scaling.laws import Coefficients
from carpal_loadtests.simulation.outcome import Simulated
from carpal_loadtests.summary import few
from carpal_loadtests.summary.evidence import Evidence

HALF = 0.5


def answer(evidence: Evidence) -> str:
    """How many replicas, for what, at what price, and where it ends: one sentence."""
    parts = []
    if evidence.capacity:
        plan = evidence.capacity[1]
        cost = f" for {plan.cost.per_million_images:.3g} {plan.cost.currency} a million images" if plan.cost else ""
        parts.append(
            f"{plan.replicas} replicas answer {plan.demand.rate_per_s:g} requests a second within "
            f"{plan.demand.limit_s * 1000:g} ms{cost}"
        )
    if evidence.scaling:
        parts.append(_end(evidence.scaling[1]))
    if evidence.points and not evidence.scaling:
        parts.append(few.conclusion(sorted(evidence.points, key=lambda point: point.replicas)).rstrip("."))
    if evidence.saturation:
        parts.append(_limit(evidence.saturation[1]))
    if not parts and evidence.simulated:
        parts.append(_policy(evidence.simulated[1]))
    if not parts and evidence.runs:
        verdicts = [run.result.verdict.outcome for run in evidence.runs]
        said = ", ".join(f"{verdicts.count(one)} {one}" for one in ("pass", "fail", "invalid") if one in verdicts)
        parts.append(f"{len(verdicts)} load tests were made: {said}")
    if not parts:
        return "There is nothing to report yet: below is what to measure first."
    # Only the first letter: names such as USL and GPU keep theirs.
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}{', by an emulated engine' if evidence.emulated else ''}."


def advice(evidence: Evidence) -> list[str]:
    """One sentence a finding, the most pressing first."""
    return [*_runs(evidence), *_scaling(evidence), *_saturation(evidence), *_capacity(evidence), *_simulated(evidence)]


def half_marginal(law: Coefficients) -> float | None:
    """The N from where on one more replica adds less than half of a lone one's throughput; None where that is never.

    dX/dN of the Universal Scalability Law is lambda (1 - sigma - kappa N^2) / (1 + sigma (N - 1) + kappa N (N - 1))^2.
    """
    if law.sigma == 0 and law.kappa == 0:
        return None
    low, high = 1.0, 1e9
    if _marginal(law, low) < HALF:
        return low
    for _ in range(200):
        middle = sqrt(low * high)
        low, high = (middle, high) if _marginal(law, middle) >= HALF else (low, middle)
    return low


def _marginal(law: Coefficients, replicas: float) -> float:
    below = 1 + law.sigma * (replicas - 1) + law.kappa * replicas * (replicas - 1)
    return (1 - law.sigma - law.kappa * replicas**2) / below**2


def _end(scaling: Scaling) -> str:
    largest = max(point.replicas for point in scaling.points)
    if scaling.peak_replicas.value is not None and (scaling.peak_reach or 0) <= 2:
        return f"throughput peaks at {scaling.peak_replicas.value:.0f} replicas"
    at = next(one for one in scaling.predictions if one.replicas == largest)
    return f"{largest} replicas do {at.efficiency:.0%} of {largest} times one replica's work"


def _limit(found: Saturation) -> str:
    if found.rate_per_s is None:
        most = f"the most that it answered is {found.maximum_per_s or 0:.4g} a second"
        return f"no rate of one deployment was confirmed, {most}"
    return f"one deployment keeps its objectives up to {found.rate_per_s:.4g} requests a second"


def _policy(simulated: Simulated) -> str:
    wanted = f"{simulated.setup.share:.2%} within {simulated.setup.limit_ms:g} ms"
    if simulated.best:
        return f"by simulation the policy {simulated.best} gets {wanted} the cheapest"
    return f"by simulation no policy gets {wanted}"


def _runs(evidence: Evidence) -> Iterator[str]:
    told = {"invalid": "Do not use the figures of", "fail": "Objectives are missed by"}
    for outcome, said in told.items():
        names = [run.name for run in evidence.runs if run.result.verdict.outcome == outcome]
        reasons = [run.result.verdict.reasons[0] for run in evidence.runs if run.result.verdict.outcome == outcome]
        if names:
            more = f" (and {len(names) - 1} more, see every run below)" if len(names) > 1 else ""
            yield f"{said} {names[0]}{more}: {reasons[0]}."


def _scaling(evidence: Evidence) -> Iterator[str]:
    if not evidence.scaling:
        return
    scaling = evidence.scaling[1]
    largest = max(point.replicas for point in scaling.points)
    law, half = scaling.coefficients, half_marginal(scaling.coefficients)
    if half is not None and half <= 2 * largest:
        yield f"From {half:.0f} replicas on, each one more adds less than half of what the first did: split the load."
    if scaling.law.weight < 0.9:
        others = ", ".join(f"{one.law} {one.weight:.0%}" for one in scaling.laws if one.law != scaling.best)
        yield (
            f"The law is not settled: {scaling.best} has a weight of {scaling.law.weight:.0%} (others: {others}). "
            "Measure more numbers of replicas, and larger ones."
        )
    if law.kappa > 0 and (scaling.peak_reach or 0) > 2:
        yield (
            f"The law's peak at {scaling.peak_replicas.value:.0f} replicas lies {scaling.peak_reach:.3g} times beyond "
            "what was measured: take it as a sign that replicas disturb one another, not as a number."
        )


def _saturation(evidence: Evidence) -> Iterator[str]:
    if not evidence.saturation:
        return
    found = evidence.saturation[1]
    if found.rate_per_s is None:
        why = f": {found.stopped_by}" if found.stopped_by else ""
        yield f"Search the limit again before you plan with it: no rate was confirmed{why}."
        return
    broken = min((one for one in found.probes if one.fate == "fails"), key=lambda one: one.rate_per_s, default=None)
    if broken:
        at = f"at {broken.rate_per_s:.4g}, {broken.reason}"
        yield f"Alert below {found.rate_per_s:.4g} requests a second a deployment: {at}."


def _capacity(evidence: Evidence) -> Iterator[str]:
    if not evidence.capacity:
        return
    plan: Capacity = evidence.capacity[1]
    step = max(plan.steps, key=lambda one: one.replicas)
    yield f"Set {plan.replicas} replicas; the largest part of that is asked for by the {step.name}: {step.reason}."
    yield from (f"{warning[0].upper()}{warning[1:]}." for warning in plan.warnings)


def _simulated(evidence: Evidence) -> Iterator[str]:
    if not evidence.simulated:
        return
    found = evidence.simulated[1]
    if found.best:
        best = found.outcomes[found.best]
        installed = "; its chart values are below" if found.chart_values else ""
        yield (
            f"Use the policy {found.best}: {best.mean_replicas:.1f} replicas on average, {best.in_time_share:.2%} in "
            f"time{installed}."
        )
    else:
        nearest = found.outcomes[found.nearest]
        yield (
            f"No policy of {len(found.outcomes)} meets the objective; {found.nearest} comes nearest with "
            f"{nearest.in_time_share:.2%} in time. Raise the least number of replicas, or shorten the start-up."
        )
