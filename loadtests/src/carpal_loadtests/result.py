"""The result of a run: one closed document, and its raw rows beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal.errors import LoadError
from carpal_loadtests.arrivals import Replay
from carpal_loadtests.cluster import ScalingEvent
from carpal_loadtests.conservation import LittlesLaw, littles_law
from carpal_loadtests.errors import NoResultError, OutputTakenError
from carpal_loadtests.figures import Figures
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Answerer
from carpal_loadtests.machine import Machine
from carpal_loadtests.plan import Plan
from carpal_loadtests.rows import Row, read_rows, write_parquet
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.target import Target
from carpal_loadtests.telemetry import MEMORY, Sample, series, write_samples
from carpal_loadtests.timeline import timeline, write_timeline
from carpal_loadtests.trend import Slope, slope
from carpal_loadtests.verdict import Verdict, decide
from carpal_loadtests.whole import write_document, write_whole

RESULT = "result.json"
ROWS = "requests.parquet"
TIMELINE = "timeline.parquet"
SERVER = "server.parquet"


class Part(Document):
    """One straight piece of the arrivals: a stage, a step, a spike."""

    from_s: float = Field(description="second of the run at which it begins")
    from_per_s: float = Field(description="planned rate at its beginning")
    to_per_s: float = Field(description="planned rate at its end")
    figures: Figures


class Payloads(Document):
    """What was sent."""

    count: int
    bad: int
    digest: str = Field(description="of all bodies in their order; two runs that are compared have the same")
    bytes: int = Field(description="mean size of a body")
    media_types: Mapping[str, int]


class Watched(Document):
    """What the target and its cluster were seen to do."""

    sources: tuple[str, ...] = Field(description="URLs that were scraped, local process, cluster")
    samples: int
    missed: int = Field(description="times that a source did not answer")
    events: tuple[ScalingEvent, ...] = Field(default=(), description="that Kubernetes left meanwhile, oldest first")
    slopes: Mapping[str, Slope] = Field(
        description="of memory, file descriptors and threads over the second half of the run, a second"
    )


class Result(Document):
    """Everything one run said, with what it was and where it was made."""

    schema_: Literal["carpal.load-result/v1"] = Field(default="carpal.load-result/v1", alias="schema")
    verdict: Verdict
    figures: Figures = Field(description="of the measurement; the warm-up is left out")
    warmup: Figures | None = Field(description="of the warm-up; in no verdict")
    parts: tuple[Part, ...] = Field(description="of arrivals that change their rate, piece by piece")
    littles_law: LittlesLaw | None = Field(description="None where nothing was counted on the way")
    processes: int = Field(description="load processes that shared the schedule")
    generator_pause_p99_ms: float | None = Field(
        default=None, description="how late the generator was at moments that no request sets"
    )
    generator_cpu: float | None = Field(
        description="CPU time of the load process over the run, share of one core; of the busiest"
    )
    duration_s: float = Field(description="planned seconds of measurement, after the warm-up")
    retries: int = Field(description="further attempts that were made")
    started: str | None = Field(description="RFC 3339 time of second 0 of the rows, UTC")
    elapsed_s: float | None
    target: Target
    answerers: tuple[Answerer, ...] = Field(description="the models that answered, by their own records")
    emulated: bool | None = Field(
        description="true where an answer came from an emulated engine; None where nothing answered"
    )
    payloads: Payloads
    watched: Watched
    machine: Machine = Field(description="of the generator")
    scenario: Scenario


def conclude(
    plan: Plan,
    target: Target,
    measurement: Measurement,
    machine: Machine,
    *,
    samples: Sequence[Sample] = (),
    missed: int = 0,
    events: tuple[ScalingEvent, ...] = (),
    processes: int = 1,
) -> Result:
    """Figures and verdict of a measurement.

    Args:
        plan: what was to be sent.
        target: where to.
        measurement: what was sent, and how it ended.
        machine: of the generator.
        samples: what the target said of itself, by Unix time.
        missed: how often it said nothing.
        events: of its cluster.
        processes: that sent the load.
    """
    scenario, summary, schedule = plan.scenario, measurement.summary, plan.schedule
    warm = [row for row in measurement.rows if row.intended_s < schedule.warmup_s]
    rows = [row for row in measurement.rows if row.intended_s >= schedule.warmup_s]
    planned_warm = schedule.planned_in_warmup
    figures = Figures.of(
        rows, planned=len(schedule.times) - planned_warm, from_s=schedule.warmup_s, span_s=schedule.duration_s
    )
    law = littles_law(measurement.rows, measurement.seen)
    middle_unix_s = measurement.zero_unix_s + schedule.warmup_s + schedule.duration_s / 2
    watched = _watched(samples, missed, events, middle_unix_s)
    verdict = decide(
        scenario,
        rows=rows,
        figures=figures,
        cpu_share=summary.cpu_share if summary else None,
        pause_p99_ms=summary.pause_p99_ms if summary else None,
        cut_short=_cut_short(measurement, figures, law),
        memory=watched.slopes.get(MEMORY),
    )
    return Result(
        verdict=verdict,
        figures=figures,
        warmup=Figures.of(warm, planned=planned_warm, from_s=0.0, span_s=schedule.warmup_s) if planned_warm else None,
        parts=_parts(plan, rows),
        littles_law=law,
        processes=processes,
        duration_s=schedule.duration_s,
        generator_cpu=summary.cpu_share if summary else None,
        generator_pause_p99_ms=summary.pause_p99_ms if summary else None,
        retries=summary.retries if summary else sum(max(row.attempts - 1, 0) for row in measurement.rows),
        started=summary.started if summary else None,
        elapsed_s=summary.elapsed_s if summary else None,
        target=target,
        answerers=summary.answerers if summary else (),
        emulated=any(one.model.emulated for one in summary.answerers) if summary and summary.answerers else None,
        payloads=_payloads(plan),
        watched=watched,
        machine=machine,
        scenario=scenario,
    )


def _cut_short(measurement: Measurement, figures: Figures, law: LittlesLaw | None) -> str | None:
    unsent, summary = figures.counts.unsent, measurement.summary
    if measurement.interrupted:
        return f"interrupted: {unsent} of {figures.counts.planned} planned requests were not due yet"
    if summary is not None and summary.stopped_by:
        return f"{summary.stopped_by}: the run was stopped, and what was written until then is all there is"
    if summary is None or not summary.finished:
        return "the load process ended before its last word: requests that were on the way are not in the rows"
    if law is not None and not law.holds:
        return (
            f"littles_law: {law.counted:.2f} requests were on the way on average as the load process counted, and "
            f"{law.from_rows:.2f} by the rows: one of them is wrong"
        )
    return None


def _parts(plan: Plan, rows: Sequence[Row]) -> tuple[Part, ...]:
    arrivals = plan.scenario.arrivals
    if isinstance(arrivals, Replay) or arrivals.kind == "sine" or len(arrivals.pieces()) == 1:
        return ()
    parts, at = [], plan.schedule.warmup_s
    times = plan.schedule.times
    for piece in arrivals.pieces():
        end = at + piece.duration_s
        planned = int(((times >= at) & (times < end)).sum())
        held = [row for row in rows if at <= row.intended_s < end]
        figures = Figures.of(held, planned=planned, from_s=at, span_s=piece.duration_s)
        parts.append(Part(from_s=at, from_per_s=piece.from_per_s, to_per_s=piece.to_per_s, figures=figures))
        at = end
    return tuple(parts)


def _payloads(plan: Plan) -> Payloads:
    kinds: dict[str, int] = {}
    for payload in plan.payloads:
        kinds[payload.media_type] = kinds.get(payload.media_type, 0) + 1
    return Payloads(
        count=len(plan.payloads),
        bad=sum(payload.bad for payload in plan.payloads),
        digest=f"sha256:{sha256(' '.join(payload.digest for payload in plan.payloads).encode()).hexdigest()}",
        bytes=sum(len(payload.body) for payload in plan.payloads) // max(len(plan.payloads), 1),
        media_types=kinds,
    )


def _watched(samples: Sequence[Sample], missed: int, events: tuple[ScalingEvent, ...], middle_unix_s: float) -> Watched:
    late = [sample for sample in samples if sample.at_s >= middle_unix_s]
    slopes = {name: slope(*series(late, name)) for name in (MEMORY, "process_open_fds", "process_threads")}
    return Watched(
        sources=tuple(sorted({sample.source for sample in samples})),
        samples=len(samples),
        missed=missed,
        events=events,
        slopes={name: found for name, found in slopes.items() if found is not None},
    )


def refuse_taken(folder: Path) -> None:
    """A result is never overwritten.

    Raises:
        OutputTakenError: the folder holds one.
    """
    for name in (RESULT, ROWS):
        if (folder / name).exists():
            raise OutputTakenError(
                f"{folder / name} exists", "A measurement is never overwritten.", "Give another folder with --out."
            )


def write_result(
    result: Result, rows: Sequence[Row], folder: Path, *, samples: Sequence[Sample] = (), zero_unix_s: float = 0.0
) -> None:
    """Write rows, timeline and samples, then the result: where there is a result, the rest is whole.

    Raises:
        UnwritableError: the disk is full, say.
    """
    write_whole(folder / ROWS, lambda stream: write_parquet(rows, stream))
    write_whole(
        folder / TIMELINE,
        lambda stream: write_timeline(timeline(rows, samples, zero_unix_s=zero_unix_s), stream),
    )
    if samples:
        write_whole(folder / SERVER, lambda stream: write_samples(samples, stream, zero_unix_s=zero_unix_s))
    write_document(result, folder / RESULT)


def read_result(
    folder: Path, error: type[LoadError] = NoResultError, remedy: str = "Name the folder of a run."
) -> tuple[Result, list[Row]]:
    """A run as it was written: its result and all of its rows.

    Args:
        folder: of the run.
        error: the leaf of the error tree to raise.
        remedy: what else could be named.

    Raises:
        LoadError: of the given leaf: there is no whole result.
    """
    try:
        result = Result.parse_json((folder / RESULT).read_bytes(), source=folder / RESULT, error=error)
        rows = read_rows(folder / ROWS)
    except OSError as failure:
        raise error(f"{folder} holds no result: {failure}", "Only finished runs have one.", remedy) from failure
    return result, rows


def without_warmup(result: Result, rows: Sequence[Row]) -> list[Row]:
    """The rows of the measurement."""
    return [row for row in rows if row.intended_s >= result.scenario.warmup_s]
