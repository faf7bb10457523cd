"""``carpal preview``: what preprocessing does to one radiograph, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal.terminal import Terminal

if TYPE_CHECKING:
    from carpal.imaging.preprocess import Chain


def register(app: typer.Typer) -> None:
    """Add ``preview``."""
    app.command("preview")(preview)


def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A radiograph.")],
    out: Annotated[Path, typer.Option(help="The picture to write, a PNG.")] = Path("preview.png"),
    steps: Annotated[
        bool, typer.Option("--steps", help="Show the image after every step, not the last alone.")
    ] = False,
    model: Annotated[str, typer.Option(help="The package whose chain is run.")] = "starter",
    chain: Annotated[Path | None, typer.Option(help="A chain as JSON, instead of a package's.")] = None,
    repository: Annotated[str | None, typer.Option(help="Folder or s3://bucket/prefix with the models.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the steps as one JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No talk.")] = False,
) -> None:
    """Draw a radiograph before and after preprocessing, with each step's name and parameters."""
    # What computes is imported here and not above, so that `carpal --help` stays quick.
    from carpal.imaging.preview import draw, panels
    from carpal.imaging.readers import read
    from carpal.records.jsonl import write_whole

    terminal = Terminal(json=json, quiet=quiet)
    chosen = _read_chain(chain) if chain else _chain_of(model, repository)
    radiograph = read(file)
    terminal.say(f"running {len(chosen.steps)} steps ({', '.join(step.name for step in chosen.steps)}) on {file}")
    stages = list(chosen.stages(radiograph.pixels))
    shown = panels(radiograph.pixels, stages, every_step=steps)
    write_whole(out, draw(shown))
    terminal.result(
        {
            "digest": chosen.digest,
            "source": {"width_px": radiograph.width, "height_px": radiograph.height},
            "steps": [
                {
                    **stage.step.model_dump(mode="json"),
                    "cost": stage.step.cost,
                    "width_px": stage.pixels.shape[1],
                    "height_px": stage.pixels.shape[0],
                    "dtype": str(stage.pixels.dtype),
                    "finds": stage.step.finds(stage.given),
                    "from_source": stage.from_source.matrix[:2].tolist(),
                }
                for stage in stages
            ],
            "picture": str(out),
        }
    )
    terminal.done(f"{len(shown)} images in {out}; chain {chosen.digest}")


def _read_chain(path: Path) -> Chain:
    from carpal.errors import UsageError
    from carpal.imaging.preprocess import Chain

    try:
        body = path.read_bytes()
    except OSError as failure:
        raise UsageError(
            f"{path} cannot be read: {failure.strerror}",
            "--chain names a JSON file with the steps.",
            "See docs/how-to/preview-preprocessing.md for one.",
        ) from failure
    return Chain.parse_json(body, source=path)


def _chain_of(model: str, repository: str | None) -> Chain:
    from carpal.packages.reference import resolve

    return resolve(model, repository).manifest.preprocessing
