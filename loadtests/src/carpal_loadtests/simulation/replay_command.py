"""``carpal load replay``: hold a simulation against a real autoscaler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay(
    setup: Annotated[Path, typer.Argument(help="YAML file of a simulation: pods, delays, service, policies")],
    policy: Annotated[str, typer.Option(help="name of the policy in it that was in force")],
    run: Annotated[Path, typer.Option(help="folder of a carpal load run that was made with --namespace")],
    deployment: Annotated[str | None, typer.Option(help="that was scaled; default: the only one there")] = None,
    out: Annotated[Path | None, typer.Option(help="also write the comparison to this file")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
) -> None:
    """Simulate a recorded run and say how near it comes. Exits 1 where replicas or p95 are too far off."""
    from carpal.terminal import Terminal
    from carpal_loadtests.errors import RecordingError
    from carpal_loadtests.simulation.recording import read_recording
    from carpal_loadtests.simulation.replay import replay as compare
    from carpal_loadtests.simulation.setup import load_setup
    from carpal_loadtests.summary.evidence import gather
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    asked, service = load_setup(setup)
    if policy not in asked.policies:
        raise RecordingError(
            f"{setup} has no policy {policy!r}",
            "The one that was in force is compared.",
            f"It has: {', '.join(asked.policies)}.",
        )
    (made,) = gather([run]).runs
    found = compare(asked, asked.policies[policy], service, made.rows, read_recording(run, deployment))
    if out is not None:
        write_document(found, out)
    terminal.result(found)
    verdict = "holds" if found.holds else "does not hold"
    terminal.done(
        f"{verdict}: replicas within one at {found.within_one_share:.1%} of "
        f"{len(found.looks)} looks, p95 {found.simulated_p95_ms:.0f} ms "
        f"({found.repeats_p95_ms[0]:.0f} to {found.repeats_p95_ms[-1]:.0f} in {len(found.repeats_p95_ms)} repeats), "
        f"recorded {found.recorded_p95_ms:.0f} ms"
    )
    raise typer.Exit(0 if found.holds else 1)
