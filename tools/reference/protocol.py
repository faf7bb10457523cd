"""The gRPC modules of the Open Inference Protocol, by the detector service's own generator."""

from __future__ import annotations

import runpy
from pathlib import Path

SERVICE = Path(__file__).resolve().parents[2] / "services/detector"
FOLDER = "services/detector/src/carpal_detector/proto"


def files() -> dict[str, str]:
    made: dict[str, str] = runpy.run_path(str(SERVICE / "generate.py"))["generate"]()
    return {f"{FOLDER}/{name}": text for name, text in made.items()}
