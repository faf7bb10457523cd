"""``carpal load scale``: the laws of scaling over measured points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carpal_loadtests.scaling.analysis import Estimate, Scaling


def scale(
    points: Annotated[
        list[str], typer.Argument(help="CSV tables (replicas,throughput_per_s), or N=FOLDER of a saturated run")
    ],
    predict: Annotated[
        list[int] | None, typer.Option(min=1, help="also say the throughput of so many replicas")
    ] = None,
    extrapolate: Annotated[
        bool, typer.Option("--extrapolate", help="allow predictions beyond twice the largest measured number")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="also write the document to this file")] = None,
    note: Annotated[str, typer.Option(help="conditions of the measurement, for whoever reads the document")] = "",
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="of the bootstrap")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="of the bootstrap")] = 0,
    json: Annotated[bool, typer.Option("--json", help="print the document as JSON")] = False,
) -> None:
    """Fit linear, Amdahl and USL to throughput against replicas, choose between them, and say where it stops."""
    from carpal.terminal import Terminal
    from carpal_loadtests.scaling.analysis import analyse
    from carpal_loadtests.scaling.points import read_points
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    scaling = analyse(
        read_points(points), predict=predict or (), far=extrapolate, note=note, resamples=resamples, seed=seed
    )
    if out is not None:
        write_document(scaling, out)
    if not json:
        for line in lines(scaling):
            typer.echo(line)
    terminal.result(scaling)
    terminal.done(conclusion(scaling) + (f" ({out})" if out else ""))


def lines(scaling: Scaling) -> list[str]:
    """The table of laws, then what the best one says of each number of replicas."""
    said = ["law      lambda (/s)  sigma      kappa      weight  error"]
    for one in scaling.laws:
        numbers = (one.lambda_per_s.value or 0.0, one.sigma.value or 0.0, one.kappa.value or 0.0)
        mark = "*" if one.law == scaling.best else " "
        said.append(
            f"{one.law:<7}{mark} {numbers[0]:<12.5g} {numbers[1]:<10.4g} {numbers[2]:<10.4g} {one.weight:<7.3f} "
            f"{one.error_share:.1%}"
        )
    for at in scaling.predictions:
        spread = (
            ""
            if at.interval.low is None
            else f", {scaling.level:.0%} of resamples {_range(at.interval.low, at.interval.high)}"
        )
        where = "" if at.reach == "inside" else f": {at.reach} what was measured"
        said.append(
            f"{at.replicas} replicas: {at.throughput_per_s:.5g}/s, efficiency {at.efficiency:.0%}{spread}{where}"
        )
    return said


def conclusion(scaling: Scaling) -> str:
    """Where it stops scaling, in a sentence that says how far that is from what was measured."""
    largest = max(point.replicas for point in scaling.points)
    emulated = "; the engine was emulated" if scaling.emulated else ""
    if scaling.peak_replicas.value is not None:
        far = (
            f", {scaling.peak_reach:.3g} times what was measured"
            if scaling.peak_reach and scaling.peak_reach > 2
            else ""
        )
        return (
            f"{scaling.best}: throughput peaks at N* = {_spread(scaling.peak_replicas)} replicas{far}, "
            f"at {scaling.limit_per_s.value or 0.0:.5g}/s{emulated}"
        )
    if scaling.limit_per_s.value is not None:
        return f"{scaling.best}: no number of replicas exceeds {_spread(scaling.limit_per_s)}/s{emulated}"
    return f"{scaling.best}: no limit shows up to {largest} replicas{emulated}"


def _spread(estimate: Estimate) -> str:
    return f"{estimate.value:.4g} ({_range(estimate.interval.low, estimate.interval.high)})"


def _range(low: float | None, high: float | None) -> str:
    return f"{'no limit' if low is None else f'{low:.4g}'} to {'no limit' if high is None else f'{high:.4g}'}"
