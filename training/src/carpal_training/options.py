"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", help="An imported dataset, or a folder in the layout of GRAZPEDWRI-DX.")]
Model = Annotated[str, typer.Option("--model", help="A package: starter, a folder, name, name@channel, name:version.")]
Repository = Annotated[str | None, typer.Option("--repository", help="Where packages are looked for.")]
Part = Annotated[str, typer.Option("--part", help="train, val or test.")]
Draws = Annotated[int, typer.Option("--draws", min=100, help="Draws of patients for the intervals.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same patients.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Images looked at at the same time.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
