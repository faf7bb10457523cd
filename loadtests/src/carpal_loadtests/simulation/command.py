"""``carpal load simulate``: policies against a load, without a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carpal_loadtests.simulation.outcome import Simulated


def simulate(
    setup: Annotated[Path, typer.Argument(help="YAML file of a simulation: load, service, delays, policies")],
    out: Annotated[Path | None, typer.Option(help="also write the document to this file")] = None,
    values: Annotated[Path | None, typer.Option(help="write the best policy as chart values to this file")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the document as JSON")] = False,
) -> None:
    """Predict replicas and latency under autoscaling policies, and name the cheapest that meets the objective.

    Exits 1 where none does.
    """
    import yaml

    from carpal.terminal import Terminal
    from carpal_loadtests.simulation.outcome import simulate as run
    from carpal_loadtests.simulation.setup import load_setup
    from carpal_loadtests.whole import write_document, write_whole

    terminal = Terminal(json=json)
    asked, service = load_setup(setup)
    found = run(asked, service)
    if out is not None:
        write_document(found, out)
    if not json:
        for line in lines(found):
            typer.echo(line)
    if values is not None and found.chart_values is not None:
        text = yaml.safe_dump(dict(found.chart_values), sort_keys=False)
        write_whole(values, _writer(text))
    elif values is not None:
        why = "the chart has no such setting" if found.best else "no policy is good enough"
        terminal.say(f"note: {values} was not written: {why}")
    terminal.result(found)
    terminal.done(conclusion(found))
    raise typer.Exit(0 if found.best else 1)


def lines(found: Simulated) -> list[str]:
    """A table of the policies."""
    said = [
        f"simulated: {next(iter(found.outcomes.values())).sent} requests over {found.duration_s:g} s, service "
        f"{found.service.mean_s * 1000:.4g} ms ({found.service.source}"
        + (", emulated)" if found.service.emulated else ")"),
        f"{'policy':<24} in time   p50 ms   p99 ms  refused  mean  most  changes  replica-hours",
    ]
    for name, one in found.outcomes.items():
        mark = "*" if name == found.best else " "
        said.append(
            f"{name:<23}{mark} {one.in_time_share:7.2%} {_number(one.p50_ms)} {_number(one.p99_ms)} {one.refused:8d} "
            f"{one.mean_replicas:5.1f} {one.most_replicas:5d} {one.changes:8d} {one.replica_hours:14.2f}"
        )
    return said


def conclusion(found: Simulated) -> str:
    """The best policy, in a sentence."""
    setup = found.setup
    wanted = f"{setup.share:.2%} within {setup.limit_ms:g} ms"
    if found.best is None:
        nearest = found.outcomes[found.nearest]
        return f"no policy gets {wanted}; {found.nearest} comes nearest with {nearest.in_time_share:.2%}"
    best = found.outcomes[found.best]
    return f"{found.best} is the cheapest that gets {wanted}: {best.mean_replicas:.1f} replicas on average (simulated)"


def _number(value: float | None) -> str:
    return f"{value:8.1f}" if value is not None else f"{'none':>8}"


def _writer(text: str) -> Callable[[IO[bytes]], None]:
    def write(stream: IO[bytes]) -> None:
        stream.write(text.encode())

    return write
