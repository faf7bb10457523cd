"""What one image costs: CPU time to read, prepare and write it, with and without the network, and bytes in and out.

    python loadtests/studies/cost.py [--model starter] [--images FOLDER] [--out out/scale/cost.json]

CPU time of this process (user and system), not wall-clock: it stays nearly the same on a machine that others use.
Without a folder the images are phantoms. One thread computes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from carpal import open_model
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.payloads import Files, Phantoms, gather

ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/scale/cost.json"))
    arguments = parser.parse_args()
    source: Files | Phantoms = Phantoms(kind="phantoms", count=8, seed=1)
    if arguments.images:
        paths = tuple(sorted(path for path in arguments.images.iterdir() if path.is_file()))
        source = Files(kind="files", paths=paths)
    bodies = [payload.body for payload in gather(source, Path())]
    found: dict[str, Any] = {
        "images": len(bodies),
        "phantoms": arguments.images is None,
        "image_bytes": mean(map(len, bodies)),
        "machine": fingerprint().model_dump(mode="json"),
    }
    for name, engine in {"around": "emulated:0", "whole": "onnxruntime"}.items():
        found[f"{name}_cpu_ms"], found["record_bytes"] = cost(arguments.model, engine, bodies)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


def cost(model: str, engine: str, bodies: list[bytes]) -> tuple[float, float]:
    """CPU milliseconds an image, and bytes of a record; the first round warms up."""
    detector = open_model(model, engine=engine, threads=1)
    sizes = [len(detector.detect(body).to_json()) for body in bodies]
    before_s = time.process_time()
    for _ in range(ROUNDS):
        for body in bodies:
            detector.detect(body).to_json()
    spent_s = time.process_time() - before_s
    return 1000 * spent_s / ROUNDS / len(bodies), mean(sizes)


if __name__ == "__main__":
    sys.exit(main())
