"""``carpal export``; torch and what exports are imported when it runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from carpal.terminal import Terminal
from carpal_training.options import Json


def export_command(
    run: Annotated[Path, typer.Argument(help="The --out folder of carpal train run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the package; must not exist yet.")],
    name: Annotated[str, typer.Option("--name", help="Name of the package.")] = "wrist",
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data", help="The dataset, if it was moved since; repeat it for several, in the order of the run."
        ),
    ] = None,
    size_px: Annotated[
        int | None, typer.Option("--size-px", min=32, help="Input height and width, instead of those trained at.")
    ] = None,
    variants: Annotated[
        str,
        typer.Option(
            "--variants", help="all, none, or with commas: dynamic,bfloat16,float16,int8-nncf,int8-onnxruntime."
        ),
    ] = "none",
    accept: Annotated[
        str, typer.Option("--accept", help="Weakest gate that keeps a variant: 99% or 95% of the float mAP50-95.")
    ] = "99%",
    json: Json = False,
) -> None:
    """Turn a run into a package: ONNX, parity gate, operating points, accuracy, provenance.

    Every variant is measured on the validation images; one that fails its gate is left out, and the run's variants.json
    says by how much it failed.
    """
    from carpal.errors import UsageError
    from carpal_training.export.gate import gate_named
    from carpal_training.export.package import export_run
    from carpal_training.export.variants import choose

    terminal = Terminal(json=json)
    gate = gate_named(accept)
    if size_px is not None and size_px % 32:
        raise UsageError(f"--size-px {size_px} is no multiple of 32", "The network halves it five times.", "Use 640.")
    plans = choose([variants])
    command = (
        f"carpal export {quote(str(run))} --out {quote(str(out))} --name {quote(name)} "
        f"--variants {variants} --accept {accept}"
    )
    done = export_run(
        run, out, name, terminal, data=data or (), size_px=size_px, plans=plans, accept=gate, command=command
    )
    package, parity, accuracy = done.package, done.parity, done.package.manifest.accuracy
    terminal.result(
        {
            "package": str(out),
            "digest": package.digest,
            "parity": vars(parity),
            "accuracy": accuracy,
            "variants": done.report.variants,
        }
    )
    left_out = [one for one in done.report.variants if not one.kept]
    terminal.done(
        f"Exported {out}: mAP50 {accuracy.map50:.3f} on {accuracy.images} images; parity on {parity.images} images: "
        f"boxes within {parity.box_px:.2g} px, probabilities within {parity.probability:.2g}\n"
        + (f"{len(plans) - len(left_out)} of {len(plans)} variants kept: {run / 'variants.json'}\n" if plans else "")
        + f"Next: carpal models publish {quote(str(out))} --repository models --promote stable"
    )
