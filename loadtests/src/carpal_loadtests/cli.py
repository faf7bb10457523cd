"""``carpal load``: run a scenario against a service and come to a verdict."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal_loadtests.capacity.command import capacity
from carpal_loadtests.scaling.command import scale
from carpal_loadtests.simulation.command import simulate
from carpal_loadtests.summary.command import report

if TYPE_CHECKING:
    from carpal_loadtests.job import Plan

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the commands of this distribution."""
    load = typer.Typer(no_args_is_help=True, help="Measure a service under load and judge it.")
    load.command("run")(run)
    load.command("plan")(plan)
    load.command("scale")(scale)
    load.command("capacity")(capacity)
    load.command("simulate")(simulate)
    load.command("report")(report)
    app.add_typer(load, name="load")


def run(
    scenario: Annotated[str, typer.Argument(help="YAML file, or the name of a shipped scenario: smoke, steady")],
    target: Annotated[str, typer.Option(help="base URL of the service")],
    out: Annotated[Path, typer.Option(help="new folder for result.json and requests.csv")],
    model: Annotated[str | None, typer.Option(help="default: the scenario's, or the target's only one")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as one JSON document")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but the last line")] = False,
) -> None:
    """Send the planned load, whatever the answers, and judge it. Exits 0 pass, 1 fail, 3 invalid, 2 not run."""
    # Imported here, so that carpal --help stays quick. Locust itself is imported in the load process only.
    from carpal.terminal import Terminal
    from carpal_loadtests import target as service
    from carpal_loadtests.generator import generate
    from carpal_loadtests.job import Plan, Progress
    from carpal_loadtests.machine import fingerprint
    from carpal_loadtests.payloads import gather
    from carpal_loadtests.report import lines
    from carpal_loadtests.result import conclude, refuse_taken, write_result
    from carpal_loadtests.scenario import load_scenario

    terminal = Terminal(json=json, quiet=quiet)
    chosen, base = load_scenario(scenario)
    refuse_taken(out)
    described = service.check(target, model or chosen.model)
    planned = Plan(chosen, described.url, described.model, gather(chosen.payloads, base), described.digest)
    terminal.say(_summary(planned))
    out.mkdir(parents=True, exist_ok=True)
    ended = 0
    with (
        tempfile.TemporaryDirectory(prefix=".run-", dir=out) as work,
        terminal.progress("sending", len(planned.times())) as advance,
    ):

        def on_progress(progress: Progress) -> None:
            nonlocal ended
            advance(progress.ended - ended)
            ended = progress.ended

        measurement = generate(planned, Path(work), on_progress)
    result = conclude(planned, described, measurement, fingerprint())
    write_result(result, measurement.rows, out)
    for line in lines(result):
        terminal.say(line)
    terminal.result(result.model_dump(mode="json"))
    terminal.done(f"{result.verdict.outcome}: {out / 'result.json'} and {out / 'requests.csv'}")
    raise typer.Exit(INTERRUPTED if measurement.interrupted else result.verdict.exit_code)


def plan(
    scenario: Annotated[str, typer.Argument(help="YAML file, or the name of a shipped scenario")],
    json: Annotated[bool, typer.Option("--json", help="print every intended send time, in seconds")] = False,
) -> None:
    """Show when a scenario would send what; nothing is sent."""
    from carpal.terminal import Terminal
    from carpal_loadtests.job import Plan
    from carpal_loadtests.payloads import gather
    from carpal_loadtests.scenario import load_scenario

    terminal = Terminal(json=json)
    chosen, base = load_scenario(scenario)
    planned = Plan(chosen, "", chosen.model or "MODEL", gather(chosen.payloads, base))
    terminal.result({"scenario": chosen.name, "times_s": [round(float(at), 6) for at in planned.times()]})
    terminal.done(_summary(planned))


def _summary(planned: Plan) -> str:
    """What will be sent, in one line."""
    scenario = planned.scenario
    arrivals, count = scenario.arrivals, len(planned.times())
    where = f" to {planned.target}{planned.path}" if planned.target else ""
    return (
        f"{scenario.name}: {count} requests{where}, {arrivals.kind} {arrivals.rate_per_s:g}/s, "
        f"{scenario.warmup_s:g} s of warm-up and {arrivals.duration_s:g} s of measurement, "
        f"{len(planned.payloads)} payloads, seed {scenario.seed}"
    )
