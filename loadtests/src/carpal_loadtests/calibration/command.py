"""``carpal load calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carpal_loadtests.options import FAILED, INVALID


def calibrate(
    rate: Annotated[list[float] | None, typer.Option(min=1, help="requests a second; default: 50, 500, 2000")] = None,
    seconds: Annotated[float, typer.Option(min=2, help="of each measurement, after two of warm-up")] = 20.0,
    processes: Annotated[int, typer.Option(min=1, max=64, help="load processes that share the schedule")] = 1,
    capacity: Annotated[bool, typer.Option(help="also try how much one core can send")] = True,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as one JSON document")] = False,
) -> None:
    """Measure a server of known truth on this machine: is the load generator true here?

    Exits 1 where it is not, and 3 where it may be and the machine was too busy to say.
    """
    from carpal.terminal import Terminal
    from carpal_loadtests.calibration.suite import Suite
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    found = Suite(processes, terminal.say).calibrate(rate or (50, 500, 2000), seconds, capacity=capacity)
    if out is not None:
        write_document(found, out)
    terminal.result(found)
    wrong = [f"{one.rate_per_s:g}/s" for one in found.levels if not one.holds]
    wrong += [f"the stall at {one.rate_per_s:g}/s" for one in found.stalls if not one.holds]
    said = f"off at {', '.join(wrong)}" if wrong else "p50 and p99 within 2 %, every stall whole, every request counted"
    said += "" if found.valid else "; invalid: the machine let generator or server wait"
    terminal.done(said + (f": {out}" if out else ""))
    raise typer.Exit(0 if found.holds else FAILED if found.valid else INVALID)
