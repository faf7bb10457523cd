"""``carpal load saturate``, ``overload`` and ``soak``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal_loadtests.options import FAILED, INTERRUPTED, INVALID, Grpc, Json, Model, Out, Processes, Url

if TYPE_CHECKING:
    from carpal.terminal import Terminal
    from carpal_loadtests.check import Check
    from carpal_loadtests.scenario import Scenario as Planned
    from carpal_loadtests.trial import Setting, Trial

Scenario = Annotated[str, typer.Argument(help="YAML file or shipped scenario; its arrivals are replaced")]


def saturate(
    scenario: Scenario,
    target: Url,
    out: Out,
    start: Annotated[float, typer.Option(min=0.01, help="first rate that is tried, requests a second")] = 10.0,
    most: Annotated[float, typer.Option(min=0.01, help="no higher rate is tried")] = 10_000.0,
    tolerance: Annotated[float, typer.Option(min=0.005, max=1, help="share between what holds and what fails")] = 0.05,
    probe_s: Annotated[float, typer.Option(min=1, help="seconds of each trial, after the scenario's warm-up")] = 15.0,
    confirm_s: Annotated[float, typer.Option(min=1, help="seconds of the run that confirms")] = 60.0,
    model: Model = None,
    grpc: Grpc = None,
    processes: Processes = 1,
    json: Json = False,
) -> None:
    """Find the highest rate that keeps every objective. Exits 1 where none does, 3 where the generator is the limit."""
    from carpal.terminal import Terminal
    from carpal_loadtests.limits.saturator import Saturator
    from carpal_loadtests.result import refuse_taken
    from carpal_loadtests.scenario import load_scenario
    from carpal_loadtests.trial import Setting, make_folder, prepare
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    chosen, base = load_scenario(scenario)
    refuse_taken(out)
    make_folder(out)
    setting = Setting(target, model, grpc, processes)
    planned, described = prepare(chosen, base, setting)
    saturator = Saturator(planned, described, setting, out, terminal)
    found = saturator.saturate(start=start, most=most, tolerance=tolerance, probe_s=probe_s, confirm_s=confirm_s)
    write_document(found, out / "saturation.json")
    terminal.result(found)
    knee = f"knee {found.knee_per_s:.4g}/s, " if found.knee_per_s else ""
    if found.rate_per_s is not None:
        said = f"{found.rate_per_s:.4g}/s keeps every objective, confirmed over {confirm_s:g} s"
    else:
        said = "no rate was confirmed"
    why = f" ({found.stopped_by})" if found.stopped_by else ""
    terminal.done(f"{said}{why}; {knee}maximum {found.maximum_per_s or 0:.4g}/s: {out / 'saturation.json'}")
    if saturator.interrupted:
        raise typer.Exit(INTERRUPTED)
    if found.blind:
        raise typer.Exit(INVALID)
    raise typer.Exit(0 if found.confirmed else FAILED)


def overload(
    scenario: Scenario,
    target: Url,
    out: Out,
    capacity: Annotated[float, typer.Option(min=0.01, help="requests a second that it can do: saturate says")],
    good_ms: Annotated[float, typer.Option(min=0.001, help="an answer within it is a good one")] = 1000.0,
    times: Annotated[list[float] | None, typer.Option(min=1, help="multiples of it; default: 2 and 10")] = None,
    stage_s: Annotated[float, typer.Option(min=1, help="seconds of each stage")] = 10.0,
    model: Model = None,
    grpc: Grpc = None,
    processes: Processes = 1,
    json: Json = False,
) -> None:
    """Offer 2 and 10 times the capacity, and judge goodput, accepted latency, recovery and memory."""
    from carpal.terminal import Terminal
    from carpal_loadtests.limits.overload import overload_checks, overloaded
    from carpal_loadtests.scenario import load_scenario
    from carpal_loadtests.trial import Setting

    chosen, base = load_scenario(scenario)
    planned = overloaded(chosen, capacity_per_s=capacity, times=times or (2.0, 10.0), stage_s=stage_s)

    def checks(trial: Trial) -> Sequence[Check]:
        return overload_checks(
            trial.result,
            [row for row in trial.measurement.rows if row.intended_s >= planned.warmup_s],
            trial.samples.samples,
            capacity_per_s=capacity,
            good_ms=good_ms,
            zero_unix_s=trial.measurement.zero_unix_s,
        )

    _run(planned, base, Setting(target, model, grpc, processes), checks, out, Terminal(json=json))


def soak(
    scenario: Scenario,
    target: Url,
    out: Out,
    rate: Annotated[float, typer.Option(min=0.01, help="requests a second")],
    duration_s: Annotated[float, typer.Option(min=60, help="seconds; hours rather")] = 3600.0,
    memory_mib_per_h: Annotated[float, typer.Option(min=0.001, help="most growth of the target's memory")] = 10.0,
    model: Model = None,
    grpc: Grpc = None,
    processes: Processes = 1,
    json: Json = False,
) -> None:
    """Hold one rate for long, and judge whether memory, files, threads or latency grow."""
    from carpal.terminal import Terminal
    from carpal_loadtests.limits.soak import soak_checks, soaked
    from carpal_loadtests.scenario import load_scenario
    from carpal_loadtests.trial import Setting

    chosen, base = load_scenario(scenario)
    planned = soaked(chosen, rate_per_s=rate, duration_s=duration_s, memory_mib_per_h=memory_mib_per_h)
    setting = Setting(target, model, grpc, processes)
    _run(planned, base, setting, lambda trial: soak_checks(trial.result), out, Terminal(json=json))


def _run(
    planned: Planned,
    base: Path,
    setting: Setting,
    judge: Callable[[Trial], Sequence[Check]],
    out: Path,
    terminal: Terminal,
) -> None:
    """Run a scenario; say, write and leave with the verdict of the run and of the checks beside it."""
    from carpal_loadtests.report import lines
    from carpal_loadtests.trial import keep, prepare, run_trial

    plan, described = prepare(planned, base, setting)
    trial = run_trial(plan, described, setting, out, terminal)
    checks = judge(trial)
    for line in (*lines(trial.result), *(check.reason for check in checks)):
        terminal.say(line)
    result = trial.result.model_copy(update={"verdict": trial.result.verdict.also(checks)})
    terminal.result(result.model_dump(mode="json"))
    keep(trial, out, result=result)
    terminal.done(f"{result.verdict.outcome}: {out / 'result.json'} and {out / 'requests.parquet'}")
    raise typer.Exit(INTERRUPTED if trial.measurement.interrupted else result.verdict.exit_code)
