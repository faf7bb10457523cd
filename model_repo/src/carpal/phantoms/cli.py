"""`carpal phantoms`: draw synthetic wrist radiographs from a seed, as a labelled dataset."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from carpal.terminal import Terminal

if TYPE_CHECKING:
    from carpal.phantoms.dataset import PhantomDataset

_ON_A_SHEET = 14


Out = Annotated[Path, typer.Argument(help="An empty folder, or one that the same command began.")]
Count = Annotated[int, typer.Option("--count", "-n", help="Images to draw; two views make a study.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed draws the same phantoms, byte for byte.")]
Size = Annotated[int, typer.Option("--size", help="Height of an image in pixels.")]
Prevalences = Annotated[
    Literal["balanced", "graz"], typer.Option("--prevalence", help="balanced for training, graz for the real shares.")
]
Formats = Annotated[Literal["png", "dicom", "both"], typer.Option("--format", help="16-bit PNG, DICOM DX, or both.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes that draw.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
Sheet = Annotated[Path | None, typer.Option("--contact-sheet", help="Also write a grid of the first phantoms as PNG.")]
Beside = Annotated[Path | None, typer.Option("--beside", help="Put the real 16-bit PNGs of this folder on the sheet.")]
Boxes = Annotated[bool, typer.Option("--boxes", help="Draw the labels on the contact sheet.")]


def register(app: typer.Typer) -> None:
    """Add ``carpal phantoms`` to the command line."""
    app.command("phantoms")(phantoms)


def phantoms(
    out: Out,
    count: Count = 300,
    seed: Seed = 0,
    size: Size = 640,
    prevalence: Prevalences = "balanced",
    format_: Formats = "png",
    workers: Workers = 1,
    json: Json = False,
    sheet: Sheet = None,
    beside: Beside = None,
    boxes: Boxes = False,
) -> None:
    """Draw synthetic wrist radiographs with their labels, laid out as GRAZPEDWRI-DX is distributed."""
    # What draws is imported here and not above, so that `carpal --help` stays quick.
    from carpal.phantoms.dataset import generate
    from carpal.phantoms.drawing import draw
    from carpal.phantoms.sheet import contact_sheet, phantom_tile, real_tiles, write_sheet

    terminal = Terminal(json=json)
    real = real_tiles(beside) if beside else []
    terminal.say(f"drawing {count} phantoms, {size} px high, from seed {seed} into {out}")
    with terminal.progress("phantoms", count) as advance:
        reached = 0

        def tell(done: int, _total: int) -> None:
            nonlocal reached
            advance(done - reached)
            reached = done

        made = generate(
            out, count, seed=seed, size_px=size, prevalence=prevalence, image_format=format_,
            workers=workers, progress=tell,
        )  # fmt: skip
    if sheet:
        drawn = [draw(seed, i, size_px=size, prevalence=prevalence) for i in range(min(count, _ON_A_SHEET))]
        write_sheet(sheet, contact_sheet([*real, *(phantom_tile(image, boxes) for image in drawn)]))
    terminal.result(_document(made, seed, sheet))
    terminal.done(_last_line(made, sheet))


def _document(made: PhantomDataset, seed: int, sheet: Path | None) -> dict[str, object]:
    return {
        "path": str(made.path), "count": made.count, "seed": seed, "boxes": dict(made.boxes),
        "elapsed_s": round(made.elapsed_s, 3), "contact_sheet": str(sheet) if sheet else None,
    }  # fmt: skip


def _last_line(made: PhantomDataset, sheet: Path | None) -> str:
    boxes = sum(made.boxes.values())
    seen = f", contact sheet in {sheet}" if sheet else ""
    made_in = f"{made.count} phantoms with {boxes} boxes in {made.path} ({made.elapsed_s:.1f} s{seen})"
    train = f"carpal train run training/recipes/quick.yaml --data {quote(str(made.path))} --out RUN"
    return f"{made_in}. Train on them: {train}"
