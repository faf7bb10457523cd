"""``carpal tune``; what computes is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from carpal.terminal import Terminal
from carpal_training.options import Model, Repository


def tune_command(
    model: Model,
    repository: Repository = None,
    profile: Annotated[
        Path | None, typer.Option("--profile", help="Write the profile here instead of into the cache.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for profile.json, timings.csv and tune.html.")
    ] = None,
    accept: Annotated[
        str, typer.Option("--accept", help="Weakest gate of a variant that may be chosen: 99% or 95%.")
    ] = "99%",
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all measuring.")] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="Print the profile on stdout.")] = False,
) -> None:
    """Measure engines, precisions, threads and streams on this machine, and keep the best for the service."""
    from carpal.engines.profile import default_place
    from carpal.machine import this_machine
    from carpal.packages.reference import resolve
    from carpal_training.export.gate import gate_named
    from carpal_training.run import write_whole
    from carpal_training.tuning import report, tuner

    terminal = Terminal(json=json)
    gate = gate_named(accept)
    package, machine = resolve(model, repository), this_machine()
    terminal.say(f"Measuring {model} on {machine.processor}, {machine.cores} cores: about {seconds:.0f} s")
    command = f"carpal tune --model {quote(model)} --accept {accept} --seconds {seconds:g}"
    found = tuner.tune(package, machine, terminal, accept=gate, seconds=seconds, command=command)
    place = profile or default_place(package.digest, machine)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, found.to_json(indent=True))
    if out is not None:
        report.write_report(found, out)
    terminal.result(found)
    terminal.say(report.text(found))
    terminal.done(
        f"Measured in {found.seconds:.0f} s. Latency: {tuner.words(found.latency)}. "
        f"Throughput: {tuner.words(found.throughput)}\n{place}{f', {out}/tune.html' if out is not None else ''}"
    )
