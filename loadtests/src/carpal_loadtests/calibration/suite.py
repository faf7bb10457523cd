"""The calibration of the generator on the machine at hand: known service times, a known stall, known errors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.arrivals import Poisson
from carpal_loadtests.calibration.behaviour import Behaviour, Seen
from carpal_loadtests.calibration.levels import Level, Stall, level, stall
from carpal_loadtests.calibration.server import known
from carpal_loadtests.errors import GeneratorError
from carpal_loadtests.generator import Measurement, generate
from carpal_loadtests.job import Progress, Summary
from carpal_loadtests.machine import Machine, fingerprint
from carpal_loadtests.payloads import Phantoms
from carpal_loadtests.plan import Plan, make_plan
from carpal_loadtests.result import conclude
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.slos import Slos
from carpal_loadtests.target import Target

# As of a detector: half of the answers within 50 ms, 99 % within four times that.
MEDIAN_MS = 50.0
SPREAD = float(np.log(4) / 2.326)
# Shares of the requests that get something else than a record.
SHARES = {"broken": 0.02, "shed": 0.01, "garbage": 0.01}
WARMUP_S = 2.0
STALL_S = 1.0
STALL_SERVICE_MS = 5.0
STALL_RUN_S = 3.0
# A capacity is what still leaves the generator its own conditions: nine tenths of a core, and no lag.
CAPACITY_CPU = 0.8

Say = Callable[[str], None]


class Capacity(Document):
    """What one load process can send on one core, with small bodies."""

    cpu_us_per_request: float = Field(description="CPU time of the load process a request, at the highest rate above")
    body_bytes: int
    rate_per_s: float = Field(description="that was tried: where this CPU time fills 80 % of a core")
    valid: bool = Field(description="whether that run met the generator's own conditions")
    lag_p99_ms: float
    offered_share: float = Field(description="of the planned rate")


class Calibration(Document):
    """How true the generator is on this machine."""

    valid: bool = Field(description="whether the machine left generator and server their cores at every rate")
    holds: bool
    levels: tuple[Level, ...]
    stalls: tuple[Stall, ...]
    capacity: Capacity | None
    processes: int = Field(description="load processes that shared the schedule; the capacity is that of one")
    machine: Machine


@dataclass(frozen=True)
class Suite:
    """Runs of one generator against servers of known truth.

    Args:
        processes: load processes that share the schedule.
        say: what is said meanwhile.
    """

    processes: int
    say: Say

    def calibrate(self, rates: Sequence[float], seconds: float, *, capacity: bool = True) -> Calibration:
        """Every rate in turn, the stall at every rate, then the capacity."""
        levels = tuple(self.level(rate, seconds) for rate in rates)
        stalls = tuple(self.stall(rate) for rate in rates)
        found = self.capacity(levels[-1], seconds) if capacity else None
        return Calibration(
            valid=all(one.valid for one in levels),
            holds=all(one.holds for one in levels) and all(one.holds for one in stalls),
            levels=levels,
            stalls=stalls,
            capacity=found,
            processes=self.processes,
            machine=fingerprint(),
        )

    def level(self, rate: float, seconds: float) -> Level:
        """Known service times and a known share of errors at one rate."""
        plan = _plan(rate, seconds, warmup_s=WARMUP_S)
        numbers = np.random.default_rng(plan.scenario.seed).permutation(len(plan.schedule.times))
        ends = np.cumsum([round(share * len(numbers)) for share in SHARES.values()])
        answers = {name: part.tolist() for name, part in zip(SHARES, np.split(numbers, ends)[:-1], strict=True)}
        told = Behaviour.parse(
            {"service_ms": MEDIAN_MS, "spread": SPREAD, "answers": answers}, source="the calibration"
        )
        _, measurement, seen = self._run(plan, told)
        found = level(
            rate,
            measurement.rows,
            seen,
            _summary(measurement),
            planned=len(plan.schedule.times),
            warmup_s=plan.scenario.warmup_s,
        )
        self.say(
            f"{rate:g}/s for {seconds:g} s: p50 {found.measured.p50_ms:.2f} ms where {found.true.p50_ms:.2f} is true "
            f"({found.p50_error:+.2%}), p99 {found.measured.p99_ms:.2f} where {found.true.p99_ms:.2f} is true "
            f"({found.p99_error:+.2%}); {found.planned} sent, {found.miscounted} miscounted, "
            f"{found.generator_cpu:.0%} of one core, 99 % of the time within {found.pause_p99_ms:.2f} ms"
            f"{'' if found.valid else ': invalid, the machine let generator or server wait'}"
        )
        return found

    def stall(self, rate: float) -> Stall:
        """A server that stands still for a second."""
        plan = _plan(rate, STALL_RUN_S, warmup_s=0.0)
        at = len(plan.schedule.times) // 3
        _, measurement, seen = self._run(plan, Behaviour(service_ms=STALL_SERVICE_MS, stall_at=at, stall_s=STALL_S))
        found = stall(rate, measurement.rows, seen, planned=len(plan.schedule.times), at=at, stall_s=STALL_S)
        self.say(
            f"{rate:g}/s with a stall of {STALL_S:g} s: the longest wait is {found.longest_s:.3f} s, {found.waited} "
            f"requests waited {found.measured_mean_ms:.1f} ms on average where {found.true_mean_ms:.1f} is true"
        )
        return found

    def capacity(self, highest: Level, seconds: float) -> Capacity:
        """The rate that fills 80 % of a core, by the CPU time of the highest rate so far; then that rate is tried."""
        cpu_s = highest.generator_cpu * self.processes / highest.rate_per_s
        rate = CAPACITY_CPU / cpu_s
        plan = _plan(rate, seconds, warmup_s=WARMUP_S)
        alone = replace(self, processes=1)
        target, measurement, _ = alone._run(plan, Behaviour(service_ms=MEDIAN_MS))
        result = conclude(plan, target, measurement, fingerprint())
        conditions = {check.name: check.found for check in result.verdict.validity}
        found = Capacity(
            cpu_us_per_request=cpu_s * 1e6,
            body_bytes=len(plan.payloads[0].body),
            rate_per_s=rate,
            valid=result.verdict.outcome != "invalid",
            lag_p99_ms=conditions["lag_p99_ms"] or 0.0,
            offered_share=conditions["offered_share"] or 0.0,
        )
        self.say(
            f"capacity of one core: {rate:.0f}/s ({found.cpu_us_per_request:.0f} µs of CPU a request of "
            f"{found.body_bytes} bytes), which was {'valid' if found.valid else 'too much here'}: "
            f"{found.offered_share:.2%} of the planned rate, 99 % within {found.lag_p99_ms:.1f} ms of their time"
        )
        return found

    def _run(self, plan: Plan, told: Behaviour) -> tuple[Target, Measurement, Seen]:
        with known(told) as server, tempfile.TemporaryDirectory(prefix="carpal-calibration-") as folder:
            aimed = replace(plan, target=server.url, model=told.model)
            measurement = generate(aimed, Path(folder), _in_silence, processes=self.processes)
            return Target(url=server.url, model=told.model, metadata={}), measurement, server.seen()


def _summary(measurement: Measurement) -> Summary:
    """The last word of the load processes.

    Raises:
        GeneratorError: there was none.
    """
    if measurement.summary is None:
        raise GeneratorError(
            f"a load process ended early, with {len(measurement.rows)} rows written",
            "A calibration needs all of a run: what is missing would count as a miscount.",
            "Run it again; stop nothing meanwhile.",
        )
    return measurement.summary


def _in_silence(progress: Progress) -> None:
    """A level says one line when it is over."""


def _plan(rate: float, seconds: float, *, warmup_s: float) -> Plan:
    """Independent users with the smallest picture: what is calibrated is the clock, not the network."""
    scenario = Scenario(
        name="calibration",
        arrivals=Poisson(rate_per_s=rate, duration_s=seconds),
        warmup_s=warmup_s,
        payloads=Phantoms(count=1, size_px=64, format="png8"),
        max_in_flight=20_000,
        slos=Slos(error_share=1.0, shed_share=1.0),
    )
    return make_plan(scenario, Path())
