"""``carpal load``: run a scenario against a service and come to a verdict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal_loadtests.calibration.command import calibrate
from carpal_loadtests.capacity.command import capacity
from carpal_loadtests.limits.command import overload, saturate, soak
from carpal_loadtests.options import (
    INTERRUPTED,
    Grpc,
    Json,
    Kubeconfig,
    Metrics,
    Model,
    Namespace,
    Out,
    Processes,
    Url,
)
from carpal_loadtests.scaling.command import scale
from carpal_loadtests.simulation.command import simulate
from carpal_loadtests.simulation.replay_command import replay
from carpal_loadtests.summary.command import report

if TYPE_CHECKING:
    from carpal_loadtests.plan import Plan

Tolerance = Annotated[float, typer.Option(min=0, help="ratios of percentiles within 1 ± this are no change")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but the last line")]


def register(app: typer.Typer) -> None:
    """Add the commands of this distribution."""
    load = typer.Typer(no_args_is_help=True, help="Measure a service under load and judge it.")
    load.command("run")(run)
    load.command("plan")(plan)
    load.command("compare")(compare)
    load.command("saturate")(saturate)
    load.command("overload")(overload)
    load.command("soak")(soak)
    load.command("scale")(scale)
    load.command("capacity")(capacity)
    load.command("simulate")(simulate)
    load.command("replay")(replay)
    load.command("report")(report)
    load.command("calibrate")(calibrate)
    app.add_typer(load, name="load")


def run(
    scenario: Annotated[str, typer.Argument(help="YAML file, or the name of a shipped scenario: smoke, steady, ...")],
    target: Url,
    out: Out,
    model: Model = None,
    grpc: Grpc = None,
    processes: Processes = 1,
    metrics: Metrics = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    baseline: Annotated[
        Path | None, typer.Option(help="folder of an earlier run; what is proved to be worse than it fails")
    ] = None,
    tolerance: Tolerance = 0.05,
    junit: Annotated[Path | None, typer.Option(help="also write the checks as JUnit XML")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="also add the checks as Markdown; default: $GITHUB_STEP_SUMMARY where it is set")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Send the planned load, whatever the answers, and judge it. Exits 0 pass, 1 fail, 3 invalid, 2 not run."""
    # Imported here, so that carpal --help stays quick. Locust itself is imported in the load process only.
    from carpal.terminal import Terminal
    from carpal_loadtests import outputs
    from carpal_loadtests.cluster import Place
    from carpal_loadtests.compare import compare as against
    from carpal_loadtests.report import lines
    from carpal_loadtests.result import refuse_taken
    from carpal_loadtests.scenario import load_scenario
    from carpal_loadtests.trial import Setting, keep, prepare, run_trial

    terminal = Terminal(json=json, quiet=quiet)
    chosen, base = load_scenario(scenario)
    refuse_taken(out)
    place = Place(namespace, kubeconfig) if namespace else None
    setting = Setting(target, model, grpc, processes, tuple(metrics or ()), place)
    planned, described = prepare(chosen, base, setting)
    terminal.say(_summary(planned))
    trial = run_trial(planned, described, setting, out, terminal)
    result = trial.result
    for line in lines(result):
        terminal.say(line)
    terminal.result(result.model_dump(mode="json"))
    keep(trial, out)
    compared = against(baseline, out, tolerance=tolerance) if baseline is not None else None
    checks = compared.checks if compared else ()
    for check in checks:
        terminal.say(check.reason)
    if junit is not None:
        outputs.write_junit(result, junit, more=checks)
    if summary is None and (given := os.environ.get("GITHUB_STEP_SUMMARY")):
        summary = Path(given)
    if summary is not None:
        outputs.append_summary(outputs.summary(result, more=checks), summary)
    terminal.done(f"{result.verdict.outcome}: {out / 'result.json'} and {out / 'requests.parquet'}")
    if trial.measurement.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(result.verdict.exit_code or int(compared is not None and compared.worse))


def compare(
    before: Annotated[Path, typer.Argument(help="folder of the earlier run, A")],
    after: Annotated[Path, typer.Argument(help="folder of the later run, B")],
    tolerance: Tolerance = 0.05,
    json: Json = False,
) -> None:
    """Compare two runs of one scenario request by request. Exits 1 where B is proved to be worse."""
    from carpal.terminal import Terminal
    from carpal_loadtests.compare import compare as against

    terminal = Terminal(json=json)
    comparison = against(before, after, tolerance=tolerance)
    for check in comparison.checks:
        terminal.say(check.reason)
    terminal.result(comparison)
    terminal.done(f"{'worse' if comparison.worse else 'not worse'}: {comparison.pairs} requests, {before} and {after}")
    raise typer.Exit(int(comparison.worse))


def plan(
    scenario: Annotated[str, typer.Argument(help="YAML file, or the name of a shipped scenario")],
    json: Annotated[bool, typer.Option("--json", help="print every intended send time, in seconds")] = False,
) -> None:
    """Show when a scenario would send what; nothing is sent."""
    from carpal.terminal import Terminal
    from carpal_loadtests.plan import make_plan
    from carpal_loadtests.scenario import load_scenario

    terminal = Terminal(json=json)
    chosen, base = load_scenario(scenario)
    planned = make_plan(chosen, base)
    times = [round(float(at), 6) for at in planned.schedule.times]
    terminal.result({"scenario": chosen.name, "times_s": times})
    terminal.done(_summary(planned))


def _summary(planned: Plan) -> str:
    """What will be sent, in one line."""
    scenario, schedule = planned.scenario, planned.schedule
    where = f" to {planned.target}" if planned.target else ""
    return (
        f"{scenario.name}: {len(schedule.times)} requests{where}, {scenario.protocol}, {scenario.arrivals.kind} "
        f"{scenario.arrivals.said}, {schedule.warmup_s:g} s of warm-up and {schedule.duration_s:g} s of measurement, "
        f"{len(planned.payloads)} payloads, seed {scenario.seed}"
    )
