"""The result of a run: one closed document, and its raw rows beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.errors import OutputTakenError
from carpal_loadtests.figures import Figures
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Answerer, Plan
from carpal_loadtests.machine import Machine
from carpal_loadtests.rows import Row, RowWriter
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.target import Target
from carpal_loadtests.verdict import Verdict, decide
from carpal_loadtests.whole import write_document, write_whole

RESULT = "result.json"
ROWS = "requests.csv"


class Result(Document):
    """Everything one run said, with what it was and where it was made."""

    schema_: Literal["carpal.load-result/v1"] = Field(default="carpal.load-result/v1", alias="schema")
    verdict: Verdict
    figures: Figures = Field(description="of the measurement; the warm-up is left out")
    warmup: Figures | None = Field(description="of the warm-up; in no verdict")
    generator_cpu: float | None = Field(description="CPU time of the load process over the run, share of one core")
    started: str | None = Field(description="RFC 3339 time of second 0 of the rows, UTC")
    elapsed_s: float | None
    target: Target
    answerers: tuple[Answerer, ...] = Field(description="the models that answered, by their own records")
    emulated: bool | None = Field(
        description="true where an answer came from an emulated engine; None where nothing answered"
    )
    machine: Machine = Field(description="of the generator")
    scenario: Scenario


def conclude(plan: Plan, target: Target, measurement: Measurement, machine: Machine) -> Result:
    """Figures and verdict of a measurement."""
    scenario, summary = plan.scenario, measurement.summary
    warmup_s = scenario.warmup_s
    warm = [row for row in measurement.rows if row.intended_s < warmup_s]
    rows = [row for row in measurement.rows if row.intended_s >= warmup_s]
    times = plan.times()
    planned_warm = int((times < warmup_s).sum())
    figures = Figures.of(rows, planned=len(times) - planned_warm, from_s=warmup_s, span_s=scenario.arrivals.duration_s)
    verdict = decide(
        scenario.slos,
        scenario.validity,
        rows=rows,
        figures=figures,
        cpu_share=summary.cpu_share if summary else None,
        cut_short=_cut_short(measurement, figures),
    )
    return Result(
        verdict=verdict,
        figures=figures,
        warmup=Figures.of(warm, planned=planned_warm, from_s=0.0, span_s=warmup_s) if planned_warm else None,
        generator_cpu=summary.cpu_share if summary else None,
        started=summary.started if summary else None,
        elapsed_s=summary.elapsed_s if summary else None,
        target=target,
        answerers=summary.answerers if summary else (),
        emulated=any(one.model.emulated for one in summary.answerers) if summary and summary.answerers else None,
        machine=machine,
        scenario=scenario,
    )


def _cut_short(measurement: Measurement, figures: Figures) -> str | None:
    unsent = figures.counts.unsent
    if measurement.interrupted:
        return f"interrupted: {unsent} of {figures.counts.planned} planned requests were not due yet"
    if measurement.summary is None or not measurement.summary.finished:
        return "the load process ended before its last word: requests that were on the way are not in the rows"
    return None


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


def write_result(result: Result, rows: Sequence[Row], folder: Path) -> None:
    """Write rows, then the result: where there is a result, its rows are whole."""

    def write_rows(stream: IO[str]) -> None:
        RowWriter(stream).write(rows)

    write_whole(folder / ROWS, write_rows)
    write_document(result, folder / RESULT)
