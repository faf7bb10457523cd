"""A YOLOv8n of 640 pixels that has learnt nothing, for measuring speed: ``python network.py FOLDER``.

The starter's network has 384 pixels, so that it fits into the wheel. This one is a package like any other, with the
starter's manifest, and by its name; it finds nothing, so that nothing but its size tells the two apart in time.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import torch

from carpal.imaging.preprocess import default_chain
from carpal.packages.manifest import OutputLayout, Variant
from carpal.packages.package import write_package
from carpal.packages.reference import resolve
from carpal_training import yolo
from carpal_training.export.network import anchors, export_network

SIZE_PX, FILE = 640, "model.onnx"


def make(folder: Path) -> Path:
    """Write the package.

    Args:
        folder: of the package; it must not exist.
    """
    starter = resolve("starter").manifest
    torch.manual_seed(0)
    network = yolo.build_network("yolov8n", starter.classes).eval()
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        file = Path(place) / FILE
        export_network(network, starter.classes, file, SIZE_PX)
        changed = {
            "preprocessing": default_chain(SIZE_PX),
            "output": OutputLayout(anchors=anchors(SIZE_PX)),
            "variants": (Variant(file=FILE, sha256=hashlib.sha256(file.read_bytes()).hexdigest()),),
        }
        write_package(folder, starter.model_copy(update=changed), {FILE: file})
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{make(Path(sys.argv[1]))}\n")
