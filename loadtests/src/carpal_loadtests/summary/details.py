"""The folded parts of the report: every run, and where and with what it was measured."""

from __future__ import annotations

from collections.abc import Iterator

from carpal.reports.blocks import Cell, Fact, Section, Table
from carpal_loadtests.summary.evidence import Evidence, Run


def sections(evidence: Evidence) -> Iterator[Section]:
    """One section a subject; none where there is nothing to say."""
    if evidence.runs:
        yield Section("Every run", tables=(_runs(evidence.runs), _reasons(evidence.runs)), folded=True)
        yield Section("Machine and versions", facts=tuple(_machine(evidence.runs[0])), folded=True)
    if evidence.simulated:
        setup = evidence.simulated[1].setup
        yield Section("What was simulated", text=setup.to_json(indent=True).decode(), folded=True)


def _runs(runs: tuple[Run, ...]) -> Table:
    heads = (
        "run",
        "verdict",
        "offered (/s)",
        "answered (/s)",
        "answered",
        "shed",
        "failed",
        "dropped",
        "p50 (ms)",
        "p99 (ms)",
        "engine",
    )
    return Table(heads, tuple(_run(run) for run in runs), "runs")


def _run(run: Run) -> tuple[Cell, ...]:
    figures = run.result.figures
    counts, took = figures.counts, figures.latency
    engine = {True: "emulated", False: "real", None: "unknown"}[run.result.emulated]
    return (
        run.name, run.result.verdict.outcome, figures.offered_rate_per_s, figures.answered_rate_per_s,
        counts.answered, counts.shed, counts.failed, counts.dropped,
        took.p50_ms if took else None, took.p99_ms if took else None, engine,
    )  # fmt: skip


def _reasons(runs: tuple[Run, ...]) -> Table:
    rows = tuple((run.name, run.result.verdict.outcome, one) for run in runs for one in run.result.verdict.reasons)
    return Table(("run", "verdict", "reason"), rows, "reasons")


def _machine(run: Run) -> Iterator[Fact]:
    machine = run.result.machine
    yield Fact("system", machine.system)
    yield Fact("processor", machine.processor)
    yield Fact("cores", machine.cores)
    yield Fact("memory", machine.memory_bytes / 2**30, "GiB")
    for name, version in machine.versions.items():
        yield Fact(name, version)
