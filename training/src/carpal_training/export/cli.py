"""``carpal export``; torch and what exports are imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carpal.terminal import Terminal

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def export_command(
    run: Annotated[Path, typer.Argument(help="The --out folder of carpal train run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the package; must not exist yet.")],
    name: Annotated[str, typer.Option("--name", help="Name of the package.")] = "wrist",
    data: Annotated[Path | None, typer.Option("--data", help="The dataset, if it was moved since.")] = None,
    json: Json = False,
) -> None:
    """Turn a run into a package: ONNX, parity gate, operating points, accuracy, provenance."""
    from carpal_training.export.package import export_run

    terminal = Terminal(json=json)
    package, parity = export_run(run, out, name, terminal, data=data)
    accuracy = package.manifest.accuracy
    terminal.result({"package": str(out), "digest": package.digest, "parity": vars(parity), "accuracy": accuracy})
    terminal.done(
        f"Exported {out}: mAP50 {accuracy.map50:.3f} on {accuracy.images} images; parity on {parity.images} images: "
        f"boxes within {parity.box_px:.2g} px, probabilities within {parity.probability:.2g}\n"
        f"Next: carpal models publish {out} --repository models --promote stable"
    )
