"""``carpal load report``: S on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    evidence: Annotated[
        list[Path] | None,
        typer.Argument(
            help="folders of runs (N=FOLDER: of N replicas), documents of scale, saturate, capacity, simulate"
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="HTML file to write; what it says for machines is beside it, as .json")
    ] = Path("scalability.html"),
    json: Annotated[bool, typer.Option("--json", help="print what it says for machines")] = False,
) -> None:
    """Write one self-contained page on how the service scales, from whatever was measured, and say what is missing."""
    from carpal.reports.page import write_page
    from carpal.terminal import Terminal
    from carpal_loadtests.summary.digest import digest
    from carpal_loadtests.summary.evidence import gather
    from carpal_loadtests.summary.page import page
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    given = gather(evidence or [])
    said = digest(given)
    write_page(page(given), out)
    write_document(said, out.with_suffix(".json"))
    for one in said.missing:
        terminal.say(f"missing: {one}")
    terminal.result(said)
    terminal.done(f"{said.answer} ({out})")
